"""How much memory processes hold."""

import os
from collections.abc import Iterable
from pathlib import Path


def resident_mb(pids: Iterable[int]) -> float:
    """Return what the processes hold together, shared pages counted in each of them."""
    return round(sum(_pages(pid) for pid in pids) * os.sysconf("SC_PAGESIZE") / 2**20, 1)


def _pages(pid: int) -> int:
    try:
        return int((Path("/proc") / str(pid) / "statm").read_text().split()[1])
    except OSError:
        return 0
