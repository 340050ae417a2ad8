"""Mixed traffic against a loaded project, and what it took: times by kind of caller, refusals, memory, books."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tests.bench.load import books, costs, people, traffic
from tests.bench.load.at_once import SESSIONS
from tests.bench.load.memory import resident_mb

LIMIT_MS, MOST_SESSIONS, REVIEWERS, PROGRAMS = 200, 20, 2, 4


def measured(project: Any, *, workers: int, plan: traffic.Plan) -> dict[str, Any]:
    """Let everybody work at the project so long; return what they met, and what the books say afterwards."""
    from django.conf import settings

    from tests.bench.ground import web_processes

    who = people.at_work(project, workers=workers, reviewers=REVIEWERS, programs=PROGRAMS)
    before = books.so_far(project)
    with web_processes(settings.WEB_PROCESSES) as (base, pids), _watched(pids) as watched:
        began = time.process_time()
        seen = traffic.run(base, project, who, plan)
        callers = time.process_time() - began
        alone = costs.each(base, pids, traffic.read(project, who))
    added, wrong = books.added(project, before), books.wrong(project)
    found = {
        "web processes": len(pids),
        "traffic": f"{workers} workers, a page in {plan.page_seconds:g} s each; {REVIEWERS} reviewers, an image in "
        f"{plan.picture_seconds:g} s each; a lead, {plan.lead_rate:g} pages a second; {PROGRAMS} programs, "
        f"{plan.rate:g} requests a second; {plan.seconds:g} s",
        "requests": sum(map(len, seen.seconds.values())),
        "requests a second": round(sum(map(len, seen.seconds.values())) / plan.seconds, 1),
        "ms by caller": _by_caller(seen.seconds),
        "ms by request": {f"{who}: {what}": times(took) for (who, what), took in sorted(seen.seconds.items())},
        "refused": seen.refused,
        "errors": seen.errors,
        "sessions of the database at most": max(watched["sessions"]),
        "megabytes of the web processes: first, last": [watched["megabytes"][0], watched["megabytes"][-1]],
        "processor seconds of the callers": round(callers, 1),
        "processor ms of a request alone: web, database": alone,
        "handed in": {name: seen.done[name] for name in added},
        "counted": added,
        "books that disagree": wrong,
    }
    return found | {"missed": _missed(found)}


def _missed(found: Mapping[str, Any]) -> list[str]:
    missed = [f"{who}: p95 {row['p95']} ms" for who, row in found["ms by caller"].items() if row["p95"] > LIMIT_MS]
    missed += [f"{n} times {what}" for what, n in (found["errors"] + found["refused"]).items()]
    missed += found["books that disagree"]
    missed += ["not everything is counted once"] if found["handed in"] != found["counted"] else []
    sessions = found["sessions of the database at most"]
    return missed + ([f"{sessions} sessions"] if sessions > MOST_SESSIONS else [])


def _by_caller(seconds: Mapping[tuple[str, str], Sequence[float]]) -> dict[str, dict[str, float]]:
    callers = sorted({who for who, _ in seconds})
    return {
        caller: times([one for (who, _), took in seconds.items() if who == caller for one in took])
        for caller in callers
    }


def times(seconds: Sequence[float]) -> dict[str, float]:
    """Return p50, p95 and p99 in milliseconds, and of how many."""
    ordered = sorted(seconds)
    parts = {f"p{part}": round(1000 * ordered[part * len(ordered) // 100], 1) for part in (50, 95, 99)}
    return {"n": len(ordered), **parts}


@contextmanager
def _watched(pids: Sequence[int]) -> Iterator[dict[str, list[float]]]:
    """Look every half second at the web processes: their memory and their sessions of the database."""
    from django.db import connection

    seen: dict[str, list[float]] = {"sessions": [], "megabytes": []}
    over = threading.Event()

    def look() -> None:
        with connection.cursor() as cursor:
            while not over.wait(0.5) or not seen["sessions"]:
                cursor.execute(SESSIONS)
                seen["sessions"].append(cursor.fetchone()[0])
                seen["megabytes"].append(resident_mb(pids))
        connection.close()

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def machine() -> str:
    import platform

    return f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.0f}"
