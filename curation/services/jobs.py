"""Jobs: rows with leases. Celery only rings; losing all of Redis costs seconds, never work.

A handler is `handler(job, now) -> None | Again`. What it writes and the end of the job should be one transaction
wherever that matters: `finish` refuses an old fence, so a frozen worker that wakes up late writes nothing twice.
"""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from importlib import import_module
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from crowd import holders
from crowd.errors import trail
from curation import logs
from curation.models import Job
from curation.services import bell
from curation.services.job_kinds import JOB_KINDS

log = logging.getLogger(__name__)
State = Job.State
MOST_CRASHES = 3
MOST_FAILURES = 12
RING_AGAIN_AFTER = timedelta(seconds=10)
REVIVED_AFTER = timedelta(minutes=5)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=5)


_by_hand: ContextVar[bool] = ContextVar("by_hand", default=False)


@contextmanager
def moved_by_hand() -> Iterator[None]:
    """Inside, nothing is woken or rung: a driver on a virtual clock does all the work itself, in a fixed order."""
    token = _by_hand.set(True)
    try:
        yield
    finally:
        _by_hand.reset(token)


def is_moved_by_hand() -> bool:
    return _by_hand.get()


@dataclass(frozen=True, slots=True)
class Again:
    """There is more to do: run again after so many seconds, from this cursor."""

    after: float = 0.0
    cursor: Mapping[str, Any] = field(default_factory=dict)
    done_n: int | None = None
    total_n: int | None = None


Handler = Callable[[Job, datetime], Again | None]


@cache
def handler_of(kind: str) -> Handler:
    module, name = JOB_KINDS[kind].handler.split(":")
    handler: Handler = getattr(import_module(module), name)
    return handler


def wake(*, kind: str, key: str, project_id: int | None = None, payload: Mapping[str, Any] | None = None) -> None:
    """Make the recurring job due. While it runs it remembers the call; while it is due nothing changes.

    A dead one gets another chance when it has rested for some minutes.
    """
    if not _by_hand.get():
        _wake(kind, key, project_id, payload)


@transaction.atomic
def _wake(kind: str, key: str, project_id: int | None, payload: Mapping[str, Any] | None) -> None:
    pk, asked_by = enqueue(kind=kind, key=key, project_id=project_id, payload=payload).pk, logs.asked_by()
    # Until the caller commits nobody claims or ends the job: a run that missed the caller's rows would be the last.
    job = Job.objects.select_for_update().get(pk=pk)
    Job.objects.filter(pk=job.pk, state=State.RUNNING).update(again=True)
    if asked_by not in {"", job.request_id}:
        Job.objects.filter(pk=job.pk, state__in=[State.DUE, State.RUNNING]).update(request_id=asked_by)
    rested = Q(state=State.DEAD, started_at__lt=Now() - REVIVED_AFTER)
    woken = Job.objects.filter(Q(state=State.DONE) | rested, pk=job.pk).update(
        state=State.DUE, next_at=Now(), crashes=0, failures=0, rung_at=None, request_id=asked_by
    )
    if woken:
        _ring_on_commit(job)


def is_room(*, kind: str, key: str, project_id: int, most: int) -> bool:
    """Whether a project has fewer than so many jobs of a kind to do, this one not counted."""
    under_way = Job.objects.filter(kind=kind, project_id=project_id, state__in=[State.DUE, State.RUNNING])
    return under_way.exclude(key=key).count() < most


def hasten(*, kind: str, key: str) -> None:
    """Let a job that waits for its next round run now."""
    hastened = Job.objects.filter(kind=kind, key=key, state=State.DUE, next_at__gt=Now())
    for job in hastened:
        Job.objects.filter(pk=job.pk, state=State.DUE).update(next_at=Now(), rung_at=None)
        _ring_on_commit(job)


@transaction.atomic
def enqueue(*, kind: str, key: str, project_id: int | None = None, payload: Mapping[str, Any] | None = None) -> Job:
    """Add a job; the same kind and key again returns the row that is there."""
    job, made = Job.objects.get_or_create(
        kind=kind,
        key=key,
        defaults={
            "queue": JOB_KINDS[kind].queue,
            "project_id": project_id,
            "payload": dict(payload or {}),
            "request_id": logs.asked_by(),
        },
    )
    if made:
        _ring_on_commit(job)
    return job


def retry(*, job_id: int) -> bool:
    """Give a dead job another chance with clean counters."""
    woken = Job.objects.filter(pk=job_id, state=State.DEAD).update(
        state=State.DUE, next_at=Now(), crashes=0, failures=0, last_error="", rung_at=None, request_id=logs.asked_by()
    )
    return bool(woken)


def _ring_on_commit(job: Job) -> None:
    transaction.on_commit(lambda: bell.ring(job.pk, job.queue))


def claim(*, job_id: int, now: datetime) -> Job | None:
    """Take the lease in one statement; None = somebody else has it or it is not due."""
    kind = Job.objects.filter(pk=job_id).values_list("kind", flat=True).first()
    if kind not in JOB_KINDS:
        return None
    lease = now + timedelta(seconds=JOB_KINDS[kind].lease_seconds)
    taken = Job.objects.filter(pk=job_id, state=State.DUE, next_at__lte=now).update(
        state=State.RUNNING,
        fence=F("fence") + 1,
        leased_by=holders.myself(),
        lease_until=lease,
        started_at=now,
        again=False,
    )
    return Job.objects.get(pk=job_id) if taken else None


