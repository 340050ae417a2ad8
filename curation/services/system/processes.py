"""The processes of the product and when each was last heard of."""

import os
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from kombu.exceptions import KombuError
from redis import Redis
from redis.exceptions import RedisError

from curation.celery import app
from curation.models import Tick

ANSWER_WITHIN = 1.0
OLDEST_TICK = timedelta(seconds=30)
START = "./winnow up"
_began = time.time()


@dataclass(frozen=True, slots=True)
class Process:
    """`mend` says how to start what is not well."""

    name: str
    what: str
    is_well: bool
    says: str
    mend: str = ""


def processes(*, now: datetime) -> list[Process]:
    """Ask the workers (at most a second), Redis and the clock; this web process speaks for itself."""
    return [_web(now), *_workers(), _clock(now), _redis()]


def _web(now: datetime) -> Process:
    since = now - timedelta(seconds=time.time() - _began)
    return Process("web", "pages, API, live numbers", is_well=True, says=f"process {os.getpid()}, since {_time(since)}")


def _workers() -> list[Process]:
    what = "jobs"
    try:
        answers: dict[str, Any] = app.control.inspect(timeout=ANSWER_WITHIN).stats() or {}
    except (KombuError, RedisError, OSError):
        return [Process("workers", what, is_well=False, says="cannot be asked: Redis does not answer", mend=START)]
    if not answers:
        return [Process("workers", what, is_well=False, says="none answered within a second", mend=START)]
    return [_worker(name, stats) for name, stats in sorted(answers.items())]


def _worker(name: str, stats: dict[str, Any]) -> Process:
    hands = len(stats.get("pool", {}).get("processes", []))
    done = sum(stats.get("total", {}).values())
    minutes = round(stats.get("uptime", 0) / 60)
    span = f"{minutes // 60:,} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
    return Process(name, "jobs", is_well=True, says=f"answers now; {hands} hands, {done:,} calls in {span}")


def _clock(now: datetime) -> Process:
    last = Tick.objects.filter(name="tick").order_by("-slot").values_list("created_at", flat=True).first()
    is_well = last is not None and now - last <= OLDEST_TICK
    says = f"last tick {max(0, round((now - last).total_seconds())):,} s ago" if last else "has never ticked"
    return Process("clock", "wakes what is due, once a second", is_well, says, "" if is_well else START)


def _redis() -> Process:
    what = "doorbell of workers and browsers"
    try:
        with Redis.from_url(settings.CHANNELS_REDIS, socket_timeout=2, socket_connect_timeout=2) as redis:
            began = time.monotonic()
            redis.ping()
            took = 1000 * (time.monotonic() - began)
            memory = int(redis.info("memory")["used_memory"])
    except (RedisError, OSError):
        return Process("redis", what, is_well=False, says="does not answer; jobs wait in the database", mend=START)
    return Process("redis", what, is_well=True, says=f"answers in {took:.1f} ms, {memory / 2**20:.1f} MB in memory")


def _time(moment: datetime) -> str:
    return f"{moment:%-d %b, %H:%M}"
