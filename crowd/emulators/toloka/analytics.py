"""Figures about pools, as the analytics operation gives them."""

from collections.abc import Callable
from typing import Any

from crowd.emulators.toloka import moments, operations
from crowd.emulators.toloka.checks import errors_of, form, identifier, maybe, needed, one_of, several, whole
from crowd.emulators.toloka.errors import field_error, invalid
from crowd.emulators.toloka.filters import lets_in
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.records import ACCEPTED, HANDED_IN, REJECTED, SKIPPED, SUBMITTED, Form, Operation, Pool
from crowd.emulators.toloka.views import amount


def _count(pool: Pool, *statuses: str) -> int:
    return sum(1 for page in pool.assignments if page.status in statuses)


def _completion(_market: Market, pool: Pool) -> int:
    """Percent of the wanted answers that are there."""
    things = [*pool.issue_order] if pool.has_suites else pool.by_kind["REAL"]
    wanted = sum(thing.overlap for thing in things if thing.overlap is not None)
    done = sum(min(thing.issued, thing.overlap) for thing in things if thing.overlap is not None)
    under_way = sum(len(page.suite.tasks) for page in pool.assignments if page.status == "ACTIVE")
    return 100 * max(0, done - under_way) // wanted if wanted else 0


def _average_millis(_market: Market, pool: Pool) -> int:
    spans = [page.times[SUBMITTED] - page.created for page in pool.assignments if SUBMITTED in page.times]
    return round(sum(span.total_seconds() for span in spans) * 1000 / len(spans)) if spans else 0


def _spent(market: Market, pool: Pool) -> float:
    lines = (line for line in market.books.lines if line.kind == "REWARD" and line.about.pool_id == pool.id)
    return amount(sum(line.amount_micro for line in lines))


def _fitting(market: Market, pool: Pool) -> int:
    return sum(1 for worker in market.workers if lets_in(pool.form.get("filter"), worker))


def _estimated(_market: Market, pool: Pool) -> int:
    things = [*pool.issue_order] if pool.has_suites else pool.by_kind["REAL"]
    wanted = sum(thing.overlap or 0 for thing in things)
    size = 1 if pool.has_suites else max(1, (pool.form.get("mixer_config") or {}).get("real_tasks_count") or 1)
    return -(-wanted // size)


_FIGURES: dict[str, Callable[[Market, Pool], Any]] = {
    "real_tasks_count": lambda _market, pool: sum(1 for task in pool.tasks if task.kind == "REAL"),
    "submitted_assignments_count": lambda _market, pool: _count(pool, *HANDED_IN),
    "skipped_assignments_count": lambda _market, pool: _count(pool, SKIPPED),
    "rejected_assignments_count": lambda _market, pool: _count(pool, REJECTED),
    "approved_assignments_count": lambda _market, pool: _count(pool, ACCEPTED),
    "completion_percentage": _completion,
    "avg_submit_assignment_millis": _average_millis,
    "spent_budget": _spent,
    "unique_workers_count": lambda _market, pool: len({page.user_id for page in pool.assignments}),
    "unique_submitters_count": lambda _market, pool: len(
        {page.user_id for page in pool.assignments if page.status in HANDED_IN}
    ),
    "active_workers_by_filter_count": _fitting,
    "estimated_assignments_count": _estimated,
}

_REQUEST = several(
    form(
        {
            "subject": needed(one_of("POOL")),
            "subject_id": needed(identifier),
            "name": needed(one_of(*_FIGURES)),
            "interval_hours": maybe(whole(1)),
        }
    ),
    fewest=1,
)


def start(market: Market, body: Any) -> Operation:
    errors = errors_of(_REQUEST, body)
    if errors:
        raise invalid(errors)
    for index, wish in enumerate(body):
        if market.any_pool(wish["subject_id"]) is None:
            raise invalid({f"{index}.subject_id": field_error("ENTITY_DOES_NOT_EXIST", "There is no such pool.")})

    def work(operation: Operation) -> None:
        operation.details = {"value": [_answered(market, wish) for wish in body]}

    return operations.start(market, "ANALYTICS", {"value": body}, work)


def _answered(market: Market, wish: Form) -> Form:
    value = _FIGURES[wish["name"]](market, market.pool(wish["subject_id"]))
    result = {"type": "NORMAL", "value": value, "infinite": False, "approximate": False}
    return {"request": wish, "result": result, "finished": moments.written(market.now)}
