"""New pictures join the groups by themselves, some time after the checks; what was found and said before stays."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

import numpy as np
from django.db import transaction
from django.db.models import F

from curation.models import Job, LookalikeSearch
from curation.services import jobs, versions
from curation.services.jobs import Again
from curation.services.lookalikes import arrays
from curation.services.lookalikes.arrays import STOPS, Grouping, Pictures
from curation.services.lookalikes.searching import KIND as WHOLE_SEARCH
from curation.services.lookalikes.searching import grouped, hashes_of, live_of

KIND = "join_lookalikes"
QUIET_SECONDS, PICTURES_A_SECOND = 30.0, 5_000
AT_WORK = (Job.State.DUE, Job.State.RUNNING)


def ask(*, project_id: int) -> None:
    """Let what is new join the groups, if the project's pictures have been compared at all."""
    if LookalikeSearch.objects.filter(project_id=project_id).exists():
        jobs.wake(kind=KIND, key=str(project_id), project_id=project_id)


def run_join(job: Job, now: datetime) -> Again | None:
    """Job: once in half a minute at most, in large projects less often; a whole comparison takes new ones in itself."""
    project_id = int(job.key)
    search = LookalikeSearch.objects.filter(project_id=project_id).first()
    whole = Job.objects.filter(kind=WHOLE_SEARCH, key=job.key, state__in=AT_WORK)
    if search is None or whole.exists():
        return None
    pause = timedelta(seconds=QUIET_SECONDS + search.pictures / PICTURES_A_SECOND)
    if search.updated_at > now - pause:
        return Again(after=(search.updated_at + pause - now).total_seconds())
    join(search=search, now=now)
    return None


def join(*, search: LookalikeSearch, now: datetime) -> int:
    """Lead each new picture to the nearest leader of its class, or let it lead; returns how many are new.

    Pictures that have left stay in the arrays until the next whole comparison: whoever reads the groups passes them
    over.
    """
    before = arrays.pictures_of(search.arrays_key)
    known = set(before.ids.tolist())
    new = {pk: label for pk, label in live_of(search.project_id).items() if pk not in known}
    if not new:
        return 0
    ids = np.concatenate([before.ids, np.fromiter(new, np.int64, len(new))])
    pictures = Pictures(ids, np.concatenate([before.classes, np.fromiter(new.values(), np.int64, len(new))]))
    prefix = f"lookalikes/{secrets.token_hex(16)}"
    arrays.store_pictures(prefix, pictures)
    kept = _store_groupings(search.arrays_key, prefix, pictures, len(before.ids))
    _replace(search, prefix, kept, len(new), now)
    return len(new)


def _store_groupings(earlier: str, prefix: str, pictures: Pictures, n_before: int) -> dict[str, int]:
    """Only the classes of the new pictures are touched."""
    touched = np.flatnonzero(np.isin(pictures.classes, pictures.classes[n_before:]))
    part, rows = Pictures(pictures.ids[touched], pictures.classes[touched]), hashes_of(pictures.ids[touched])
    old = touched[touched < n_before]
    kept = {}
    for stop in STOPS:
        found = arrays.grouping_of(earlier, stop)
        inside = np.searchsorted(touched, found.leaders[old]).astype(np.int32)
        joined = grouped(part, rows, stop, Grouping(inside, found.distances[old]))
        leaders, distances = np.arange(len(pictures.ids), dtype=np.int32), np.zeros(len(pictures.ids), np.uint8)
        leaders[:n_before], distances[:n_before] = found.leaders, found.distances
        leaders[touched], distances[touched] = touched[joined.leaders], joined.distances
        arrays.store_grouping(prefix, stop, Grouping(leaders, distances))
        kept[str(stop)] = int((leaders == np.arange(len(leaders))).sum())
    return kept


@transaction.atomic
def _replace(search: LookalikeSearch, prefix: str, kept: dict[str, int], new: int, now: datetime) -> None:
    """Put the new arrays in the place of those they were made from; after a whole comparison they are of no use."""
    mine = LookalikeSearch.objects.filter(pk=search.pk, arrays_key=search.arrays_key)
    done = mine.update(
        arrays_key=prefix, pictures=F("pictures") + new, kept=kept, joined=F("joined") + new, updated_at=now
    )
    gone = search.arrays_key if done else prefix
    transaction.on_commit(lambda: arrays.delete(gone))
    if done:
        versions.bump(project_id=search.project_id)
