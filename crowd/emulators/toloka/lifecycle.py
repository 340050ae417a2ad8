"""The life of a pool or a training: closed, open, closed again, archived; and what closes it by itself."""

from collections.abc import Callable
from datetime import datetime, timedelta

from crowd.emulators.toloka import moments, operations, webhooks
from crowd.emulators.toloka.errors import conflict, invalid_field, wrong_status
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.records import ACTIVE, ARCHIVED, CLOSED, OPEN, SUBMITTED, Operation, Pool

UPDATE_TIME = timedelta(minutes=15)
IDLE_TIME = timedelta(days=30)
APPEAL_TIME = timedelta(days=9)


def open_pool(market: Market, pool: Pool) -> Operation | None:
    """Open a pool; None when it is open already."""
    if pool.status == OPEN:
        return None
    demand_openable(market, pool)

    def work(_: Operation) -> None:
        demand_openable(market, pool)
        set_open(market, pool)

    return _operate(market, pool, "OPEN", work)


def close_pool(market: Market, pool: Pool, reason: str = "MANUAL") -> Operation | None:
    """Close a pool by hand, or for an update of 15 minutes; None when it is closed already."""
    if pool.status == ARCHIVED:
        raise wrong_status(f"The {pool.noun}", pool.status, [OPEN, CLOSED])
    if pool.status == CLOSED:
        return None
    return _operate(market, pool, "CLOSE", lambda _: set_closed(market, pool, reason))


def archive_pool(market: Market, pool: Pool) -> Operation | None:
    if pool.status == ARCHIVED:
        return None
    _demand_archivable(market, pool)

    def work(_: Operation) -> None:
        _demand_archivable(market, pool)
        pool.status = ARCHIVED

    return _operate(market, pool, "ARCHIVE", work)


def _operate(market: Market, pool: Pool, verb: str, work: Callable[[Operation], None]) -> Operation:
    if pool.is_locked:
        raise conflict("POOL_LOCKED_BY_ANOTHER_OPERATION", f"Another operation holds {pool.noun} {pool.id}.")
    pool.is_locked = True

    def unlocked(operation: Operation) -> None:
        pool.is_locked = False
        work(operation)

    parameters = {f"{pool.noun}_id": pool.id}
    return operations.start(market, f"{pool.noun.upper()}.{verb}", parameters, unlocked)


def demand_openable(market: Market, pool: Pool) -> None:
    if pool.status == ARCHIVED:
        raise wrong_status(f"The {pool.noun}", pool.status, [CLOSED])
    project = market.project_of(pool)
    if project.status != ACTIVE:
        raise wrong_status("The project", project.status, [ACTIVE], "PROJECT_INAPPROPRIATE_STATUS")
    if not pool.has_tasks and not pool.has_suites:
        raise conflict("EMPTY_POOL", f"There are no tasks in {pool.noun} {pool.id}.")
    if not pool.is_training:
        _demand_pages(pool)
        _demand_price(market, pool)


def _demand_pages(pool: Pool) -> None:
    if pool.has_tasks and pool.has_suites:
        raise conflict("POOL_TASK_TYPE_CONFLICT", "The pool has tasks to be mixed and suites made by hand.")
    if pool.has_tasks and not pool.form.get("mixer_config"):
        raise conflict("MIXER_CONFIG_REQUIRED", "The pool has tasks but no mixer_config.")


def _demand_price(market: Market, pool: Pool) -> None:
    if moments.read(pool.form["will_expire"]) <= market.now:
        raise invalid_field("will_expire", "DATE_OUT_OF_RANGE", "The time has passed.")
    if pool.reward_micro == 0 and _has_real_tasks(pool):
        raise invalid_field("reward_per_assignment", "VALUE_LESS_THAN_MIN", "Real tasks are paid.", 0.005)
    if market.spendable_micro < market.price_with_fee(pool.reward_micro):
        raise conflict("NOT_ENOUGH_BALANCE", "The balance does not pay for one page.")


def _has_real_tasks(pool: Pool) -> bool:
    in_suites = (task.kind == "REAL" for suite in pool.issue_order for task in suite.tasks)
    return bool(pool.by_kind["REAL"]) or any(in_suites)


