"""How many pictures carry each tag: counted while a person waits where that is quick, else by a job."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count
from django.utils import timezone

from curation.models import Asset, AssetTag, Job, Project
from curation.services import jobs, shared_cache
from curation.services.asset_query import Query, matching, parse
from curation.services.jobs import Again
from curation.services.patience import in_time

KIND: Final = "count_tags"
FRESH: Final = timedelta(minutes=1)
KEPT_SECONDS: Final = 6 * 3600
PATIENCE_MS: Final = 2_000
JOB_MS: Final = 90_000
"""Each of the job's two statements may take so long: a task ends after 200 s."""
MOST_AT_ONCE: Final = 3
"""So many queries of a project are counted at once."""
PAUSE_FOR_COST, LONGEST_PAUSE = 20, timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ValueCount:
    """How many assets carry a value of a key, and their share of those that have the key at all."""

    key: str
    value: str
    n: int
    share: float


@dataclass(frozen=True, slots=True)
class TagCounts:
    """What is known: `values` counted at `at`, or nothing yet; `is_pending` = a job counts anew."""

    values: tuple[ValueCount, ...]
    at: datetime | None
    is_pending: bool


@dataclass(frozen=True, slots=True)
class _Kept:
    values: tuple[ValueCount, ...]
    at: datetime
    version: int
    took_long: bool
    pause: timedelta = timedelta(0)


def counts(project: Project, query: Query) -> TagCounts:
    """Return the counts of the pictures a query means; what cannot be counted in two seconds is left to a job."""
    now, key = timezone.now(), _key(project, query)
    asked = f"{key}:asked"
    known = shared_cache.found([key, asked])
    kept: _Kept | None = known.get(key)
    if (
        kept is not None
        and now - kept.at < max(FRESH, kept.pause)
        and (kept.took_long or kept.version == project.version)
    ):
        return TagCounts(kept.values, kept.at, is_pending=False)
    if not (kept and kept.took_long) and asked not in known:
        values = in_time(lambda: counted(project, query), milliseconds=PATIENCE_MS)
        if values is not None:
            shared_cache.keep(key, _Kept(tuple(values), now, project.version, took_long=False), KEPT_SECONDS)
            return TagCounts(tuple(values), now, is_pending=False)
    _ask(project, query)
    return TagCounts(kept.values if kept else (), kept.at if kept else None, is_pending=True)


def _key(project: Project, query: Query) -> str:
    return f"tag-counts:{project.pk}:{_digest(query)}"


def _digest(query: Query) -> str:
    return hashlib.sha256(str(query).encode()).hexdigest()[:32]


def _ask(project: Project, query: Query) -> None:
    """Have the job count this query, once at a time; while the project's others fill its room, who asks again may."""
    shared_cache.keep(f"{_key(project, query)}:asked", "yes", FRESH.total_seconds())
    payload, key = {"q": str(query)}, f"{project.pk}:{_digest(query)}"
    if jobs.is_room(kind=KIND, key=key, project_id=project.pk, most=MOST_AT_ONCE):
        jobs.wake(kind=KIND, key=key, project_id=project.pk, payload=payload)


def run_count(job: Job, _now: datetime) -> Again | None:
    """Job: count what was too much for a request."""
    project = Project.objects.get(pk=job.project_id or 0)
    query = parse(str(job.payload["q"]))
    began = time.monotonic()
    values = in_time(lambda: counted(project, query), milliseconds=JOB_MS)
    cost = time.monotonic() - began
    if values is None:
        raise TimeoutError(f"Counting the tags of {query} took longer than {JOB_MS // 1000} s.")
    pause = min(LONGEST_PAUSE, timedelta(seconds=PAUSE_FOR_COST * cost)) if cost * 1000 > PATIENCE_MS else timedelta(0)
    kept = _Kept(tuple(values), timezone.now(), project.version, took_long=True, pause=pause)
    shared_cache.keep(_key(project, query), kept, KEPT_SECONDS)
    return None


def counted(project: Project, query: Query) -> Sequence[ValueCount]:
    """Count the pictures for each key and value, however long it takes."""
    videos = Asset.objects.filter(project=project, media=Asset.Media.VIDEO).values("pk")
    tags = AssetTag.objects.filter(project_id=project.pk, run__is_current=True).exclude(asset__in=videos)
    if query.terms:
        tags = tags.filter(asset__in=matching(query, project=project).order_by().values("pk"))
    assets = Count("asset", distinct=True)
    rows = tags.order_by().values_list("key", "value").annotate(n=assets).order_by("key", "-n", "value")
    whole = dict(tags.order_by().values_list("key").annotate(n=assets))
    return [ValueCount(key, value, n, n / whole[key]) for key, value, n in rows]
