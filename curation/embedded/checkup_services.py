"""Checks of PostgreSQL, Redis, workers and the clock, while they run."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from django.conf import settings
from django.db import Error, connection
from kombu.exceptions import KombuError
from redis import Redis
from redis.exceptions import RedisError

from .command_line import first_line
from .findings import Finding, judged
from .locks import is_held
from .programs import QUEUES
from .schema import pending_migrations

LARGEST_CLOCK_DIFFERENCE = 2.0
OLDEST_TICK = 30.0
SLOW_PING = 0.05
START = "start it with `./winnow up`"


def database_findings() -> list[Finding]:
    try:
        return list(_database())
    except Error as error:
        return [Finding("database", "fail", f"does not answer: {first_line(error)}", "start it, or check DATABASE_URL")]


def _database() -> Iterator[Finding]:
    yield Finding("database", "ok", f"PostgreSQL {_value('SHOW server_version')}")
    yield _migrations()
    difference = abs(float(str(_value("SELECT extract(epoch FROM clock_timestamp())"))) - time.time())
    yield judged(
        "clock",
        good=difference <= LARGEST_CLOCK_DIFFERENCE,
        text=f"{difference:.1f} s between this machine and the database",
        mend="set both clocks by NTP",
    )
    used = int(str(_value("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")))
    most = int(str(_value("SHOW max_connections")))
    yield judged(
        "connections",
        good=most - used >= 10,
        text=f"{used} of {most} in use",
        mend="raise max_connections, or lower WEB_PROCESSES or WORKERS",
        otherwise="warn",
    )


def _value(query: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
    return row[0] if row else None


def _migrations() -> Finding:
    missing = pending_migrations()
    text = f"{len(missing)} not applied, first {missing[0]}" if missing else "all applied"
    return judged("migrations", good=not missing, text=text, mend="`./winnow up` applies them", otherwise="warn")


def redis_findings() -> list[Finding]:
    try:
        with Redis.from_url(settings.CHANNELS_REDIS, socket_timeout=2, socket_connect_timeout=2) as redis:
            return list(_redis(redis))
    except (RedisError, OSError) as error:
        return [Finding("redis", "fail", f"does not answer: {first_line(error)}", "start it, or check REDIS_URL")]


def _redis(redis: Redis) -> Iterator[Finding]:
    began = time.monotonic()
    redis.ping()
    took = time.monotonic() - began
    info = redis.info()
    yield judged(
        "redis",
        good=took < SLOW_PING,
        text=f"{info['redis_version']}, answers in {took * 1000:.1f} ms",
        mend="put it closer: it rings the doorbell of every job",
        otherwise="warn",
    )
    yield judged(
        "redis",
        good=bool(info.get("aof_enabled")),
        text="append-only file on" if info.get("aof_enabled") else "append-only file off",
        mend="set `appendonly yes`: a restart would lose all doorbells",
        otherwise="warn",
    )
    policy = str(info.get("maxmemory_policy", "unknown"))
    yield judged(
        "redis",
        good=policy == "noeviction",
        text=f"maxmemory-policy {policy}",
        mend="set `maxmemory-policy noeviction`",
        otherwise="warn",
    )
    waiting = ", ".join(f"{queue} {redis.llen(queue)}" for queue in QUEUES.split(","))
    yield Finding("queues", "ok", waiting)


def worker_findings() -> list[Finding]:
    """Ask the workers and look at the clock's last tick; nobody expects them while `up` does not run."""
    if settings.EMBEDDED_DATABASE and not is_held(settings.PATHS.run / "up"):
        return [Finding("workers", "ok", "not running, and not meant to: `./winnow up` starts them")]
    return [_workers(), _tick()]


def _workers() -> Finding:
    from curation.celery import app

    try:
        answers = app.control.ping(timeout=1.0) or []
    except (KombuError, RedisError, OSError) as error:
        return Finding("workers", "fail", f"cannot be asked: {first_line(error)}", "mend Redis first")
    names = ", ".join(sorted(name for answer in answers for name in answer))
    return judged("workers", good=bool(answers), text=names or "none answered within 1 s", mend=START)


def _tick() -> Finding:
    from curation.models.job import Tick

    try:
        last = Tick.objects.filter(name="tick").order_by("-slot").values_list("created_at", flat=True).first()
    except Error as error:
        return Finding("scheduler", "fail", f"cannot be read: {first_line(error)}", "mend the database first")
    age = (datetime.now(UTC) - last).total_seconds() if last else None
    text = "has never ticked" if age is None else f"last tick {age:.0f} s ago"
    return judged("scheduler", good=age is not None and age <= OLDEST_TICK, text=text, mend=START)
