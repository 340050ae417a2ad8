"""A lead writes to a worker."""

from datetime import datetime

from django.db import transaction

from crowd.models import Worker
from crowd.services import messages
from curation.models import Project, User
from curation.services import events


@transaction.atomic
def send(*, worker: Worker, project: Project, by: User, topic: str, text: str, key: str, now: datetime) -> bool:
    """Send a message once and put it on record. Returns whether it is new."""
    is_new = messages.send(worker=worker, project_id=project.pk, topic=topic, text=text, key=key)
    if is_new:
        said = f"{by.name} wrote to worker {worker.short_id}: {topic.strip()}"
        events.record(kind="worker.message", text=said, project=project, subject=worker, by=by, now=now)
    return is_new
