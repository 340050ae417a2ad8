"""Alice leads, Rita reviews, Vera looks, Charlie is a stranger."""

import math
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.cache import cache
from django.test import Client

from curation.models import Project, User
from curation.services import shared_cache
from tests.factories import make_project, make_user


@pytest.fixture(autouse=True)
def _no_kept_counts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(shared_cache, "LEAST_COST", math.inf)
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def alice(db) -> User:
    return make_user("Alice")


@pytest.fixture
def rita(db) -> User:
    return make_user("Rita")


@pytest.fixture
def vera(db) -> User:
    return make_user("Vera")


@pytest.fixture
def charlie(db) -> User:
    return make_user("Charlie")


@pytest.fixture
def project(alice: User, rita: User, vera: User) -> Project:
    return make_project(lead=alice, reviewer=rita, viewer=vera)


@pytest.fixture
def people(alice: User, rita: User, vera: User, charlie: User) -> dict[str, Client]:
    """A signed-in browser for everybody, and one without a session."""
    users = {"alice": alice, "rita": rita, "vera": vera, "charlie": charlie}
    clients = {name: Client() for name in (*users, "nobody")}
    for name, user in users.items():
        clients[name].force_login(user)
    return clients


@pytest.fixture(scope="session")
def server(services, django_db_setup) -> Iterator[str]:
    """The real ASGI application, pages and websockets, on a free port. For tests that commit (transaction=True)."""
    from curation import asgi

    pages = ASGIStaticFilesHandler(asgi.http)

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await (pages if scope["type"] == "http" else asgi.application)(scope, receive, send)

    with socket.create_server(("127.0.0.1", 0)) as door:
        running = uvicorn.Server(uvicorn.Config(application, log_level="error", lifespan="off", ws="auto"))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [door]}, daemon=True)
        thread.start()
        while not running.started:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
        running.should_exit = True
        thread.join(10)
