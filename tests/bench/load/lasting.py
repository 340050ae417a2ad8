"""A product at work for minutes or hours: how much larger its processes are at the end than when they were warm."""

from __future__ import annotations

import asyncio
import statistics
import time
from itertools import count
from typing import Any

import httpx

from tests.bench.load import jobs, sockets
from tests.bench.load.memory import resident_mb
from tests.embedded.running import role_pid

PAGES = ("project", "assets", "pools", "workers", "money")
BROWSERS_A_TURN, JOBS_A_TURN, SECONDS_A_TURN, MOST_GROWTH = 5, 20, 2.0, 1.10


def lasted(ours: Any, project: Any, cookie: str, minutes: float) -> dict[str, Any]:
    """Have pages read, browsers come and go and jobs done until the time is over."""
    from django.urls import reverse

    addresses = [reverse(name, args=[project.public_id]) for name in PAGES]
    sizes: dict[str, list[float]] = {"web": [], "worker and its children": [], "clock": []}
    statuses: dict[int, int] = {}
    end = time.monotonic() + 60 * minutes
    with httpx.Client(
        base_url=f"http://127.0.0.1:{ours.port}", headers={"Cookie": cookie}, timeout=120, trust_env=False
    ) as client:
        for turn in count():
            for address in addresses:
                status = client.get(address).status_code
                statuses[status] = statuses.get(status, 0) + 1
            asyncio.run(sockets.come_and_go(sockets.door(ours, project, cookie), BROWSERS_A_TURN))
            jobs.wanted(f"lasting-{turn}", JOBS_A_TURN)
            time.sleep(SECONDS_A_TURN)
            for name, pids in _processes(ours).items():
                sizes[name].append(resident_mb(pids))
            if time.monotonic() > end:
                break
    grown = {name: _warm_and_last(seen) for name, seen in sizes.items()}
    missed = [f"{name}: {warm} MB, then {last} MB" for name, (warm, last) in grown.items() if last > MOST_GROWTH * warm]
    return {
        "minutes": minutes,
        "pages read, by status": statuses,
        "browsers that came and went": BROWSERS_A_TURN * len(sizes["web"]),
        "jobs": JOBS_A_TURN * len(sizes["web"]),
        "megabytes when warm, at the end": grown,
        "missed": [*missed, *(f"{n} answers of {status}" for status, n in statuses.items() if status != 200)],
    }


def _processes(ours: Any) -> dict[str, list[int]]:
    return {
        "web": [role_pid(ours.data_dir, "web")],
        "worker and its children": ours.workers(),
        "clock": [role_pid(ours.data_dir, "beat")],
    }


def _warm_and_last(sizes: list[float]) -> tuple[float, float]:
    """Return what is usual in the second tenth and in the last one: the first is for caches to fill."""
    tenth = max(1, len(sizes) // 10)
    return statistics.median(sizes[tenth : 2 * tenth] or sizes), statistics.median(sizes[-tenth:])
