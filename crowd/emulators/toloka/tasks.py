"""Tasks: created in batches, changed one by one."""

from collections.abc import Mapping
from typing import Any

from crowd.emulators.toloka import lifecycle, stock, views
from crowd.emulators.toloka.batches import Options, truth
from crowd.emulators.toloka.checks import (
    anything,
    demand,
    errors_of,
    flag,
    form,
    identifier,
    maybe,
    needed,
    number,
    several,
    text,
    whole,
)
from crowd.emulators.toloka.errors import FieldErrors, conflict, field_error, invalid
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.records import ARCHIVED, Form, Pool, Task

MOST_ASSIGNMENTS = 2_000_000

_SOLUTIONS = several(form({"output_values": needed(anything), "correctness_weight": maybe(number(0, 1))}))
_BASELINES = several(form({"output_values": needed(anything), "confidence_weight": maybe(number(0))}))
_PEOPLE = several(text(blank=False), unique=True)
INSIDE = {
    "input_values": maybe(anything),
    "known_solutions": maybe(_SOLUTIONS),
    "message_on_unknown_solution": maybe(text()),
    "localization_config": maybe(anything),
}
ISSUED = {
    "pool_id": needed(identifier),
    "overlap": maybe(whole(1, 30_000)),
    "infinite_overlap": maybe(flag),
    "reserved_for": maybe(_PEOPLE),
    "unavailable_for": maybe(_PEOPLE),
}
_TASK = form({**INSIDE, **ISSUED, "baseline_solutions": maybe(_BASELINES)}, extra=True)
_KEPT = (
    *INSIDE, "baseline_solutions", "reserved_for", "unavailable_for", "traits_all_of", "traits_any_of",
    "traits_none_of_any", "longitude", "latitude",
)  # fmt: skip

_PATCH = form(
    {
        "overlap": maybe(whole(1, 30_000)),
        "infinite_overlap": maybe(flag),
        "known_solutions": maybe(_SOLUTIONS),
        "baseline_solutions": maybe(_BASELINES),
        "message_on_unknown_solution": maybe(text()),
    },
    extra=True,
)
_OVERLAP = form({"overlap": maybe(whole(0, 30_000)), "infinite_overlap": maybe(flag)}, extra=True)


class TaskBatch:
    """Tasks of one request."""

    noun = "task"
    operation = "TASK.BATCH_CREATE"
    made = "TASK_CREATE"
    quota = "create tasks"
    most_at_once = 5_000

    def __init__(self, market: Market, options: Options) -> None:
        self.market, self.options = market, options
        self._touched: dict[str, Pool] = {}

    def errors(self, item: Any) -> FieldErrors:
        found = errors_of(_TASK, item)
        pool = pool_for(self.market, item, found)
        if pool is None:
            return found
        found.update(value_errors(self.market, pool, item))
        default = (pool.form.get("defaults") or {}).get("default_overlap_for_new_tasks")
        found.update(overlap_errors(item, default if self.options.allow_defaults else None))
        return found

    def demand_room(self, items: list[Any]) -> None:
        wanted: dict[str, int] = {}
        for item in items:
            wanted[item["pool_id"]] = wanted.get(item["pool_id"], 0) + (item.get("overlap") or 1)
        demand_room(self.market, wanted)

    def make(self, item: Form) -> str:
        pool = self.market.pool(item["pool_id"])
        self._touched[pool.id] = pool
        default = (pool.form.get("defaults") or {}).get("default_overlap_for_new_tasks")
        task = new_task(self.market, pool, item, overlap_of(item, default))
        stock.add_task(pool, task)
        pool.last_moved = self.market.now
        return task.id

    def view(self, ident: str) -> Form:
        return views.task(self.market.tasks.get(ident))

    def pools(self) -> list[str]:
        return list(self._touched)


def pool_for(market: Market, item: Any, found: FieldErrors) -> Pool | None:
    """Return the pool of an item; what is wrong with it goes to the errors."""
    pool = market.any_pool(item.get("pool_id")) if isinstance(item, dict) else None
    if pool is None:
        found.setdefault("pool_id", field_error("ENTITY_DOES_NOT_EXIST", "There is no such pool."))
    elif pool.status == ARCHIVED:
        found["pool_id"] = field_error("ENTITY_CONFLICT", "The pool is archived.")
        return None
    return pool


