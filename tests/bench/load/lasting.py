"""A product at work for minutes or hours: how much larger its processes are at the end than when they were warm."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from itertools import count
from typing import Any

import httpx

from curation.embedded.paths import Paths
from tests.bench.load import jobs, sockets
from tests.bench.load.memory import resident_mb
from tests.embedded.observe import redis_pid
from tests.embedded.running import role_pid, role_pids

PAGES = ("project", "assets", "pools", "workers", "money")
BROWSERS_A_TURN, JOBS_A_TURN, SECONDS_A_TURN, MOST_GROWTH = 20, 20, 1.0, 1.10


def lasted(ours: Any, project: Any, cookie: str, minutes: float, watching: int) -> dict[str, Any]:
    """Have pages read, browsers come and go and jobs done until the time is over, while so many watch."""
    return asyncio.run(_lasted(ours, project, cookie, minutes, watching))


async def _lasted(ours: Any, project: Any, cookie: str, minutes: float, watching: int) -> dict[str, Any]:
    from django.urls import reverse

    addresses = [reverse(name, args=[project.public_id]) for name in PAGES]
    one = sockets.door(ours, project, cookie)
    sizes: dict[str, list[float]] = {"web": [], "worker and its children": [], "clock": [], "redis": []}
    statuses: Counter[int] = Counter()
    late: list[float] = []
    end = time.monotonic() + 60 * minutes
    clients = await sockets.opened(one, watching)
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{ours.port}", headers={"Cookie": cookie}, timeout=120, trust_env=False
    ) as client:
        for turn in count():
            statuses.update([(await client.get(address)).status_code for address in addresses])
            late += await sockets.ring(project.pk, clients)
            await sockets.come_and_go(one, BROWSERS_A_TURN)
            await asyncio.to_thread(jobs.wanted, f"lasting-{turn}", JOBS_A_TURN)
            await asyncio.sleep(SECONDS_A_TURN)
            for name, pids in _processes(ours).items():
                sizes[name].append(resident_mb(pids))
            if time.monotonic() > end:
                break
    await asyncio.gather(*(client.close() for client in clients))
    late.sort()
    p95 = round(late[int(0.95 * len(late))], 3)
    grown = {name: _warm_and_last(seen) for name, seen in sizes.items()}
    missed = [f"{name}: {warm} MB, then {last} MB" for name, (warm, last) in grown.items() if last > MOST_GROWTH * warm]
    missed += [f"p95 {p95} s"] if p95 > sockets.LIMIT_SECONDS else []
    return {
        "minutes": minutes,
        "sockets open all the time": watching,
        "seen after seconds: p50, p95, last": [round(late[len(late) // 2], 3), p95, round(late[-1], 3)],
        "pages read, by status": statuses,
        "browsers that came and went": BROWSERS_A_TURN * len(sizes["web"]),
        "jobs": JOBS_A_TURN * len(sizes["web"]),
        "megabytes when warm, at the end": grown,
        "missed": [*missed, *(f"{n} answers of {status}" for status, n in statuses.items() if status != 200)],
    }


def _processes(ours: Any) -> dict[str, list[int]]:
    return {
        "web": role_pids(ours.data_dir, "web"),
        "worker and its children": ours.workers(),
        "clock": [role_pid(ours.data_dir, "beat")],
        "redis": [redis_pid(Paths(ours.data_dir))],
    }


def _warm_and_last(sizes: list[float]) -> tuple[float, float]:
    """Return what is usual in the second tenth and in the last one: the first is for caches to fill."""
    tenth = max(1, len(sizes) // 10)
    return statistics.median(sizes[tenth : 2 * tenth] or sizes), statistics.median(sizes[-tenth:])
