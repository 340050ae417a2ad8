"""When one pool will be done and what it will have cost: from its pages so far and the week of its people."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from crowd.models.tally import Of
from crowd.services import tallies
from crowd.services.tallies import HOUR, Key
from curation.economics.final_cost import StageAhead, draw_final_cost
from curation.economics.time_left import Goal, Pace, Quantiles, draw_hours, pace_of, worth_with_capacity
from curation.economics.week import AN_HOUR, Week
from curation.models import Event, Pool
from curation.services.outlook.acceptance import usual_acceptance
from curation.services.outlook.crowd_week import usual_pages, week_of
from curation.services.outlook.told import Told
from curation.services.overview.advice import why_never
from curation.services.overview.pools import PoolRow

SENT = "pages.sent"
WINDOW = timedelta(days=7)  # an older pace says nothing about the present one
LEAST_HOURS, LEAST_PAGES = 1.0, 20  # so much since it was opened again, else all since its start counts
KNOWN_BEFORE = 20.0  # pages that what is usual counts for, beside those that were judged in the pool


@dataclass(frozen=True, slots=True)
class Seen:
    """Pages handed in since a moment, hour by hour."""

    since: datetime
    until: datetime
    pages: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.pages)

    @property
    def hours(self) -> float:
        return max(0.0, (self.until - self.since) / AN_HOUR)

    def worths(self, week: Week) -> list[float]:
        """Return what each hour was worth; the first and the last may have been cut off."""
        starts = [max(self.since, _whole(self.since) + number * AN_HOUR) for number in range(len(self.pages))]
        ends = [*starts[1:], self.until]
        return [week.between(start, end) if end > start else 0.0 for start, end in zip(starts, ends, strict=True)]


@dataclass(frozen=True, slots=True)
class Basis:
    """All that is read of a pool at work before anything is drawn.

    `usual`: pages an hour of such pools; `accepted`: the share of pages that is usually accepted.
    """

    row: PoolRow
    now: datetime
    week: Week
    seen: Seen
    usual: float | None
    accepted: float


def basis_of(row: PoolRow, *, now: datetime) -> Basis | None:
    """Read what is known of a pool; None when nothing is missing or it does not work."""
    if not row.is_working or row.pool.kind != Pool.Kind.MAIN or row.left <= 0:
        return None
    seen, usual = _seen(row, now), None
    if not seen.total:
        ids = [batch.pk for batch in row.batches]
        usual = usual_pages(row.pool.account_id, row.interface, but=ids, now=now)
    accepted = usual_acceptance(row.pool, row.interface, now=now)
    return Basis(row, now, week_of(row.pool.account, now=now), seen, usual, accepted)


def outlook_of_pool(row: PoolRow, *, now: datetime) -> Told | None:
    """Return what is to be said of a pool at work; None when nothing is missing or it does not work."""
    basis = basis_of(row, now=now)
    return told_of(basis) if basis else None


def told_of(basis: Basis) -> Told:
    """Draw the end of a pool and its cost."""
    row = basis.row
    each = _answers_a_page(row)
    goal, capacity = _goal(basis, each), _capacity(row, each)
    worth, never = _worth(basis, capacity), why_never(row) if row.is_never else ""
    pace = _pace(basis, worth)
    return Told(
        now=basis.now,
        goal=row.target,
        reached=row.accepted,
        spent_micro=row.spent_micro,
        currency=row.pool.account.currency,
        hours=hours_of(basis) if not never else None,
        micro=_final_cost(row, goal),
        never=never,
        inputs={
            "pages": basis.seen.total,
            "hours": round(basis.seen.hours, 3),
            "worth": round(worth, 4),
            "shape": round(pace.shape, 4) if pace else None,
            "rate": round(pace.rate, 6) if pace else None,
            "weeks": round(basis.week.seen, 2),
            "zone": str(basis.week.zone),
            "pages_left": goal.left,
            "accepted": goal.accepted,
            "rejected": goal.rejected,
            "in_check": goal.in_check,
            "usually_accepted": round(goal.usual, 4),
            "capacity": capacity,
        },
    )


def hours_of(basis: Basis, *, faster: float = 1.0) -> Quantiles | None:
    """Draw the hours left if so many times as much came from now on; None = nobody can say."""
    each = _answers_a_page(basis.row)
    goal, capacity = _goal(basis, each), _capacity(basis.row, each)
    pace = _pace(basis, _worth(basis, capacity))
    if pace is None:
        return None
    sooner = Pace(pace.shape, pace.rate / faster)
    return Quantiles.of(draw_hours(goal=goal, pace=sooner, week=basis.week, now=basis.now, capacity=capacity))


def _capacity(row: PoolRow, each: float) -> int | None:
    """Return the pages that the people who may work can still hand in."""
    return None if row.crowd.may_do is None else max(0, math.floor((row.crowd.may_do - row.crowd.done) / each))


def _worth(basis: Basis, capacity: int | None) -> float:
    worths = basis.seen.worths(basis.week)
    return worth_with_capacity(counts=basis.seen.pages, worths=worths, capacity=capacity) if capacity else sum(worths)


def _pace(basis: Basis, worth: float) -> Pace | None:
    seen = basis.seen
    return pace_of(results=seen.total, hours=seen.hours, worth=worth, usual=basis.usual, doubt=basis.week.doubt)


def _answers_a_page(row: PoolRow) -> float:
    """Return how many answers a page brings; a page of few tasks brings fewer than the pool asks for."""
    pages = row.counts.get(SENT, 0) - row.counts.get("pages.rejected", 0)
    answers = row.accepted + row.in_check
    return answers / pages if pages > 0 and answers > 0 else float(row.real_per_page)


def _goal(basis: Basis, each: float) -> Goal:
    row = basis.row
    accepted, rejected = row.counts.get("pages.accepted", 0), row.counts.get("pages.rejected", 0)
    in_check = max(0, row.counts.get(SENT, 0) - accepted - rejected)
    return Goal(math.ceil(row.left / each), accepted, rejected, in_check, basis.accepted, KNOWN_BEFORE)


def _final_cost(row: PoolRow, goal: Goal) -> Quantiles | None:
    """Price the pages to come as those accepted so far were; refused work is not paid."""
    price = row.spent_micro / goal.accepted if goal.accepted and row.spent_micro else _planned_price(row)
    passed, dropped = round(goal.likely_accepted), round(goal.likely_rejected)
    ahead = StageAhead(0.0, goal.in_check, passed, dropped, pass_micro=price)
    drawn = draw_final_cost(stages=[ahead], left=goal.left, spent_micro=row.spent_micro)
    return Quantiles.of(drawn) if drawn is not None else None


def _planned_price(row: PoolRow) -> float:
    return row.planned_micro / max(1, -(-row.target // row.real_per_page))


def _seen(row: PoolRow, now: datetime) -> Seen:
    """Read the pages since the pool was opened last, a week at most."""
    start = row.pool.started_at or row.pool.created_at
    found = _by_hour(row, max(start, now - WINDOW), now)
    opened = _opened_at(row.pool)
    if opened and opened > found.since and (now - opened) / AN_HOUR >= LEAST_HOURS:
        lately = _by_hour(row, opened, now)
        if lately.total >= LEAST_PAGES:
            return lately
    return found


def _opened_at(pool: Pool) -> datetime | None:
    rows = Event.objects.filter(subject_type="pool", subject_id=pool.pk, kind="pool.opened").order_by("-id")
    return rows.values_list("created_at", flat=True).first()


def _by_hour(row: PoolRow, since: datetime, now: datetime) -> Seen:
    keys = [Key(Of.BATCH, batch.pk, SENT) for batch in row.batches]
    first = _whole(since)
    found = tallies.series(keys, start=first, seconds=HOUR, since=first)
    counts: dict[int, int] = {}
    for points in found.values():
        for point in points:
            counts[point.bucket] = counts.get(point.bucket, 0) + point.n
    return Seen(since, now, _filled(counts, math.ceil((now - first) / AN_HOUR)))


def _filled(counts: Mapping[int, int], hours: int) -> tuple[int, ...]:
    return tuple(counts.get(number, 0) for number in range(max(1, hours)))


def _whole(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
