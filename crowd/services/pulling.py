"""Asking platforms what has come in, and watching that nothing is accepted there only because nobody looked.

The network is asked outside of any transaction. How far a batch was pulled is stored with the rows, so a pull that
dies is repeated and a pull that was overtaken stores nothing.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Min, QuerySet

from crowd.errors import AuthFailed, BudgetExceeded, CrowdError, OutOfFunds, PlatformError, StillRunning, Throttled
from crowd.models import Account, Assignment, Batch
from crowd.platforms.base import Pull
from crowd.platforms.registry import elsewhere, platform
from crowd.services import bans_there, confirming, inbox, publishing
from crowd.services.accepting import accept_these, unpaid_workers
from crowd.services.accounts import without_secrets
from crowd.services.inbox import Taken

State = Assignment.State
SOON, AT_LATEST = timedelta(seconds=2), timedelta(minutes=1)
SECONDS_AT_ONCE = 5.0
A_LOOK = timedelta(seconds=1)  # an account with many open batches has its quiet ones looked at less often
LEAST_QUIET = timedelta(seconds=8)
OVER = timedelta(minutes=10)  # between looks at a batch that is closed
AFTER_REFUSAL = timedelta(minutes=5)
WARN, ACT = timedelta(hours=24), timedelta(hours=2)  # before the platform accepts a page by itself
MOST_DOUBLINGS = 8
MOST_REFUSED = 20  # sentences kept beside a batch


@dataclass(frozen=True, slots=True)
class Pulled:
    """What came in. `more`: the platform has more at once; else it is asked again at `next_at`. `note`: what failed.

    `stopped`: why the platform gives out no more of a batch that is open here, and what to do.
    """

    taken: Taken
    more: bool
    next_at: datetime
    note: str = ""
    stopped: str = ""


class _Overtaken(Exception):
    """Somebody else has pulled the same pages meanwhile."""


def pull_batch(*, batch_id: int, now: datetime) -> Pulled:
    """Take in what the platform has of a batch since the last time, for some seconds."""
    batch = Batch.objects.select_related("account").get(pk=batch_id)
    if not batch.remote_id:
        return Pulled(Taken(), more=False, next_at=now + AT_LATEST, note=f"{batch.key} is not on its platform yet.")
    end, taken, more, stopped = time.monotonic() + SECONDS_AT_ONCE, Taken(), True, None
    try:
        while more and time.monotonic() < end:
            pull = platform(batch.account.platform).pull(batch.account, batch.remote_id, batch.watermark)
            taken += _store(batch, pull, now)
            batch.watermark, more, stopped = pull.watermark, pull.more, pull.stopped
        if not more:
            bans_there.look(batch=batch, now=now)
    except _Overtaken:
        return Pulled(taken, more=True, next_at=now)
    except PlatformError as error:
        return _failed(batch, taken, error, now)
    pulled = _done(batch, taken, now, more=more)
    was_open = batch.state == Batch.State.OPEN  # as it was before the platform was asked
    return replace(pulled, stopped=_told(batch, stopped)) if stopped and was_open else pulled


def _told(batch: Batch, stopped: PlatformError) -> str:
    """Return the sentence; where it is about the account, it stands there too."""
    sentence = without_secrets(batch.account, str(stopped))
    if isinstance(stopped, AuthFailed | OutOfFunds):
        Account.objects.filter(pk=batch.account_id).update(is_well=False, note=sentence[:300])
    return sentence


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
    _remember(batch, quiet=quiet, note="", refused=taken.refused)
    if confirming.is_hosted(batch):
        confirming.tidy(batch_id=batch.pk, now=now)
    elif not news:
        _fit_hold(batch)
    if batch.state in {Batch.State.CLOSED, Batch.State.ARCHIVED} and not news:
        return Pulled(taken, more=False, next_at=now + OVER)
    wait = timedelta() if more else min(_longest_quiet(batch), SOON * 2**quiet)
    return Pulled(taken, more=more, next_at=now + wait)


def _longest_quiet(batch: Batch) -> timedelta:
    """Return how long a batch without news waits for the next look: as many seconds as the account has open batches."""
    n_open = Batch.objects.filter(account_id=batch.account_id, state=Batch.State.OPEN).exclude(remote_id="").count()
    return min(AT_LATEST, max(LEAST_QUIET, n_open * A_LOOK))


@transaction.atomic
def _fit_hold(batch: Batch) -> None:
    """Bring the hold to what the batch may still cost, where a verdict has changed that since the last news."""
    row = Batch.objects.select_for_update(of=("self",), no_key=True).select_related("account").get(pk=batch.pk)
    with suppress(BudgetExceeded):
        publishing.fit_hold(batch=row)


def _failed(batch: Batch, taken: Taken, error: PlatformError, now: datetime) -> Pulled:
    """Nobody has to be woken for this: the note is shown beside the batch, and the platform is asked again."""
    failed, sentence = min(_failures(batch) + 1, MOST_DOUBLINGS), without_secrets(batch.account, str(error))
    _remember(batch, quiet=_quiet(batch), failed=failed, note=sentence)
    if isinstance(error, Throttled | StillRunning):
        next_at = error.retry_at
    elif error.permanent:
        next_at = now + AFTER_REFUSAL
    else:
        next_at = now + min(AFTER_REFUSAL, SOON * 2**failed)
    return Pulled(taken, more=False, next_at=next_at, note=sentence)


def note_of(batch: Batch) -> str:
    """Return why the last pull of a batch failed, in a sentence; empty when it did not."""
    return str(_memory(batch).get("note", ""))


def refused_of(batch: Batch) -> list[str]:
    """Return what the latest pulls brought and was not taken as it is, in sentences, the newest last."""
    return [str(sentence) for sentence in _memory(batch).get("refused", [])]


def _quiet(batch: Batch) -> int:
    """Return how many looks in a row have brought nothing."""
    return int(_memory(batch).get("quiet", 0))


def _failures(batch: Batch) -> int:
    """Return how many looks in a row have failed."""
    return int(_memory(batch).get("failed", 0))


def _memory(batch: Batch) -> Mapping[str, Any]:
    found = batch.remote.get("pulling", {})
    return found if isinstance(found, Mapping) else {}


@transaction.atomic
def _remember(batch: Batch, *, quiet: int, failed: int = 0, note: str, refused: Sequence[str] = ()) -> None:
    sentences = dict.fromkeys([*refused_of(batch), *(sentence[:300] for sentence in refused)])
    memory = {"quiet": quiet, "failed": failed, "note": note[:300], "refused": list(sentences)[-MOST_REFUSED:]}
    if dict(_memory(batch)) == memory:
        return
    row = Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)
    row.remote = {**row.remote, "pulling": memory}
    row.save(update_fields=["remote"])


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence about the pages of one batch."""

    batch: Batch
    sentence: str


