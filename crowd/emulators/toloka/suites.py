"""Suites made by hand: the pages of a pool without a mixer."""

from collections.abc import Mapping
from typing import Any

from crowd.emulators.toloka import lifecycle, stock, tasks, views
from crowd.emulators.toloka.batches import Options, truth
from crowd.emulators.toloka.checks import anything, demand, errors_of, flag, form, maybe, needed, number, several, whole
from crowd.emulators.toloka.errors import FieldErrors, field_error, invalid
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.records import Form, Pool, Suite, Task

FARTHEST = 99_999.99999

_INSIDE = form({"id": maybe(anything), **tasks.INSIDE}, extra=True)
_SUITE = form(
    {
        **tasks.ISSUED,
        "tasks": needed(several(_INSIDE, fewest=1)),
        "issuing_order_override": maybe(number(-FARTHEST, FARTHEST)),
        "mixed": maybe(flag),
    },
    extra=True,
)
_PATCH = form(
    {
        "overlap": maybe(whole(1, 30_000)),
        "infinite_overlap": maybe(flag),
        "issuing_order_override": maybe(number(-FARTHEST, FARTHEST)),
        "open_pool": maybe(flag),
    },
    extra=True,
)
_OVERLAP = form({"overlap": needed(whole(0, 30_000))}, extra=True)
_KEPT = (
    "reserved_for", "unavailable_for", "traits_all_of", "traits_any_of", "traits_none_of_any", "longitude", "latitude",
)  # fmt: skip


class SuiteBatch:
    """Suites of one request."""

    noun = "task_suite"
    operation = "TASK_SUITE.BATCH_CREATE"
    made = "TASK_SUITE_CREATE"
    quota = "create suites"
    most_at_once = 5_000

    def __init__(self, market: Market, options: Options) -> None:
        self.market, self.options = market, options
        self._touched: dict[str, Pool] = {}

    def errors(self, item: Any) -> FieldErrors:
        found = errors_of(_SUITE, item)
        pool = tasks.pool_for(self.market, item, found)
        if pool is None or "tasks" in found:
            return found
        for index, task in enumerate(item["tasks"]):
            if isinstance(task, dict):
                found.update(self._task_errors(pool, task, f"tasks.{index}."))
        found.update(tasks.overlap_errors(item, _default(pool) if self.options.allow_defaults else None))
        return found

    def _task_errors(self, pool: Pool, task: Form, prefix: str) -> FieldErrors:
        if task.get("baseline_solutions") is not None:
            return {f"{prefix}baseline_solutions": field_error("VALUE_NOT_ALLOWED", "Not inside of a suite.")}
        if task.get("id") is None:
            return tasks.value_errors(self.market, pool, task, prefix)
        known = self.market.tasks.find(task["id"])
        if known is None or known.pool_id != pool.id:
            return {f"{prefix}id": field_error("ENTITY_DOES_NOT_EXIST", "There is no such task in the pool.")}
        return {}

    def demand_room(self, items: list[Any]) -> None:
        wanted: dict[str, int] = {}
        for item in items:
            wanted[item["pool_id"]] = wanted.get(item["pool_id"], 0) + (item.get("overlap") or 1)
        tasks.demand_room(self.market, wanted)

    def make(self, item: Form) -> str:
        pool = self.market.pool(item["pool_id"])
        self._touched[pool.id] = pool
        inside = [_task(self.market, pool, task) for task in item["tasks"]]
        suite = Suite(
            id=self.market.ids.in_pool(pool.id),
            pool_id=pool.id,
            form={name: item[name] for name in _KEPT if item.get(name) is not None},
            created=self.market.now,
            tasks=inside,
            overlap=tasks.overlap_of(item, _default(pool)),
            order=float(item.get("issuing_order_override") or 0),
            reserved_for=frozenset(item.get("reserved_for") or ()),
            unavailable_for=frozenset(item.get("unavailable_for") or ()),
            shown=[views.shown_task(task) for task in inside],
        )
        stock.add_suite(pool, self.market.suites.add(suite))
        pool.last_moved = self.market.now
        return suite.id

    def view(self, ident: str) -> Form:
        return views.suite(self.market.suites.get(ident))

    def pools(self) -> list[str]:
        return list(self._touched)


def _default(pool: Pool) -> int | None:
    found = (pool.form.get("defaults") or {}).get("default_overlap_for_new_task_suites")
    return None if found is None else int(found)


def _task(market: Market, pool: Pool, item: Form) -> Task:
    """Take a task of the pool into a suite, or make one."""
    if item.get("id") is not None:
        known = market.tasks.get(item["id"])
        stock.take_off(pool, known)
        known.in_suite = True
        return known
    task = tasks.new_task(market, pool, item, None, in_suite=True)
    stock.add_task(pool, task)
    return task


def change(market: Market, suite_id: str, body: Any, query: Mapping[str, str]) -> Suite:
    suite, sent = market.suites.get(suite_id), demand(_PATCH, body)
    pool = market.pool(suite.pool_id)
    if sent.get("infinite_overlap") and sent.get("overlap") is not None:
        raise invalid(tasks.overlap_errors(sent, None))
    if sent.get("infinite_overlap"):
        stock.set_overlap(pool, suite, None)
    elif sent.get("overlap") is not None:
        stock.set_overlap(pool, suite, sent["overlap"])
    if sent.get("issuing_order_override") is not None:
        suite.order = float(sent["issuing_order_override"])
        stock.reorder(pool)
    if truth(query, "open_pool") or sent.get("open_pool"):
        lifecycle.open_pool(market, pool)
    lifecycle.notice_completion(market, pool)
    return suite


def set_overlap_or_min(market: Market, suite_id: str, body: Any) -> Suite:
    suite, sent = market.suites.get(suite_id), demand(_OVERLAP, body)
    pool = market.pool(suite.pool_id)
    stock.set_overlap(pool, suite, max(sent["overlap"], suite.issued))
    lifecycle.notice_completion(market, pool)
    return suite