def _demand_archivable(market: Market, pool: Pool) -> None:
    if pool.status != CLOSED:
        raise wrong_status(f"The {pool.noun}", pool.status, [CLOSED])
    if pool.active:
        raise conflict("THERE_IS_ACTIVE_ASSIGNMENT", "Somebody is at work.")
    if any(one.status == SUBMITTED for one in pool.assignments):
        raise conflict("SUBMITTED_ASSIGNMENTS_CONFLICT", "Some work is not judged yet.")
    if pool.last_rejection is not None and market.now - pool.last_rejection < APPEAL_TIME:
        raise conflict("THERE_IS_REJECTED_ASSIGNMENT", "Work was rejected within the last 9 days.")
    if pool.is_training and any(one.status != ARCHIVED for one in linked_pools(market, pool)):
        raise conflict("TRAINING_ARCHIVE_CONFLICT", "Archive the pools that ask for this training first.")


def linked_pools(market: Market, training: Pool) -> list[Pool]:
    return [pool for pool in market.pools if training_of(pool) == training.id]


def training_of(pool: Pool) -> str | None:
    requirement = (pool.form.get("quality_control") or {}).get("training_requirement") or {}
    found = requirement.get("training_pool_id")
    return None if found is None else str(found)


def set_open(market: Market, pool: Pool) -> None:
    pool.status, pool.last_started, pool.last_moved = OPEN, market.now, market.now
    if "will_expire" in pool.form:
        due = moments.read(pool.form["will_expire"])
        market.at(due, lambda: _expire(market, pool, due))
    notice_completion(market, pool)


def set_closed(market: Market, pool: Pool, reason: str) -> None:
    if pool.status != OPEN:
        return
    pool.status, pool.last_close_reason = CLOSED, reason
    pool.last_stopped = pool.last_moved = market.now
    webhooks.emit(market, "POOL_CLOSED", pool, close_reason=reason)
    if reason == "FOR_UPDATE":
        pool.reopening += 1
        turn = pool.reopening
        market.at(market.now + UPDATE_TIME, lambda: _reopen(market, pool, turn))
    watch_idleness(market, pool)


def _reopen(market: Market, pool: Pool, turn: int) -> None:
    if pool.status == CLOSED and pool.last_close_reason == "FOR_UPDATE" and pool.reopening == turn:
        set_open(market, pool)


def _expire(market: Market, pool: Pool, due: datetime) -> None:
    if moments.read(pool.form["will_expire"]) == due:
        set_closed(market, pool, "EXPIRED")


def is_complete(pool: Pool) -> bool:
    """Tell whether everything that was wanted is done: control and training tasks alone never are."""
    wanted = bool(pool.by_kind["REAL"]) or pool.has_suites
    return pool.status == OPEN and wanted and not pool.is_training and not pool.waiting and not pool.active


def notice_completion(market: Market, pool: Pool) -> None:
    """Close a pool whose work is done, after its delay."""
    if not is_complete(pool):
        return
    delay = timedelta(seconds=pool.form.get("auto_close_after_complete_delay_seconds") or 0)
    if not delay:
        set_closed(market, pool, "COMPLETED")
        return
    seen = pool.last_moved
    market.at(market.now + delay, lambda: _close_completed(market, pool, seen))


def _close_completed(market: Market, pool: Pool, seen: datetime | None) -> None:
    if pool.last_moved == seen and is_complete(pool):
        set_closed(market, pool, "COMPLETED")


def watch_idleness(market: Market, pool: Pool) -> None:
    """Archive a closed pool that nobody touches for 30 days."""
    moved = pool.last_moved or pool.created
    market.at(moved + IDLE_TIME, lambda: _archive_idle(market, pool))


def _archive_idle(market: Market, pool: Pool) -> None:
    if pool.status != CLOSED or pool.is_training:  # a training may serve open pools
        return
    if market.now - (pool.last_moved or pool.created) < IDLE_TIME:
        watch_idleness(market, pool)
    elif pool.active:
        market.at(market.now + timedelta(days=1), lambda: _archive_idle(market, pool))
    else:
        pool.status = ARCHIVED
