"""Pools pause and close: by a person, or when they have what was wanted."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from crowd.models import Batch
from crowd.models.tally import Of
from crowd.services import tallies
from crowd.services.tallies import Key
from curation.models import Pool, User
from curation.services import events, versions
from curation.services.pools.batches import close_batches, locked

State = Pool.State
ACCEPTED_PAGES = "pages.accepted"


@transaction.atomic
def pause_pool(*, pool_id: int, by: User | None, now: datetime, note: str = "") -> Pool:
    """Stop giving out work; pages already in hands may be finished."""
    pool = locked(pool_id)
    if pool.state == State.PAUSED:
        return pool
    pool.move_to(State.PAUSED)
    pool.note = note
    pool.save(update_fields=["state", "note"])
    close_batches(pool)
    events.record(
        kind="pool.paused",
        text=f"{pool.title} was paused. {note}".strip(),
        project=pool.project,
        subject=pool,
        by=by,
        now=now,
    )
    versions.bump(project_id=pool.project_id)
    return pool


@transaction.atomic
def close_pool(*, pool_id: int, by: User | None, now: datetime) -> Pool:
    """End a pool; it can be opened again with a higher target."""
    pool = locked(pool_id)
    if pool.state == State.DONE:
        return pool
    pool.move_to(State.DONE)
    pool.finished_at, pool.note = now, ""
    pool.save(update_fields=["state", "finished_at", "note"])
    close_batches(pool)
    reached = by is None and pool.wanted > 0
    text = f"{pool.title} reached {pool.wanted:,} and closed." if reached else f"{pool.title} was closed."
    events.record(kind="pool.closed", text=text, project=pool.project, subject=pool, by=by, now=now)
    versions.bump(project_id=pool.project_id)
    return pool


def close_finished(*, project_id: int, now: datetime) -> int:
    """Close collecting pools that have what was wanted."""
    found = list(Pool.objects.filter(project_id=project_id, state=State.OPEN, wanted__gt=0).order_by("id"))
    accepted = _accepted_pages([pool.pk for pool in found])
    done = [pool.pk for pool in found if accepted[pool.pk] >= pool.wanted]
    for pool_id in done:
        close_pool(pool_id=pool_id, by=None, now=now)
    return len(done)


def _accepted_pages(pool_ids: Sequence[int]) -> Counter[int]:
    """Return how many pages of each pool are accepted, from counts that are kept."""
    pool_of = dict(Batch.objects.filter(pool_id__in=pool_ids).values_list("pk", "pool_id"))
    totals = tallies.totals(Key(Of.BATCH, pk, ACCEPTED_PAGES) for pk in pool_of)
    found = Counter[int]()
    for (_, batch_id), words in totals.items():
        found[pool_of[batch_id]] += words[ACCEPTED_PAGES]
    return found
