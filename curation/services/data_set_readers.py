"""Who has which version: every download of an export is kept, with whom and when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max

from curation.models import DatasetVersion, Event, Export, User
from curation.services import events

DOWNLOADED = "export.downloaded"


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who has a version, in which format, how often it was fetched and when last."""

    name: str
    format: str
    times: int
    last: datetime


def note_download(*, export: Export, by: User, now: datetime) -> None:
    """Keep that somebody fetches an export from its beginning; the parts of a broken download are not counted."""
    project = export.dataset.project
    text = f"{by.name} downloaded {export.dataset} as {export.format}."
    data = {"version": export.dataset.number, "format": export.format}
    events.record(kind=DOWNLOADED, text=text, project=project, subject=export, by=by, data=data, now=now)


def readers_of(*, version: DatasetVersion) -> list[Reader]:
    """Return who downloaded exports of a version, the latest first."""
    rows = (
        Event.objects.filter(project_id=version.project_id, kind=DOWNLOADED, data__version=version.number)
        .order_by()
        .values_list("by__name", "data__format")
        .annotate(times=Count("pk"), last=Max("created_at"))
        .order_by("-last")
    )
    return [Reader(name or "somebody who has left", format, times, last) for name, format, times, last in rows]


def downloads_of(*, versions: Sequence[DatasetVersion]) -> dict[int, int]:
    """Return how often exports of each version were downloaded, by its number."""
    if not versions:
        return {}
    rows = Event.objects.filter(project_id=versions[0].project_id, kind=DOWNLOADED).order_by()
    return {number: n for number, n in rows.values_list("data__version").annotate(n=Count("pk")) if number is not None}
