"""Jobs by the thousand in one worker: each done once, and its processes no larger for it."""

from __future__ import annotations

import time
from typing import Any

from tests.bench.load.memory import resident_mb

WARM, MOST_GROWTH = 200, 1.10
DONE = "SELECT count(*) FROM curation_job WHERE kind = 'is_harmless' AND state = 'done'"
MARKS = "SELECT count(*) FROM curation_tick WHERE name LIKE 'harmless-%%'"


def done(ours: Any, n: int) -> dict[str, Any]:
    """Have so many jobs done, and compare the worker's memory with what it was after the first of them."""
    wanted("warm", WARM)
    _wait(ours, WARM)
    settled, began = resident_mb(ours.workers()), time.perf_counter()
    wanted("load", n)
    most = _wait(ours, WARM + n)
    seconds = time.perf_counter() - began
    twice = ours.one(MARKS) - ours.one(DONE)
    missed = [f"{most} MB after {settled} MB"] if most > MOST_GROWTH * settled else []
    missed += [f"{twice} executions too many"] if twice else []
    return {
        "jobs": n,
        "jobs a second": round(n / seconds, 1),
        "megabytes of the worker and its children: warm, at most": [settled, most],
        "executions too many": twice,
        "missed": missed,
    }


def wanted(name: str, n: int) -> None:
    from curation.services import jobs

    for number in range(n):
        jobs.enqueue(kind="is_harmless", key=f"{name}-{number}")


def _wait(ours: Any, n: int) -> float:
    """Wait until so many are done; return the most memory that the worker had meanwhile."""
    most = 0.0
    while ours.one(DONE) < n:
        most = max(most, resident_mb(ours.workers()))
        time.sleep(0.2)
    return most
