"""Who holds a lease: a process, named so that others on its machine can tell when it is gone.

A lease alone is waited for until it ends. A process killed on this machine is seen to be missing at once; of processes
elsewhere (another boot, another container) nothing is known here, and their leases run their time.
"""

import os
import socket
from pathlib import Path

PROC = Path("/proc")
STARTED_AT = 19  # field 22 of /proc/PID/stat, counted from behind the name: clock ticks after boot


def myself() -> str:
    """Return the name of this process: where it runs, its number, and when it began, as numbers are used again."""
    pid = os.getpid()
    return f"{_here()}/{pid}/{_began(pid) or 0}"


def is_gone(holder: str) -> bool:
    """Return whether the process of that name surely runs no more."""
    where, _, process = holder.partition("/")
    pid, _, began = process.partition("/")
    if where != _here() or not pid.isdecimal() or began in {"", "0"}:
        return False
    return _began(int(pid)) != began


def _here() -> str:
    """Return the host with its boot and its space of process numbers."""
    return f"{socket.gethostname()[:60]}:{_boot()[:8]}:{_space()}"


def _boot() -> str:
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text()
    except OSError:
        return ""


def _space() -> str:
    try:
        return (PROC / "self/ns/pid").readlink().name.strip("pid:[]")
    except OSError:
        return ""


def _began(pid: int) -> str | None:
    """Return when a process began; None = there is none, or nothing but its exit status is left of it."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in {"Z", "X"} else fields[STARTED_AT]
