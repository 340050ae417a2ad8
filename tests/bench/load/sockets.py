"""Browsers that look at one project by websocket: how soon each hears of a change, and what they cost in memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import redis
from websockets.asyncio.client import ClientConnection, connect

from curation.embedded.paths import Paths
from tests.bench.load.memory import resident_mb
from tests.embedded.running import role_pids

RINGS, AT_ONCE, LIMIT_SECONDS, MOST_GROWTH_MB = 10, 50, 1.0, 20.0


def watched(ours: Any, project: Any, cookie: str, sockets: int, connects: int) -> dict[str, Any]:
    return asyncio.run(_watched(ours, project, cookie, sockets, connects))


def door(ours: Any, project: Any, cookie: str) -> Callable[[], connect]:
    """Return what opens one more websocket of the project."""
    address = f"ws://127.0.0.1:{ours.port}/ws/projects/{project.public_id}/"
    headers = {"Cookie": cookie, "Origin": f"http://127.0.0.1:{ours.port}"}
    return lambda: connect(address, additional_headers=headers, proxy=None, open_timeout=120)


async def _watched(ours: Any, project: Any, cookie: str, sockets: int, connects: int) -> dict[str, Any]:
    one = door(ours, project, cookie)
    web, held = role_pids(ours.data_dir, "web"), _held(ours)
    before = resident_mb(web)
    clients = await opened(one, sockets)
    with_all = resident_mb(web)
    late = sorted([wait for _ in range(RINGS) for wait in await ring(project.pk, clients)])
    await asyncio.gather(*(client.close() for client in clients))
    first = await come_and_go(one, connects // 10)
    settled = resident_mb(web)
    await come_and_go(one, connects - first)
    grown = round(resident_mb(web) - settled, 1)
    p95 = round(late[int(0.95 * len(late))], 3)
    missed = [f"p95 {p95} s"] if p95 > LIMIT_SECONDS else []
    missed += [f"{grown} MB grown"] if grown > MOST_GROWTH_MB else []
    return {
        "sockets": sockets,
        "seen after seconds: p50, p95, last": [round(late[len(late) // 2], 3), p95, round(late[-1], 3)],
        "megabytes of the web processes: before, with all, after a tenth of those that came and went": [
            before, with_all, settled,
        ],
        "came and went": connects,
        "megabytes grown by the rest of them": grown,
        "kilobytes of Redis: before, after": [held, _held(ours)],
        "missed": missed,
    }  # fmt: skip


async def opened(one: Any, n: int) -> list[ClientConnection]:
    opened: list[ClientConnection] = []
    while len(opened) < n:
        opened += await asyncio.gather(*(one() for _ in range(min(AT_ONCE, n - len(opened)))))
    return opened


async def ring(project_id: int, clients: list[ClientConnection]) -> list[float]:
    """Ring once, and return after how many seconds each has heard it."""
    from asgiref.sync import sync_to_async

    from curation.services import versions

    async def heard(client: ClientConnection) -> float:
        await client.recv()
        return time.perf_counter() - began

    await asyncio.sleep(versions.SECONDS_BETWEEN_RINGS)
    began = time.perf_counter()
    waiting = asyncio.gather(*map(heard, clients))
    await sync_to_async(versions.ring, thread_sensitive=False)(project_id)
    return await asyncio.wait_for(waiting, 120)


async def come_and_go(one: Any, n: int) -> int:
    for start in range(0, n, AT_ONCE):
        for client in await opened(one, min(AT_ONCE, n - start)):
            await client.close()
    return n


def _held(ours: Any) -> int:
    with redis.Redis(unix_socket_path=str(Paths(ours.data_dir).redis_socket)) as client:
        return int(client.info("memory")["used_memory"]) // 1024
