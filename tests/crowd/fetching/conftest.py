from collections.abc import Iterator

import pytest

from tests.crowd.fetching.servers import Bait, Site, Witness, witnessed


@pytest.fixture
def bait() -> Iterator[Bait]:
    bait = Bait()
    yield bait
    bait.socket.close()


@pytest.fixture
def witness() -> Iterator[Witness]:
    with witnessed() as witness:
        yield witness


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site
