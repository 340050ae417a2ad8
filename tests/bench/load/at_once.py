"""Requests at once: how many sessions of the database the web process takes for them, and whether one is refused."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

ROUNDS, MOST_SESSIONS = 5, 20
SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'winnow' AND backend_type = 'client backend'"


def asked(ours: Any, cookie: str, callers: int) -> dict[str, Any]:
    """Let so many callers reload the first page and a list of the API at the same moment, several times."""
    base, headers = f"http://127.0.0.1:{ours.port}", {"Cookie": cookie}
    seen: list[int] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            seen.append(ours.one(SESSIONS))

    def call(number: int) -> int:
        return client.get("/" if number % 2 else "/account/").status_code

    before = ours.one(SESSIONS)
    watcher = threading.Thread(target=look)
    watcher.start()
    limits = httpx.Limits(max_connections=callers)
    with httpx.Client(base_url=base, headers=headers, timeout=120, trust_env=False, limits=limits) as client:
        began = time.perf_counter()
        with ThreadPoolExecutor(callers) as threads:
            statuses = Counter(threads.map(call, range(ROUNDS * callers)))
        seconds = time.perf_counter() - began
    over.set()
    watcher.join()
    missed = [f"{max(seen)} sessions"] if max(seen) > MOST_SESSIONS else []
    missed += [f"{n} answers of {status}" for status, n in statuses.items() if status != 200]
    return {
        "callers": callers,
        "requests": ROUNDS * callers,
        "requests a second": round(ROUNDS * callers / seconds, 1),
        "sessions of the database before": before,
        "sessions of the database at most": max(seen),
        "missed": missed,
    }
