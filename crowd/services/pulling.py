"""Asking platforms what has come in, and watching that nothing is accepted there only because nobody looked.

The network is asked outside of any transaction. How far a batch was pulled is stored with the rows, so a pull that
dies is repeated and a pull that was overtaken stores nothing.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Min

from crowd.errors import BudgetExceeded, CrowdError, PlatformError, StillRunning, Throttled
from crowd.models import Assignment, Batch
from crowd.platforms.base import Pull
from crowd.platforms.registry import elsewhere, platform
from crowd.services import confirming, inbox, publishing
from crowd.services.accepting import accept_these
from crowd.services.inbox import Taken

State = Assignment.State
SOON, AT_LATEST = timedelta(seconds=2), timedelta(minutes=1)
OVER = timedelta(minutes=10)  # between looks at a batch that is closed
AFTER_REFUSAL = timedelta(minutes=5)
WARN, ACT = timedelta(hours=24), timedelta(hours=2)
MOST_DOUBLINGS = 8


@dataclass(frozen=True, slots=True)
class Pulled:
    """What came in. `more`: the platform has more at once; else it is asked again at `next_at`. `note`: what failed."""

    taken: Taken
    more: bool
    next_at: datetime
    note: str = ""


class _Overtaken(Exception):
    """Somebody else has pulled the same pages meanwhile."""


def pull_batch(*, batch_id: int, now: datetime, limit_seconds: float = 5) -> Pulled:
    """Take in what the platform has of a batch since the last time, for at most so many seconds."""
    batch = Batch.objects.select_related("account").get(pk=batch_id)
    if not batch.remote_id:
        return Pulled(Taken(), more=False, next_at=now + AT_LATEST, note=f"{batch.key} is not on its platform yet.")
    end, taken, more = time.monotonic() + limit_seconds, Taken(), True
    try:
        while more and time.monotonic() < end:
            pull = platform(batch.account.platform).pull(batch.account, batch.remote_id, batch.watermark)
            taken += _store(batch, pull, now)
            batch.watermark, more = pull.watermark, pull.more
    except _Overtaken:
        return Pulled(taken, more=True, next_at=now)
    except PlatformError as error:
        return _failed(batch, taken, error, now)
    return _done(batch, taken, now, more=more)


@transaction.atomic
def _store(batch: Batch, pull: Pull, now: datetime) -> Taken:
    """Store pages and watermark together. The old watermark has to be there still: two pullers lose nothing."""
    taken = inbox.take(batch=batch, pages=pull.assignments, now=now) if pull.assignments else Taken()
    moved = Batch.objects.filter(pk=batch.pk, watermark=batch.watermark)
    if not moved.update(watermark=pull.watermark, pulled_at=now):
        raise _Overtaken
    return taken


def _done(batch: Batch, taken: Taken, now: datetime, *, more: bool) -> Pulled:
    news = more or bool(taken)
    quiet = 0 if news else min(_quiet(batch) + 1, MOST_DOUBLINGS)
    _remember(batch, quiet=quiet, note="")
    if confirming.is_hosted(batch):
        confirming.tidy(batch_id=batch.pk, now=now)
    elif not news:
        _fit_hold(batch)
    if batch.state in {Batch.State.CLOSED, Batch.State.ARCHIVED} and not news:
        return Pulled(taken, more=False, next_at=now + OVER)
    wait = timedelta() if more else min(AT_LATEST, SOON * 2**quiet)
    return Pulled(taken, more=more, next_at=now + wait)


@transaction.atomic
def _fit_hold(batch: Batch) -> None:
    """Bring the hold to what the batch may still cost, where a verdict has changed that since the last news."""
    row = Batch.objects.select_for_update(of=("self",), no_key=True).select_related("account").get(pk=batch.pk)
    with suppress(BudgetExceeded):
        publishing.fit_hold(batch=row)


def _failed(batch: Batch, taken: Taken, error: PlatformError, now: datetime) -> Pulled:
    """Nobody has to be woken for this: the note is shown beside the batch, and the platform is asked again."""
    quiet = min(_quiet(batch) + 1, MOST_DOUBLINGS)
    _remember(batch, quiet=quiet, note=str(error))
    if isinstance(error, Throttled | StillRunning):
        next_at = error.retry_at
    elif error.permanent:
        next_at = now + AFTER_REFUSAL
    else:
        next_at = now + min(AFTER_REFUSAL, SOON * 2**quiet)
    return Pulled(taken, more=False, next_at=next_at, note=str(error))


def note_of(batch: Batch) -> str:
    """Return why the last pull of a batch failed, in a sentence; empty when it did not."""
    return str(_memory(batch).get("note", ""))


def _quiet(batch: Batch) -> int:
    """Return how many looks in a row have brought nothing."""
    return int(_memory(batch).get("quiet", 0))


def _memory(batch: Batch) -> Mapping[str, Any]:
    found = batch.remote.get("pulling", {})
    return found if isinstance(found, Mapping) else {}


@transaction.atomic
def _remember(batch: Batch, *, quiet: int, note: str) -> None:
    memory = {"quiet": quiet, "note": note[:300]}
    if dict(_memory(batch)) == memory:
        return
    row = Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)
    row.remote = {**row.remote, "pulling": memory}
    row.save(update_fields=["remote"])


@dataclass(frozen=True, slots=True)
class Watched:
    """What was done about pages that a platform will soon accept by itself. `alarms` need a person."""

    accepted: int = 0
    warnings: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)


def watch_deadlines(*, now: datetime) -> Watched:
    """Accept what the platform would accept within two hours, if the ledger grants it; warn of the rest of the day."""
    hasty = [slug for slug in elsewhere() if platform(slug).capabilities.postponed_acceptance]
    near = Assignment.objects.filter(
        state=State.SUBMITTED, review_until__isnull=False, account__platform__in=hasty
    ).exclude(account__rehearsal__follows_wall_clock=False)
    accepted, alarms = 0, list[str]()
    due = near.filter(review_until__lt=now + ACT)
    for batch in Batch.objects.select_related("account").filter(assignments__in=due).distinct().order_by("pk"):
        ids = list(due.filter(batch=batch).order_by("review_until", "pk").values_list("pk", flat=True)[:1000])
        n, alarm = _accept_due(batch, ids, now)
        accepted += n
        alarms += [alarm] if alarm else []
    soon = near.filter(review_until__range=(now + ACT, now + WARN))
    return Watched(accepted, list(_warnings(soon.values("batch__key"), now)), alarms)


def _accept_due(batch: Batch, ids: list[int], now: datetime) -> tuple[int, str]:
    try:
        n, sentence = accept_these(batch=batch, pages=Assignment.objects.filter(pk__in=ids), now=now)
    except CrowdError as error:
        n, sentence = 0, str(error)
    return n, f"{sentence} The platform will accept them by itself within {_span(ACT)}." if sentence else ""


def _warnings(batches: Any, now: datetime) -> Iterator[str]:
    for row in batches.annotate(n=Count("pk"), first=Min("review_until")).order_by("first"):
        pages = "1 page waits" if row["n"] == 1 else f"{row['n']} pages wait"
        yield (
            f"{pages} for a verdict in {row['batch__key']}; the first is accepted by the platform "
            f"in {_span(row['first'] - now)}, and by us {_span(ACT)} before."
        )


def _span(time_left: timedelta) -> str:
    hours = max(1, round(time_left.total_seconds() / 3600))
    return "1 hour" if hours == 1 else f"{hours} hours"
