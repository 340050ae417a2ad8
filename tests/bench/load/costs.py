"""What a request costs by itself: processor time of web process and database, whatever else the machine does."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from tests.bench.load.people import Headers

ROUNDS = 12
TICKS = os.sysconf("SC_CLK_TCK")


def each(base: str, pids: Sequence[int], asked: Mapping[str, tuple[Headers, str]]) -> dict[str, list[float]]:
    """Ask for each address several times, one after the other; return milliseconds: web process, database."""
    found = {}
    with httpx.Client(base_url=base, timeout=120, trust_env=False) as http:
        for what, (headers, path) in asked.items():
            http.get(path, headers=headers).raise_for_status()
            before = _used(pids)
            for _ in range(ROUNDS):
                http.get(path, headers=headers).raise_for_status()
            found[what] = [
                round(1000 * (now - then) / ROUNDS, 1) for now, then in zip(_used(pids), before, strict=True)
            ]
    return found


def _used(pids: Sequence[int]) -> tuple[float, float]:
    """Return the processor seconds of the web processes so far, and those of all processes of the database."""
    from django.conf import settings

    server = int((settings.PATHS.pg_data / "postmaster.pid").read_text().split()[0])
    return sum(map(_own, pids)), _own(server) + _ended(server) + sum(map(_own, _children(server)))


def _own(pid: int) -> float:
    """Return what a process and its threads have used, those that ended too."""
    try:
        return sum(map(int, _stat(pid)[11:13])) / TICKS
    except OSError:
        return 0.0


def _ended(pid: int) -> float:
    """Return what children that have ended had used."""
    return sum(map(int, _stat(pid)[13:15])) / TICKS


def _children(pid: int) -> list[int]:
    known = (int(one.name) for one in Path("/proc").iterdir() if one.name.isdecimal())
    return [one for one in known if _parent_of(one) == pid]


def _parent_of(pid: int) -> int:
    try:
        return int(_stat(pid)[1])
    except OSError:
        return 0


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
