"""What one process has computed and all may read, kept in Redis; while Redis is away, each process keeps its own."""

import logging
import pickle
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final, Generic, TypeVar, cast
from weakref import WeakValueDictionary

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from redis.exceptions import RedisError

from curation.services import redis_away

log = logging.getLogger(__name__)
T = TypeVar("T")
PAUSE_FOR_COST: Final = 20
LEAST_COST, LONGEST_PAUSE = 0.2, 300.0
KEPT_SECONDS: Final = 3600
MAKING_SECONDS: Final = 60
UNREADABLE: Final = (pickle.UnpicklingError, AttributeError, ImportError, EOFError, IndexError, TypeError, ValueError)
"""What reading an object raises whose class has been moved, renamed or changed."""
_naming: Final = Lock()
_at_work: Final["WeakValueDictionary[str, Lock]"] = WeakValueDictionary()


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


def made(key: str, make: Callable[[], T], *, leisure: float = 1.0) -> Made[T]:
    """Return what `make` gives, made again only after twenty times as long as that took, five minutes at most.

    What takes less than a fifth of a second is made each time. What nobody needs of this moment has `leisure`: it is
    kept so many times as long, and from so much less on. While one process makes it anew, the others get what is there;
    as long as nothing is there, the other threads of a process wait for the first.
    """
    kept = _kept(key)
    if kept is None:
        with first_of_all(key) as is_first:
            kept = None if is_first else _kept(key)
            return kept or _made_now(key, make, leisure, is_anew=False)
    if time.time() - kept.at < kept.pause:
        return kept
    if not _asked(lambda cache: cache.add(_making(key), "yes", MAKING_SECONDS)):
        return kept
    return _made_now(key, make, leisure, is_anew=True)


@contextmanager
def first_of_all(key: str) -> Iterator[bool]:
    """Say whether no other thread of this process is inside with this key; else wait until it has come out."""
    with _naming:
        lock = _at_work.setdefault(key, Lock())
    is_first = lock.acquire(blocking=False)
    try:
        if not is_first:
            with lock:
                pass
        yield is_first
    finally:
        if is_first:
            lock.release()


def _kept(key: str) -> Made[Any] | None:
    return cast("Made[Any] | None", found([key]).get(key))


def _making(key: str) -> str:
    return f"{key}:making"


def _made_now(key: str, make: Callable[[], T], leisure: float, *, is_anew: bool) -> Made[T]:
    now, began = time.time(), time.monotonic()
    value = make()
    cost = leisure * (time.monotonic() - began)
    fresh = Made(value, now, min(LONGEST_PAUSE, PAUSE_FOR_COST * cost) if cost >= LEAST_COST else 0.0)
    if fresh.pause or is_anew:
        keep(key, fresh, KEPT_SECONDS)
        _asked(lambda cache: cache.delete(_making(key)))
    return fresh


def _asked(ask: Callable[[BaseCache], T]) -> T:
    if not redis_away.is_known():
        try:
            return ask(caches["shared"])
        except (RedisError, OSError):
            redis_away.note()
            log.warning("what all processes read is kept by each for itself: Redis does not answer")
    return ask(caches["default"])
