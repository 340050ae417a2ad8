"""What the tests look at from outside: processes, and things that come true after a while."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from curation.embedded import postgres, redis
from curation.embedded.paths import Paths
from curation.embedded.processes import servers_in


def eventually(condition: Callable[[], object], seconds: float = 120.0) -> bool:
    """Return as soon as the condition holds, False when it never did."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if condition():
            return True
        time.sleep(0.02)
    return False


def is_new(server: Callable[[Paths], int], paths: Paths, before: int) -> bool:
    """Tell whether another process is there now; while it starts, its note is missing or empty."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        return server(paths) != before
    return False


def processes_of(data_dir: Path) -> list[int]:
    """Return every process that names the folder on its command line or works inside it."""
    return [pid for pid in _all() if pid != os.getpid() and _belongs(pid, str(data_dir))]


def _all() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _belongs(pid: int, folder: str) -> bool:
    process = Path("/proc") / str(pid)
    try:
        command = (process / "cmdline").read_bytes().decode(errors="replace")
        return bool(command) and (folder in command or str((process / "cwd").readlink()).startswith(folder))
    except OSError:
        return False


def postmaster(paths: Paths) -> int:
    return servers_in(paths.pg_data, postgres.NAMES, paths.pg_data / "postmaster.pid")[0]


def redis_pid(paths: Paths) -> int:
    return servers_in(paths.redis_dir, redis.NAMES, redis.pid_file(paths))[0]


def keeper_pid(paths: Paths) -> int:
    return int((paths.run / "lock").read_text())


def kill(pid: int) -> None:
    assert pid > 0, "nobody is there; 0 would be this very group of processes"
    os.kill(pid, signal.SIGKILL)