@dataclass(frozen=True, slots=True)
class Watched:
    """What was done about pages that a platform will soon accept by itself. `alarms` need a person."""

    accepted: int = 0
    warnings: list[Told] = field(default_factory=list)
    alarms: list[Told] = field(default_factory=list)


def watch_deadlines(*, now: datetime) -> Watched:
    """Accept what the platform would accept within two hours, if the ledger grants it; warn of the rest of the day.

    Pages that a rule keeps for a person are not accepted by us: somebody has to decide while there is time.
    """
    hasty = [slug for slug in elsewhere() if platform(slug).capabilities.postponed_acceptance]
    near = Assignment.objects.filter(
        state=State.SUBMITTED, review_until__isnull=False, account__platform__in=hasty
    ).exclude(account__rehearsal__follows_wall_clock=False)
    accepted, alarms = 0, list[Told]()
    due = near.filter(review_until__lt=now + ACT)
    for batch in _batches_of(due):
        n, sentences = _accept_due(batch, due.filter(batch=batch), now)
        accepted += n
        alarms += [Told(batch, sentence) for sentence in sentences]
    soon = near.filter(review_until__range=(now + ACT, now + WARN))
    return Watched(accepted, [_warning(batch, soon.filter(batch=batch), now) for batch in _batches_of(soon)], alarms)


def _batches_of(pages: QuerySet[Assignment]) -> QuerySet[Batch]:
    return Batch.objects.select_related("account").filter(assignments__in=pages).distinct().order_by("pk")


def _accept_due(batch: Batch, due: QuerySet[Assignment], now: datetime) -> tuple[int, Iterator[str]]:
    kept = due.filter(worker__in=unpaid_workers(batch=batch, now=now))
    ids = list(due.exclude(pk__in=kept).order_by("review_until", "pk").values_list("pk", flat=True)[:1000])
    try:
        n, sentence = accept_these(batch=batch, pages=Assignment.objects.filter(pk__in=ids), now=now)
    except CrowdError as error:
        n, sentence = 0, str(error)
    return n, _alarms(batch, kept.count(), sentence)


def _alarms(batch: Batch, kept: int, unpaid: str) -> Iterator[str]:
    by_itself = f"The platform will accept them by itself within {_span(ACT)}."
    if unpaid:
        yield f"{unpaid} {by_itself}"
    if kept:
        pages = "1 page waits" if kept == 1 else f"{kept} pages wait"
        yield f"{pages} for a person in {batch.key}, as a rule has asked: accept or reject. {by_itself}"


def _warning(batch: Batch, pages: QuerySet[Assignment], now: datetime) -> Told:
    n, first = pages.count(), pages.aggregate(first=Min("review_until"))["first"]
    waiting = "1 page waits" if n == 1 else f"{n} pages wait"
    return Told(
        batch,
        f"{waiting} for a verdict in {batch.key}; the first is accepted by the platform "
        f"in {_span(first - now)}, and by us {_span(ACT)} before.",
    )


def _span(time_left: timedelta) -> str:
    hours = max(1, round(time_left.total_seconds() / 3600))
    return "1 hour" if hours == 1 else f"{hours} hours"
