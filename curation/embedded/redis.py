"""The embedded Redis: append-only file on, a socket for its owner alone, no TCP."""

import os
import signal
from datetime import UTC, datetime
from pathlib import Path

from .binaries import redis_server
from .locks import make_private
from .paths import Paths
from .processes import Program, last_start, say, stop_servers

NAMES = frozenset({"redis-server", "valkey-server"})
APPEND_ONLY = ("appendonly.aof", "appendonlydir")  # Redis 6; Redis 7 and Valkey
DAMAGED = (
    "Bad file format",
    "Unrecoverable error",
    "Wrong signature",
    "rdb file reading failure",
    "AOF loading aborted",
)


def prepare(paths: Paths) -> Program:
    """Write the configuration and return the server's program."""
    make_private(paths.redis_dir)
    make_private(paths.redis_socket.parent)
    config = paths.redis_dir / "redis.conf"
    config.write_text(configuration(paths), encoding="utf-8")
    return Program(
        name="redis",
        command=(str(redis_server()), str(config)),
        log=paths.log / "redis.log",
        environment={**os.environ, "LC_ALL": "C"},
        orphan_signal=signal.SIGTERM,
        folder=paths.redis_dir,
        before_start=lambda: clear_the_way(paths),
    )


def configuration(paths: Paths) -> str:
    lines = (
        "port 0",
        f"unixsocket {quoted(paths.redis_socket)}",
        "unixsocketperm 600",
        f"dir {quoted(paths.redis_dir)}",
        f"pidfile {quoted(pid_file(paths))}",
        "daemonize no",
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
        "maxmemory-policy noeviction",
        "loglevel notice",
    )
    return "\n".join(lines) + "\n"


def quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def pid_file(paths: Paths) -> Path:
    return paths.redis_dir / "redis.pid"


def clear_the_way(paths: Paths) -> None:
    """Stop a server left behind (a second one would steal its socket) and put a damaged log aside."""
    stop_servers(paths.redis_dir, NAMES, pid_file(paths), politely=signal.SIGTERM)
    if any(mark in line for line in last_start(paths.log / "redis.log") for mark in DAMAGED):
        put_aside(paths.redis_dir)


def put_aside(folder: Path) -> None:
    """Rename the append-only log: Redis holds only doorbells, and the sweeper rings all of them again."""
    for name in APPEND_ONLY:
        log = folder / name
        if log.exists():
            aside = log.with_name(f"{name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S}")
            log.rename(aside)
            say(f"Redis could not read its log; it is kept as {aside} and Redis starts empty.")
