"""Messages to workers: through the outbox, each once. Our own people read theirs on their page."""

from django.db.models import QuerySet

from crowd.errors import CrowdError
from crowd.models import OutboxCommand, Worker
from crowd.platforms.connecting import terms_of
from crowd.platforms.registry import platform
from crowd.services import outbox

LONGEST_TOPIC, LONGEST_TEXT, LONGEST_KEY = 200, 4_000, 60
State = OutboxCommand.State


def why_not(worker: Worker) -> str:
    """Return why nobody can be written to on this worker's platform; empty when it can be done."""
    if platform(worker.account.platform).capabilities.messages:
        return ""
    return f"{terms_of(worker.account.platform).title} takes no messages from here: write to people on the platform."


def send(*, worker: Worker, project_id: int, topic: str, text: str, key: str) -> bool:
    """Leave a message for a worker; the same key again sends nothing more. Returns whether it is new."""
    topic, text = topic.strip(), text.strip()
    if reason := why_not(worker):
        raise CrowdError(reason)
    if not topic or not text:
        raise CrowdError("A message needs a subject and a text.")
    if len(topic) > LONGEST_TOPIC or len(text) > LONGEST_TEXT:
        raise CrowdError(f"A subject has at most {LONGEST_TOPIC} letters and a text at most {LONGEST_TEXT:,}.")
    if not 0 < len(key) <= LONGEST_KEY:
        raise CrowdError("Open the worker's page again and write the message there.")
    full_key = f"message-{worker.pk}-{key}"
    if OutboxCommand.objects.filter(kind="message", key=full_key).exists():
        return False
    told = {"worker_ext_ids": [worker.ext_id], "topic": topic, "text": text}
    about = {"worker_id": worker.pk, "project_id": project_id}
    outbox.enqueue(kind="message", key=full_key, account=worker.account, payload={**told, **about})
    return True


def written_to(worker: Worker) -> QuerySet[OutboxCommand]:
    """Return the messages to a worker, the newest first, with what became of each."""
    mine = OutboxCommand.objects.filter(kind="message", account=worker.account, payload__worker_id=worker.pk)
    return mine.order_by("-id")


def read_by(worker: Worker) -> QuerySet[OutboxCommand]:
    """Return what one of our own people finds on their page: it needs nobody to carry it there."""
    return written_to(worker).exclude(state__in=[State.CANCELLED, State.REFUSED, State.DEAD])
