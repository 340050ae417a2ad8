"""Giving a page to a worker: what is offered, what it pays, and how long it may take."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from crowd.emulators.toloka import access, lifecycle, mixing, stock, submissions, views
from crowd.emulators.toloka.errors import ApiError, conflict, wrong_status
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.records import ACTIVE, OPEN, Assignment, Pool, Suite, Worker
from crowd.money import micro

LONGEST = timedelta(days=3650)


def offered(market: Market, worker: Worker) -> list[Pool]:
    """Return the pools and trainings that have a page for this worker now, by priority, then as they were made."""
    open_ones = [pool for pool in (*market.trainings, *market.pools) if pool.status == OPEN]
    open_ones.sort(key=lambda pool: (-int(pool.form.get("priority") or 0), pool.id))
    return [pool for pool in open_ones if access.why_not(market, pool, worker) is None and _has(market, pool, worker)]


def _has(market: Market, pool: Pool, worker: Worker) -> bool:
    if _is_busy(market, pool, worker):
        return False
    if pool.has_suites:
        return mixing.next_suite(pool, worker) is not None
    return bool(mixing.next_tasks(market, pool, worker))


def reward_for(pool: Pool, worker: Worker) -> int:
    """Return the price of a page for a worker: that of the interval of the skill, else the pool's."""
    config: Mapping[str, Any] | None = pool.form.get("dynamic_pricing_config")
    known = worker.skills.get(config["skill_id"]) if config else None
    if config is None or known is None:
        return pool.reward_micro
    value = int(known.value + 0.5)
    for interval in config["intervals"]:
        last = interval.get("to")
        if value >= (interval.get("from") or 0) and (last is None or value <= last):
            return micro(str(interval["reward_per_assignment"]))
    return pool.reward_micro


def take(market: Market, worker_id: str, pool_id: str) -> Assignment:
    """Give a worker the next page of a pool; a refusal says why there is none."""
    worker, pool = market.workers.get(worker_id), market.pool(pool_id)
    if pool.status != OPEN:
        raise wrong_status("The pool", pool.status, [OPEN], "POOL_INAPPROPRIATE_STATUS")
    reason = access.why_not(market, pool, worker)
    if reason is not None:
        raise ApiError(403, "ACCESS_DENIED", f"No page of {pool.noun} {pool.id}: {reason}.")
    if _is_busy(market, pool, worker):
        raise conflict("TOO_MANY_ACTIVE_ASSIGNMENTS", "The worker has not finished the last page.")
    reward = reward_for(pool, worker)
    _demand_funds(market, pool, reward)
    suite = _suite_for(market, pool, worker)
    return _give(market, pool, worker, suite, reward)


def _is_busy(market: Market, pool: Pool, worker: Worker) -> bool:
    """One page at a time in a pool, or as many as the project allows in all its pools."""
    most = market.project_of(pool).form.get("max_active_assignments_count")
    if most is None:
        return any(page.status == ACTIVE for page in worker.work.get(pool.id, ()))
    same = (pages for at, pages in worker.work.items() if market.pool(at).project_id == pool.project_id)
    return sum(1 for pages in same for page in pages if page.status == ACTIVE) >= int(most)


def _demand_funds(market: Market, pool: Pool, reward_micro: int) -> None:
    if market.spendable_micro < market.price_with_fee(reward_micro):
        lifecycle.set_closed(market, pool, "NOT_ENOUGH_BALANCE")
        raise conflict("NOT_ENOUGH_BALANCE", "The balance does not pay for another page.")


def _suite_for(market: Market, pool: Pool, worker: Worker) -> Suite:
    if pool.has_suites:
        found = mixing.next_suite(pool, worker)
        if found is None:
            raise conflict("POOL_ASSIGNMENTS_EXHAUSTED", f"{pool.noun} {pool.id} has no page for this worker.")
        return found
    tasks = mixing.next_tasks(market, pool, worker)
    if not tasks:
        raise conflict("POOL_ASSIGNMENTS_EXHAUSTED", f"{pool.noun} {pool.id} has no page for this worker.")
    ident = market.ids.in_pool(pool.id)
    ordered = mixing.arranged(market, pool, tasks, ident)
    shown = [views.shown_task(task) for task in ordered]
    suite = Suite(ident, pool.id, {}, market.now, ordered, overlap=1, mixed=True, shown=shown)
    stock.add_suite(pool, market.suites.add(suite))
    return suite


def _give(market: Market, pool: Pool, worker: Worker, suite: Suite, reward: int) -> Assignment:
    seen = worker.seen.setdefault(pool.id, set())
    seen.update(task.id for task in suite.tasks)
    seen.add(suite.id)
    stock.count_issue(pool, suite, 1)
    if suite.mixed:
        for task in suite.tasks:
            stock.count_issue(pool, task, 1)
    page = Assignment(market.ids.in_pool(pool.id), suite, pool.id, worker.id, reward, market.now)
    market.assignments.add(page)
    pool.assignments.append(page)
    suite.assignments.append(page)
    worker.work.setdefault(pool.id, []).append(page)
    pool.active += 1
    market.committed_micro += market.price_with_fee(reward)
    allowed = min(LONGEST, timedelta(seconds=pool.form["assignment_max_duration_seconds"]))
    market.at(market.now + allowed, lambda: submissions.expire(market, page))
    market.happened("TAKEN", page)
    return page
