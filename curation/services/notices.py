"""What other teams are told: noted where it happens, in the same transaction, and only where somebody listens."""

from collections.abc import Iterable, Mapping
from typing import Any

from curation.models import Webhook, WebhookNotice
from curation.services import jobs

OF_ASSETS = {"asset.accepted": "a picture reached the end of the line", "asset.rejected": "a picture was taken out"}
OF_TASKS = {"task.completed": "a picture passed a stage in which people work"}
OF_EVENTS = {
    "pool.finished": "a pool was closed or has all it wanted",
    "version.published": "a version of the data set was frozen",
    "export.ready": "an export can be fetched",
    "budget.warning": "a budget is nearly used up",
}
TOPICS: Mapping[str, str] = {**OF_ASSETS, **OF_TASKS, **OF_EVENTS}
BY_EVENT = {
    "pool.closed": "pool.finished",
    "dataset.frozen": "version.published",
    "export.done": "export.ready",
    "budget.warning": "budget.warning",
}


def heard(project_id: int) -> set[str]:
    """Return the topics that somebody listens to in a project."""
    rows = Webhook.objects.filter(project_id=project_id, is_active=True).values_list("topics", flat=True)
    return {topic for topics in rows for topic in topics}


def note(*, project_id: int, topic: str, about: Iterable[Mapping[str, Any]]) -> None:
    """Note what happened, for topics that somebody listens to: the caller has asked `heard`."""
    rows = [WebhookNotice(project_id=project_id, topic=topic, about=dict(one)) for one in about]
    if not rows:
        return
    WebhookNotice.objects.bulk_create(rows)
    jobs.wake(kind="write_deliveries", key=str(project_id), project_id=project_id)


def note_event(*, project_id: int, kind: str, about: Mapping[str, Any]) -> None:
    """Note an event of the project's record, if it is one that others are told."""
    topic = BY_EVENT.get(kind)
    if topic is not None and topic in heard(project_id):
        note(project_id=project_id, topic=topic, about=[about])
