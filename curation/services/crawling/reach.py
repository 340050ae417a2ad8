"""Which addresses a crawl may ask: the public ones, those the operator names, and a rehearsal's own simulated web."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.conf import settings

AT_ONCE = 16  # servers


@dataclass(frozen=True, slots=True)
class Reach:
    """`hosts` are private ones that are allowed, `at_once` how many servers are asked at the same time."""

    hosts: frozenset[str] = frozenset()
    at_once: int = AT_ONCE


_simulated: ContextVar[Reach | None] = ContextVar("simulated_web", default=None)


def reach() -> Reach:
    return _simulated.get() or Reach(frozenset(settings.ALLOWED_PRIVATE_HOSTS))


@contextmanager
def simulated_web(hosts: frozenset[str]) -> Iterator[None]:
    """Inside, nothing but these hosts may be private, and they are asked one after the other: the order is fixed."""
    token = _simulated.set(Reach(hosts, at_once=1))
    try:
        yield
    finally:
        _simulated.reset(token)
