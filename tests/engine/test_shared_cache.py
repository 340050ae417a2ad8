"""What all processes read: made once for a while where it costs much, and kept by each process while Redis is away."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import caches
from redis.exceptions import ConnectionError as NoConnection

from curation.services import redis_away, shared_cache


class Counter:
    def __init__(self) -> None:
        self.n = 0

    def __call__(self) -> int:
        self.n += 1
        return self.n


class Away:
    def __getattr__(self, name: str) -> Any:
        def asked(*_: Any, **__: Any) -> None:
            raise NoConnection(name)

        return asked


def test_what_costs_little_is_made_each_time():
    make = Counter()
    assert [shared_cache.made("little", make).value for _ in range(3)] == [1, 2, 3]


def test_what_costs_much_is_made_once_for_a_while_and_by_one_process_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shared_cache, "LEAST_COST", 0.0)
    monkeypatch.setattr(shared_cache, "PAUSE_FOR_COST", 10**9)
    make = Counter()
    assert [shared_cache.made("much", make).value for _ in range(3)] == [1, 1, 1]
    monkeypatch.setattr(shared_cache, "PAUSE_FOR_COST", 0)
    caches["shared"].delete("much")
    assert shared_cache.made("much", make).value == 2
    shared_cache.keep("much", shared_cache.Made(2, 0.0, 1.0), 60)
    caches["shared"].add("much:making", "yes", 60)
    assert shared_cache.made("much", make).value == 2, "somebody is making it"
    caches["shared"].delete("much:making")
    assert shared_cache.made("much", make).value == 3


def test_what_has_leisure_is_kept_longer_and_from_less_on(monkeypatch: pytest.MonkeyPatch):
    steps = count(0, 0.05)
    monkeypatch.setattr(shared_cache, "time", SimpleNamespace(time=lambda: 0.0, monotonic=lambda: next(steps)))
    monkeypatch.setattr(shared_cache, "LEAST_COST", 0.2)
    assert shared_cache.made("at once", Counter()).pause == 0.0
    assert shared_cache.made("at leisure", Counter(), leisure=10).pause == pytest.approx(10.0)
    assert shared_cache.made("not worth it", Counter(), leisure=3).pause == 0.0


def test_whoever_asks_while_the_first_is_made_waits_for_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shared_cache, "LEAST_COST", 0.0)
    monkeypatch.setattr(shared_cache, "PAUSE_FOR_COST", 10**9)
    make, begun, others_asked = Counter(), Event(), Event()

    def slow() -> int:
        begun.set()
        assert others_asked.wait(60)
        return make()

    def asks() -> int:
        assert begun.wait(60)
        others_asked.set()
        return shared_cache.made("slow", make).value

    with ThreadPoolExecutor(3) as threads:
        found = [threads.submit(lambda: shared_cache.made("slow", slow).value), *[threads.submit(asks) for _ in "ab"]]
        assert [one.result(timeout=60) for one in found] == [1, 1, 1]


def test_after_a_failure_whoever_waited_makes_it_alone(monkeypatch: pytest.MonkeyPatch):
    make, begun, other_asked = Counter(), Event(), Event()

    def fails() -> int:
        begun.set()
        assert other_asked.wait(60)
        raise OSError("gone")

    def asks() -> int:
        assert begun.wait(60)
        other_asked.set()
        return shared_cache.made("failed", make).value

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.submit(shared_cache.made, "failed", fails), threads.submit(asks)
        assert second.result(timeout=60) == 1
        with pytest.raises(OSError, match="gone"):
            first.result(timeout=60)


def test_what_other_code_has_kept_and_cannot_be_read_counts_as_nothing(monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as older:
        older.setattr(
            shared_cache, "Earlier", type("Earlier", (), {"__module__": shared_cache.__name__}), raising=False
        )
        shared_cache.keep("moved", shared_cache.Earlier(), 60)
        assert shared_cache.found(["moved"])
    assert shared_cache.found(["moved"]) == {}
    assert shared_cache.made("moved", lambda: "anew").value == "anew"


def test_another_release_keeps_its_own():
    assert settings.VERSION in caches["shared"].make_key("pages")


def test_while_redis_is_away_a_process_keeps_its_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(redis_away, "_until", 0.0)
    monkeypatch.setattr(redis_away, "SECONDS", 3600.0)
    monkeypatch.setattr(shared_cache, "caches", {"shared": Away(), "default": caches["default"]})
    shared_cache.keep("own", "value", 60)
    assert shared_cache.found(["own", "other"]) == {"own": "value"}
