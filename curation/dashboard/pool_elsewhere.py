"""What a pool's page tells about its platform: what it cannot do, what is on its way, what waits for judgement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q

from crowd.clock import database_now
from crowd.models import Assignment, Batch, OutboxCommand, Restriction, Task
from crowd.platforms.connecting import terms_of
from crowd.platforms.registry import platform
from crowd.services import bans_there, outbox_decisions, publishing, pulling
from curation.dashboard.account_facts import STATE_WORDS, TONES
from curation.models import Pool
from curation.services import pools, recollecting

State = OutboxCommand.State
UNDER_WAY = (State.PLANNED, State.SENDING, State.UNKNOWN)
STUCK = (State.REFUSED, State.DEAD, State.NEEDS_PERSON)
SHOWN = 6
LINKS = {"prolific": "https://app.prolific.com/researcher/workspaces/studies/{id}"}


@dataclass(frozen=True, slots=True)
class StuckCommand:
    pk: int
    what: str
    state: str
    tone: str
    said: str
    may_go_again: bool


@dataclass(frozen=True, slots=True)
class HeldUp:
    """A command that was tried and is tried again: why, and when."""

    what: str
    said: str
    next_at: datetime


@dataclass(frozen=True, slots=True)
class PoolElsewhere:
    title: str
    pages: str
    remote_id: str
    link: str
    tasks_to_send: int
    commands_waiting: int
    waits_for: str
    held_up: tuple[HeldUp, ...]
    stuck: tuple[StuckCommand, ...]
    refused: int
    refused_words: tuple[tuple[str, int], ...]
    pulled_at: datetime | None
    pull_note: str
    not_taken: tuple[str, ...]
    rules_note: str
    to_judge: int
    accepted_at: datetime | None
    rejected: int
    given_up: int
    kept_out: int
    bans: tuple[Restriction, ...]


def lacks_of(pool: Pool) -> list[str]:
    """Return what the platform cannot do, while that can still stop somebody from opening the pool."""
    return pools.differences(pool=pool) if pool.state in {Pool.State.DRAFT, Pool.State.PAUSED} else []


def elsewhere_of(pool: Pool, batch: Batch | None) -> PoolElsewhere | None:
    """Return nothing for a pool of our own market. `batch`: the pool's first, with its account."""
    if batch is None or publishing.is_local(batch):
        return None
    waiting = list(
        OutboxCommand.objects.filter(batch_id=batch.pk, state__in=UNDER_WAY)
        .order_by("kind")
        .values_list("kind")
        .annotate(n=Count("id"))
    )
    refused = _refused(batch)
    pages, judge_until = _pages(batch)
    troubled = _troubled(batch)
    kept_out = bans_there.keeping_out(batch=batch, now=database_now())
    return PoolElsewhere(
        title=terms_of(batch.account.platform).title,
        pages=publishing.pages_of(batch),
        remote_id=batch.remote_id,
        link=_link(batch),
        tasks_to_send=Task.objects.filter(batch=batch).filter(Q(to_push=True) | Q(push_id__isnull=False)).count(),
        commands_waiting=sum(n for _, n in waiting),
        waits_for=", ".join(f"{outbox_decisions.WORDS.get(kind, kind).lower()} {n:,} ×" for kind, n in waiting),
        held_up=tuple(_held_up(troubled)),
        stuck=tuple(_stuck(troubled)),
        refused=sum(n for _, n in refused),
        refused_words=tuple(refused[:SHOWN]),
        pulled_at=batch.pulled_at,
        pull_note=pulling.note_of(batch),
        not_taken=tuple(reversed(pulling.refused_of(batch)[-SHOWN:])),
        rules_note=platform(batch.account.platform).capabilities.rules_note,
        given_up=recollecting.given_up(pool=pool).count() if pages["rejected"] else 0,
        kept_out=kept_out.count(),
        bans=tuple(kept_out.select_related("worker").order_by("-id")[:SHOWN]),
        accepted_at=judge_until and judge_until - pulling.ACT,
        **pages,
    )


def _link(batch: Batch) -> str:
    """Only the platform itself has such pages; a server of one's own has others."""
    is_usual = not batch.account.base_url
    return LINKS[batch.account.platform].format(id=batch.remote_id) if _has_page(batch) and is_usual else ""


def _has_page(batch: Batch) -> bool:
    return bool(batch.remote_id) and batch.account.platform in LINKS


def _pages(batch: Batch) -> tuple[dict[str, int], datetime | None]:
    """Return counts of pages, and until when the first of them has to be judged."""
    waits = Q(state=Assignment.State.SUBMITTED)
    pages = Assignment.objects.filter(batch=batch)
    counts = pages.aggregate(
        to_judge=Count("id", filter=waits), rejected=Count("id", filter=Q(state=Assignment.State.REJECTED))
    )
    return counts, pages.filter(waits).aggregate(first=Min("review_until"))["first"]


def _refused(batch: Batch) -> Sequence[tuple[str, int]]:
    """Return the platform's words about tasks it did not take, the most frequent first."""
    rows = Task.objects.filter(batch=batch).exclude(remote_error="").order_by()
    return list(rows.values_list("remote_error").annotate(n=Count("id")).order_by("-n", "remote_error"))


def _troubled(batch: Batch) -> list[OutboxCommand]:
    """Return what did not get through, and what was tried and waits, the newest first."""
    waits = Q(state=State.PLANNED) & ~Q(last_error="")
    rows = OutboxCommand.objects.filter(Q(state__in=STUCK) | waits, batch_id=batch.pk)
    return list(rows.order_by("-id")[: 2 * SHOWN])


def _held_up(rows: Sequence[OutboxCommand]) -> list[HeldUp]:
    return [
        HeldUp(outbox_decisions.WORDS.get(one.kind, one.kind), one.last_error[:240], one.next_at)
        for one in reversed(rows)
        if one.state == State.PLANNED
    ]


def _stuck(rows: Sequence[OutboxCommand]) -> list[StuckCommand]:
    return [
        StuckCommand(
            pk=one.pk,
            what=outbox_decisions.WORDS.get(one.kind, one.kind),
            state=STATE_WORDS[State(one.state)],
            tone=TONES[State(one.state)],
            said=one.last_error[:240],
            may_go_again=outbox_decisions.may_go_again(one),
        )
        for one in rows
        if one.state != State.PLANNED
    ][:SHOWN]