def value_errors(market: Market, pool: Pool, item: Form, prefix: str = "") -> FieldErrors:
    """Check the values of a task against the specification of its project."""
    project = market.project_of(pool)
    found = project.inputs.errors(item.get("input_values") or {}, f"{prefix}input_values")
    for name in ("known_solutions", "baseline_solutions"):
        solutions = item.get(name)
        if isinstance(solutions, list):
            for index, solution in enumerate(solutions):
                values = solution.get("output_values") if isinstance(solution, dict) else None
                found.update(project.outputs.errors(values, f"{prefix}{name}.{index}.output_values"))
    if pool.is_training and not item.get("known_solutions"):
        found[f"{prefix}known_solutions"] = field_error("VALUE_REQUIRED", "A training task has a known solution.")
    return found


def overlap_errors(item: Form, default: int | None) -> FieldErrors:
    if item.get("infinite_overlap"):
        if item.get("overlap") is not None:
            return {"overlap": field_error("VALUE_NOT_ALLOWED", "null with an infinite overlap.")}
        return {}
    if item.get("overlap") is None and default is None:
        return {"overlap": field_error("VALUE_REQUIRED", "An overlap is required, or allow_defaults.")}
    return {}


def overlap_of(item: Form, default: int | None) -> int | None:
    if item.get("infinite_overlap"):
        return None
    return int(item.get("overlap") or default or 1)


def demand_room(market: Market, wanted: dict[str, int]) -> None:
    for pool_id, count in wanted.items():
        if market.pool(pool_id).wanted + count > MOST_ASSIGNMENTS:
            raise conflict("POOL_ASSIGNMENTS_COUNT_EXCEEDED", f"Pool {pool_id} can have {MOST_ASSIGNMENTS} pages.")


def new_task(market: Market, pool: Pool, item: Form, overlap: int | None, *, in_suite: bool = False) -> Task:
    kept = {name: item[name] for name in _KEPT if item.get(name) is not None}
    kept.setdefault("input_values", {})
    task = Task(
        id=market.ids.in_pool(pool.id),
        pool_id=pool.id,
        form=kept,
        created=market.now,
        kind=stock.kind_of(kept),
        overlap=overlap,
        in_suite=in_suite,
        reserved_for=frozenset(kept.get("reserved_for") or ()),
        unavailable_for=frozenset(kept.get("unavailable_for") or ()),
    )
    return market.tasks.add(task)


def change(market: Market, task_id: str, body: Any, query: Mapping[str, str]) -> Task:
    """Change the overlap or the known solutions of a task."""
    task, sent = market.tasks.get(task_id), demand(_PATCH, body)
    pool = market.pool(task.pool_id)
    found = value_errors(market, pool, {**task.form, **sent})
    if sent.get("infinite_overlap") and sent.get("overlap") is not None:
        found.update(overlap_errors(sent, None))
    if found:
        raise invalid(found)
    for name in ("known_solutions", "baseline_solutions", "message_on_unknown_solution"):
        if name in sent:
            task.form[name] = sent[name]
    stock.change_kind(pool, task, stock.kind_of(task.form))
    _set_overlap(market, pool, task, sent)
    if truth(query, "open_pool"):
        lifecycle.open_pool(market, pool)
    return task


def set_overlap_or_min(market: Market, task_id: str, body: Any) -> Task:
    """Set the overlap to a number, or to what was given out already when that is more."""
    task, sent = market.tasks.get(task_id), demand(_OVERLAP, body)
    if sent.get("overlap") is not None:
        sent["overlap"] = max(sent["overlap"], task.issued)
    _set_overlap(market, market.pool(task.pool_id), task, sent)
    return task


def _set_overlap(market: Market, pool: Pool, task: Task, sent: Form) -> None:
    if sent.get("infinite_overlap"):
        stock.set_overlap(pool, task, None)
    elif sent.get("overlap") is not None:
        stock.set_overlap(pool, task, sent["overlap"])
    lifecycle.notice_completion(market, pool)
