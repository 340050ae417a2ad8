"""An emulator over real HTTP, the kit's unmodified client, and people who work there."""

import socket
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from crowd.emulators.toloka import API_KEY, TOKEN, Served, TolokaEmulator
from crowd.emulators.toloka.http import application
from tests.emulators.toloka.people import People

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from toloka.client import TolokaClient
    from toloka.client.primitives.retry import TolokaRetry


@pytest.fixture
def emulator() -> TolokaEmulator:
    return TolokaEmulator(seed="test", quotas=False)


class Street:
    """One server for the whole run: every test has an emulator of its own behind a prefix."""

    def __init__(self) -> None:
        self.doors: dict[str, ASGIApp] = {}
        self.url = ""

    def open(self, emulator: TolokaEmulator) -> Served:
        prefix = f"/{len(self.doors) + 1}"
        self.doors[prefix] = application(emulator.market, frozenset((TOKEN, API_KEY)), prefix)
        return Served(self.url + prefix, TOKEN, emulator.market)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.doors["/" + scope["path"].split("/")[1]](scope, receive, send)


@pytest.fixture(scope="session")
def street() -> Iterator[Street]:
    street = Street()
    server = uvicorn.Server(uvicorn.Config(street, log_level="critical", lifespan="off", timeout_graceful_shutdown=1))
    with socket.create_server(("127.0.0.1", 0)) as door:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
        thread.start()
        street.url = f"http://127.0.0.1:{door.getsockname()[1]}"
        yield street
        server.should_exit = True
        thread.join()


@pytest.fixture
def served(street: Street, emulator: TolokaEmulator) -> Served:
    return street.open(emulator)


@pytest.fixture
def kit(served: Served) -> TolokaClient:
    return client_of(served)


def client_of(served: Served, **changes: Any) -> TolokaClient:
    """The client as an adapter builds it: nothing that creates is sent twice."""

    def retries() -> TolokaRetry:
        return TolokaRetry(
            retry_quotas=None,
            total=3,
            status_forcelist=[408, 500, 503, 504],
            allowed_methods=["GET", "PUT", "DELETE"],
            backoff_factor=0.01,
            respect_retry_after_header=False,
        )

    settings: dict[str, Any] = {"timeout": 30.0, "retry_quotas": None, "retryer_factory": retries, **changes}
    return TolokaClient(settings.pop("token", served.token), url=settings.pop("url", served.url), **settings)


@pytest.fixture
def api(served: Served) -> Iterator[httpx.Client]:
    """Plain HTTP, for bodies that the kit hides."""
    headers = {"Authorization": f"OAuth {served.token}"}
    with httpx.Client(base_url=f"{served.url}/api/v1", headers=headers, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture
def door(served: Served) -> Iterator[httpx.Client]:
    """The control door."""
    with httpx.Client(base_url=f"{served.url}/_emulator", trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture
def people(emulator: TolokaEmulator) -> People:
    return People(emulator)
