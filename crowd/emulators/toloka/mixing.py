"""Which page a worker would get next in a pool; nothing is given out here.

The order is fixed: suites by their priority, then as they were created; of a mixer, real tasks as they were created,
control and training tasks as they were created. Nobody gets a task twice, whatever became of the first time.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from crowd.emulators.toloka import stock
from crowd.emulators.toloka.chance import chance
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.records import Kind, Pool, Suite, Task, Worker


def next_suite(pool: Pool, worker: Worker) -> Suite | None:
    seen = worker.seen.get(pool.id, set())
    line = islice(pool.issue_order, stock.advance_head(pool), None)
    return next((one for one in line if one.issuable and one.id not in seen and one.open_to(worker.id)), None)


def next_tasks(market: Market, pool: Pool, worker: Worker) -> list[Task]:
    """Return the tasks of the next mixed page, in creation order; none when no page can be made."""
    if pool.is_training:
        return _training_page(pool, worker)
    mixer: Mapping[str, Any] = pool.form.get("mixer_config") or {}
    counts = _counts(market, pool, worker, mixer)
    chosen = {kind: _fresh(pool, worker, kind, count) for kind, count in counts.items()}
    spare = counts["GOLDEN"] + counts["TRAINING"] - len(chosen["GOLDEN"]) - len(chosen["TRAINING"])
    if spare and _is_distributed(mixer):
        chosen["REAL"] = _fresh(pool, worker, "REAL", counts["REAL"] + spare)
    if not _is_enough(market, pool, mixer, counts, chosen):
        return []
    return [task for kind in ("REAL", "GOLDEN", "TRAINING") for task in chosen[kind]]


def _training_page(pool: Pool, worker: Worker) -> list[Task]:
    count = pool.form["training_tasks_in_task_suite_count"]
    page = _fresh(pool, worker, "TRAINING", count)
    page += _fresh(pool, worker, "GOLDEN", count - len(page))
    return page if len(page) == count else []


def _fresh(pool: Pool, worker: Worker, kind: Kind, count: int) -> list[Task]:
    """Return the first tasks of a kind that this worker has not seen and may have."""
    if count <= 0:
        return []
    seen = worker.seen.get(pool.id, set())
    line: Iterable[Task] = pool.by_kind[kind]
    if kind == "REAL":
        line = islice(line, stock.advance_head(pool), None)
    return list(islice((one for one in line if one.issuable and one.id not in seen and one.open_to(worker.id)), count))


def _is_distributed(mixer: Mapping[str, Any]) -> bool:
    return any(mixer.get(f"{kind}_task_distribution_function") for kind in ("golden", "training"))


def _counts(market: Market, pool: Pool, worker: Worker, mixer: Mapping[str, Any]) -> dict[Kind, int]:
    golden, training = mixer.get("golden_tasks_count", 0), mixer.get("training_tasks_count", 0)
    real = mixer.get("real_tasks_count", 0)
    if not _is_distributed(mixer):
        return {"REAL": real, "GOLDEN": golden, "TRAINING": training}
    size = real
    for kind in ("golden", "training"):
        function = mixer.get(f"{kind}_task_distribution_function")
        if function:
            done = tasks_done(market, pool, worker, function)
            found = sum(1 for number in range(done + 1, done + size + 1) if is_due(function, number))
            golden, training = (found, training) if kind == "golden" else (golden, found)
    return {"REAL": max(0, size - golden - training), "GOLDEN": golden, "TRAINING": training}


def is_due(function: Mapping[str, Any], number: int) -> bool:
    """Tell whether the n-th task of a worker is chosen: every `frequency`-th of an interval, from its first on."""
    for interval in function["intervals"]:
        first, last = interval.get("from") or 0, interval.get("to")
        if number >= first and (last is None or number <= last):
            return bool((number - max(first, 1)) % interval["frequency"] == 0)
    return False


def tasks_done(market: Market, pool: Pool, worker: Worker, function: Mapping[str, Any]) -> int:
    """Count the tasks a worker took in the window of a distribution function."""
    since = market.now - timedelta(days=function["window_days"])
    scope = [pool.id] if function["scope"] == "POOL" else _of_project(market, pool)
    pages = (page for pool_id in scope for page in worker.work.get(pool_id, ()))
    return sum(len(page.suite.tasks) for page in pages if page.created >= since and not _is_undone(page.times))


def _is_undone(times: Mapping[str, datetime]) -> bool:
    return "SKIPPED" in times or "EXPIRED" in times


def _of_project(market: Market, pool: Pool) -> list[str]:
    return [one.id for one in market.pools if one.project_id == pool.project_id]


def _is_enough(
    market: Market,
    pool: Pool,
    mixer: Mapping[str, Any],
    counts: Mapping[Kind, int],
    chosen: Mapping[Kind, list[Task]],
) -> bool:
    least = {kind: _least(mixer, kind, counts[kind]) for kind in counts}
    if not any(chosen.values()) or any(len(chosen[kind]) < least[kind] for kind in ("GOLDEN", "TRAINING")):
        return False
    if counts["REAL"] and not chosen["REAL"]:
        return False
    if len(chosen["REAL"]) >= least["REAL"]:
        return True
    return _may_be_last(market, pool, mixer, least["REAL"])


def _least(mixer: Mapping[str, Any], kind: Kind, count: int) -> int:
    if kind != "REAL" and mixer.get(f"{kind.lower()}_task_distribution_function"):
        return 0
    least = mixer.get(f"min_{kind.lower()}_tasks_count")
    return min(count, count if least is None else int(least))


def _may_be_last(market: Market, pool: Pool, mixer: Mapping[str, Any], least: int) -> bool:
    """A partial page comes only when the whole pool has too few tasks left, and after its delay."""
    if mixer.get("force_last_assignment") is False or pool.waiting >= least:
        return False
    delay = timedelta(seconds=mixer.get("force_last_assignment_delay_seconds") or 0)
    return pool.last_moved is None or market.now - pool.last_moved >= delay


def arranged(market: Market, pool: Pool, tasks: list[Task], ident: str) -> list[Task]:
    """Return the tasks as they stand on the page: shuffled by the seed, unless the pool wants creation order."""
    settings: Mapping[str, Any] = pool.form if pool.is_training else pool.form.get("mixer_config") or {}
    ordered = sorted(tasks, key=lambda task: task.id)
    if settings.get("shuffle_tasks_in_task_suite") is not False:
        chance(market.seed, "page", ident).shuffle(ordered)
    return ordered
