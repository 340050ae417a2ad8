"""An emulator over real HTTP, the kit's unmodified client, and people who work there."""

import warnings
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from crowd.emulators.toloka import Served, TolokaEmulator
from tests.emulators.toloka.people import People

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from toloka.client import TolokaClient
    from toloka.client.primitives.retry import TolokaRetry


@pytest.fixture
def emulator() -> TolokaEmulator:
    return TolokaEmulator(seed="test", quotas=False)


@pytest.fixture
def served(emulator: TolokaEmulator) -> Iterator[Served]:
    with emulator.serve() as served:
        yield served


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
