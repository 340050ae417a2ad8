"""Alice leads, Rita reviews, Vera looks, Charlie is a stranger: the people and the world of tests/api."""

from tests.api.conftest import alice, delivery, export, fresh_throttles, people, pool, project
from tests.pages.conftest import server

__all__ = ["alice", "delivery", "export", "fresh_throttles", "people", "pool", "project", "server"]
