"""Work through a folder in a pool as a program of its own: prints what became of each file and the memory it took."""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from pathlib import Path
from typing import Any

from curation.preprocessing.limits import Unreadable
from curation.preprocessing.pool import Pool
from tests.preprocessing.in_a_child import analysed


class Memory(threading.Thread):
    """Watches the resident memory of this process and its children together."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak_bytes = 0
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.wait(0.005):
            self.peak_bytes = max(self.peak_bytes, sum(_resident(one) for one in family()))

    def stop(self) -> int:
        self._done.set()
        self.join()
        return self.peak_bytes


def family() -> list[int]:
    """Return this process and its children, by id."""
    children: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        try:
            children += [int(one) for one in (task / "children").read_text().split()]
        except OSError:
            continue
    return [os.getpid(), *children]


def _resident(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def look_through(folder: Path, processes: int = 2) -> dict[str, Any]:
    names = sorted(path.name for path in folder.iterdir())
    memory, started = Memory(), time.perf_counter()
    memory.start()
    with Pool(processes) as pool:
        found = list(pool.map(analysed, ((folder / name,) for name in names)))
    outcomes = {
        name: [one.reason_code, one.sentence] if isinstance(one, Unreadable) else ["ok", ""]
        for name, one in zip(names, found, strict=True)
    }
    return {
        "outcomes": outcomes,
        "seconds": round(time.perf_counter() - started, 2),
        "peak megabytes, parent and children": round(memory.stop() / 2**20),
        "children left": len(family()) - 1,
    }


if __name__ == "__main__":
    print(json.dumps(look_through(Path(sys.argv[1]))))  # noqa: T201
