"""Files of answers that lie outside and were not had: on the platform, or behind a link that a worker has sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q

from crowd.models import RemoteFile
from curation.models import Pool

State = RemoteFile.State
SHOWN = 12


@dataclass(frozen=True, slots=True)
class FileTrouble:
    """What was said of so many files: those that are tried again, from when, and those that were given up."""

    said: str
    waiting: int
    given_up: int
    next_at: datetime | None


def troubled_files(pool: Pool) -> Sequence[FileTrouble]:
    """Return the reasons why files of a pool were not fetched, the most frequent first."""
    rows = RemoteFile.objects.filter(assignment__batch__pool_id=pool.pk).exclude(last_error="").order_by()
    waits = Q(state=State.WAITING)
    found = rows.values_list("last_error").annotate(
        waiting=Count("pk", filter=waits),
        given_up=Count("pk", filter=Q(state=State.FAILED)),
        next=Min("next_at", filter=waits),
        n=Count("pk"),
    )
    return [FileTrouble(*row[:4]) for row in found.order_by("-n", "last_error")[:SHOWN]]
