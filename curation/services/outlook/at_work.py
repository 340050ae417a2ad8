"""When a project was at work: some pool of it was open, or all that were opened had what they wanted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from curation.economics.week import AN_HOUR, Week
from curation.models import Event, Pool
from curation.services.overview.pools import PoolRow

OPENED, PAUSED, CLOSED = "pool.opened", "pool.paused", "pool.closed"
KINDS: Final = (OPENED, PAUSED, CLOSED)
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Turn:
    """A pool was opened, paused or closed."""

    at: datetime
    pool_id: int
    kind: str


def at_work(rows: Sequence[PoolRow], *, since: datetime, until: datetime) -> list[Span]:
    """Return the spans of a project's work; all of the time where nobody is asked."""
    pools = [row.pool for row in rows if row.pool.kind == Pool.Kind.MAIN]
    if not pools:
        return [(since, until)]
    return [
        (max(start, since), min(end, until))
        for start, end in spans(_turns(pools), until=until)
        if end > since and start < until
    ]


def is_stopped(rows: Sequence[PoolRow]) -> bool:
    """Whether pools are paused and none is open."""
    states = {row.pool.state for row in rows if row.pool.kind == Pool.Kind.MAIN}
    return Pool.State.PAUSED in states and not states & {Pool.State.OPEN, Pool.State.OPENING}


def spans(turns: Iterable[Turn], *, until: datetime) -> list[Span]:
    """Return the spans that no pause ends. What was closed has what it wanted, and others go on with it. Pure."""
    found: list[Span] = []
    states: dict[int, str] = {}
    start: datetime | None = None
    for turn in sorted(turns, key=lambda turn: turn.at):
        states[turn.pool_id] = turn.kind
        is_pause = OPENED not in states.values() and PAUSED in states.values()
        if is_pause and start is not None:
            found.append((start, turn.at))
            start = None
        elif not is_pause and start is None:
            start = turn.at
    return [*found, (start, until)] if start is not None else found


def _turns(pools: Sequence[Pool]) -> list[Turn]:
    begun = [Turn(pool.started_at, pool.pk, OPENED) for pool in pools if pool.started_at]
    asked = Event.objects.filter(subject_type="pool", subject_id__in=[pool.pk for pool in pools], kind__in=KINDS)
    rows = asked.order_by("id").values_list("created_at", "subject_id", "kind")
    return [*begun, *(Turn(at, pool_id, kind) for at, pool_id, kind in rows if pool_id is not None)]


def hours_of(spans: Iterable[Span]) -> float:
    return sum((end - start) / AN_HOUR for start, end in spans)


def worth_of(spans: Iterable[Span], week: Week) -> float:
    return sum(week.between(start, end) for start, end in spans)