def run(*, job_id: int, now: datetime) -> bool:
    """Claim and execute one job. Returns whether this call did it."""
    job = claim(job_id=job_id, now=now)
    if job is None:
        return False
    with logs.about(job_id=job.pk, job=job.kind, project_id=job.project_id, request_id=job.request_id):
        _run(job, now)
    return True


def _run(job: Job, now: datetime) -> None:
    try:
        outcome = handler_of(job.kind)(job, now)
    except (MemoryError, KeyboardInterrupt, SystemExit):
        raise
    except Exception as error:  # noqa: BLE001  a job that fails is tried again, whatever failed it
        log.error("job %s %s failed: %s", job.kind, job.key, trail(error))  # noqa: TRY400  not its words
        _fail(job, error, now)
    else:
        finish(job=job, outcome=outcome, now=now)


def finish(*, job: Job, outcome: Again | None, now: datetime) -> None:
    """Record the end of a run, only while our fence still holds."""
    mine = Job.objects.filter(pk=job.pk, fence=job.fence, state=State.RUNNING)
    if outcome is not None:
        mine.update(
            state=State.DUE,
            next_at=now + timedelta(seconds=outcome.after),
            cursor=dict(outcome.cursor),
            done_n=F("done_n") if outcome.done_n is None else outcome.done_n,
            total_n=F("total_n") if outcome.total_n is None else outcome.total_n,
            lease_until=None,
            crashes=0,
            failures=0,
            rung_at=now if outcome.after else None,
        )
        if not outcome.after:
            _ring_on_commit(job)
        return
    # `again` only ever goes from False to True during a run, so whoever calls in between is seen by the second one.
    if mine.filter(again=False).update(
        state=State.DONE, finished_at=now, lease_until=None, cursor={}, crashes=0, failures=0
    ):
        return
    if mine.filter(again=True).update(
        state=State.DUE, next_at=now, again=False, lease_until=None, cursor={}, crashes=0, failures=0, rung_at=None
    ):
        _ring_on_commit(job)


def _fail(job: Job, error: Exception, now: datetime) -> None:
    failures = job.failures + 1
    state = State.DEAD if failures >= MOST_FAILURES else State.DUE
    Job.objects.filter(pk=job.pk, fence=job.fence, state=State.RUNNING).update(
        state=state,
        failures=failures,
        next_at=now + timedelta(seconds=min(300, 2**failures)),
        last_error=f"{type(error).__name__}: {error}"[:2000],
        lease_until=None,
        rung_at=now,
    )


def sweep(*, now: datetime) -> int:
    """Take back jobs whose process died: after three crashes a job is dead, lasting work waits longer each time."""
    lost = Job.objects.filter(Q(lease_until__lt=now) | Q(leased_by__in=_gone()), state=State.RUNNING)
    taken = sum(_take_back(job, now) for job in lost)
    _revive(now)
    return taken


def _take_back(job: Job, now: datetime) -> int:
    crashes = job.crashes + 1
    pause = LONGEST_PAUSE if crashes > 10 else min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** max(0, crashes - MOST_CRASHES))
    change: dict[str, Any] = {"state": State.DUE, "next_at": now, "rung_at": None}
    if crashes >= MOST_CRASHES:
        change = {"state": State.DEAD, "last_error": f"Its process died {crashes} times."}
        if job.kind in JOB_KINDS and JOB_KINDS[job.kind].lasting:
            change |= {"state": State.DUE, "next_at": now + pause, "rung_at": now}
    mine = Job.objects.filter(pk=job.pk, fence=job.fence, state=State.RUNNING)
    return mine.update(crashes=crashes, lease_until=None, **change)


def _gone() -> list[str]:
    """Return the holders of running jobs that live no more."""
    holding = Job.objects.filter(state=State.RUNNING).order_by().values_list("leased_by", flat=True).distinct()
    return [holder for holder in holding if holders.is_gone(holder)]


def _revive(now: datetime) -> None:
    """Give work that never ends, and has failed too often, another try after a pause: nobody else would do it."""
    lasting = [kind for kind, what in JOB_KINDS.items() if what.lasting]
    Job.objects.filter(state=State.DEAD, kind__in=lasting, started_at__lt=now - REVIVED_AFTER).update(
        state=State.DUE, next_at=now, rung_at=None
    )


def to_ring(*, now: datetime, limit: int = 200, but: Collection[str] = ()) -> list[tuple[int, str]]:
    """Return due jobs that were not rung lately, but for those of some queues, and note the ringing."""
    silent = Q(rung_at__isnull=True) | Q(rung_at__lt=now - RING_AGAIN_AFTER) | Q(rung_at__lt=F("next_at"))
    rows = list(
        Job.objects.filter(silent, state=State.DUE, next_at__lte=now)
        .exclude(queue__in=but)
        .order_by("-priority", "next_at", "id")
        .values_list("id", "queue")[:limit]
    )
    Job.objects.filter(pk__in=[job_id for job_id, _ in rows]).update(rung_at=now)
    return rows


def due_ids(*, now: datetime, project_id: int, kinds: tuple[str, ...] | None = None) -> list[int]:
    rows = Job.objects.filter(state=State.DUE, next_at__lte=now, project_id=project_id)
    if kinds is not None:
        rows = rows.filter(kind__in=kinds)
    return list(rows.order_by("-priority", "next_at", "id").values_list("id", flat=True))
