"""Alice leads, Rita reviews, Vera looks, Charlie is a stranger."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client

from curation.models import Project, User
from tests.factories import make_project, make_user
from tests.serving import serving


@pytest.fixture(autouse=True)
def _no_kept_counts() -> Iterator[None]:
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
    with serving() as address:
        yield address
