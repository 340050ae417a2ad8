import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn

from crowd.emulators.mturk import MTurkEmulator, VirtualClock
from tests.emulators.mturk.turk import MORNING, Turk, official_client


class Host:
    """One server for the whole session; every test puts an emulator of its own behind it."""

    app: Any = None
    url: str = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        return await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    host = Host()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(host, lifespan="off", log_level="critical", access_log=False))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        yield host
        server.should_exit = server.force_exit = True
        thread.join()


@pytest.fixture
def turk(host: Host) -> Iterator[Turk]:
    """An emulator whose clock stands still on a Friday morning, with a thousand dollars."""
    emulator = MTurkEmulator(seed=7, clock=VirtualClock(MORNING, speed=0), balance="1000")
    host.app, emulator.url = emulator.app, host.url
    with httpx.Client(trust_env=False) as http:
        yield Turk(emulator, official_client(emulator.url), http)
