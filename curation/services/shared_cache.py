"""What one process has computed and all may read, kept in Redis; while Redis is away, each process keeps its own."""

import logging
import pickle
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, cast

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from redis.exceptions import RedisError

from curation.services import redis_away

log = logging.getLogger(__name__)
T = TypeVar("T")
PAUSE_FOR_COST: Final = 20
LEAST_COST, LONGEST_PAUSE = 1.0, 300.0
KEPT_SECONDS: Final = 3600
MAKING_SECONDS: Final = 60
UNREADABLE: Final = (pickle.UnpicklingError, AttributeError, ImportError, EOFError, IndexError, TypeError, ValueError)
"""What reading an object raises whose class has been moved, renamed or changed."""


@dataclass(frozen=True, slots=True)
class Made(Generic[T]):
    """What was made at `at` (seconds since 1970) and is not made again for `pause` seconds."""

    value: T
    at: float
    pause: float


def found(keys: Iterable[str]) -> dict[str, Any]:
    """Return what is kept under these keys."""
    wanted = list(keys)
    try:
        kept: dict[str, Any] = _asked(lambda cache: cache.get_many(wanted))
    except UNREADABLE:
        log.warning("what other code has kept cannot be read; it is made anew")
        return {}
    return kept


def keep(key: str, value: object, seconds: float) -> None:
    _asked(lambda cache: cache.set(key, value, seconds))


def made(key: str, make: Callable[[], T]) -> Made[T]:
    """Return what `make` gives, made again only after twenty times as long as that took, five minutes at most.

    What takes less than a second is made each time. While one process makes it anew, the others get what is there.
    """
    kept = cast("Made[T] | None", found([key]).get(key))
    now, making = time.time(), f"{key}:making"
    if kept is not None and now - kept.at < kept.pause:
        return kept
    if kept is not None and not _asked(lambda cache: cache.add(making, "yes", MAKING_SECONDS)):
        return kept
    began = time.monotonic()
    value = make()
    cost = time.monotonic() - began
    fresh = Made(value, now, min(LONGEST_PAUSE, PAUSE_FOR_COST * cost) if cost >= LEAST_COST else 0.0)
    if fresh.pause or kept is not None:
        keep(key, fresh, KEPT_SECONDS)
        _asked(lambda cache: cache.delete(making))
    return fresh


def _asked(ask: Callable[[BaseCache], T]) -> T:
    if not redis_away.is_known():
        try:
            return ask(caches["shared"])
        except (RedisError, OSError):
            redis_away.note()
            log.warning("what all processes read is kept by each for itself: Redis does not answer")
    return ask(caches["default"])
