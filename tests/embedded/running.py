"""A whole product under `up`, as the tests that kill parts of it see it."""

import http.client
import os
import subprocess
import sys
from pathlib import Path

from .observe import processes_of

ROOT = Path(__file__).resolve().parents[2]


LOCAL = "curation.settings.local"


def environment(data_dir: Path, settings: str = LOCAL) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name != "WINNOW_TEST_DATA_DIR"}
    return {**inherited, "DJANGO_SETTINGS_MODULE": settings, "DATA_DIR": str(data_dir)}


def start(data_dir: Path, port: int, settings: str = LOCAL) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, ROOT / "manage.py", "up", "--no-demo", "--port", str(port)],
        env=environment(data_dir, settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def family(data_dir: Path) -> list[int]:
    """Return every process of this DATA_DIR: the servers by their folder, the product by its environment."""
    mark = f"DATA_DIR={data_dir}".encode()
    ours = [pid for pid in _all_processes() if pid != os.getpid() and mark in _environ(pid)]
    return sorted({*ours, *processes_of(data_dir)})


def _all_processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _environ(pid: int) -> bytes:
    try:
        return (Path("/proc") / str(pid) / "environ").read_bytes()
    except OSError:
        return b""


def role_pid(data_dir: Path, role: str) -> int:
    """Return the oldest process of the role, which is the one that the supervisor started."""
    return min(role_pids(data_dir, role), key=_started, default=0)


def role_pids(data_dir: Path, role: str) -> list[int]:
    """Return every process of the role."""
    mark = f"WINNOW_ROLE={role}\0".encode()
    return [pid for pid in family(data_dir) if mark in _environ(pid) + b"\0"]


def _started(pid: int) -> int:
    """Return when a process began, in ticks since the machine did: its number says nothing once numbers wrap."""
    try:
        return int((Path("/proc") / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[19])
    except OSError:
        return sys.maxsize


def status_of(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()
