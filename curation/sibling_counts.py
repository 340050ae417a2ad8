"""What the other web processes of this machine have counted: each leaves a file, and whoever is asked adds them up.

A file stays when its process ends, so that no sum goes backwards; `up` begins anew.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

OWN = f"{os.getpid()}-{time.time_ns()}.json"  # a number of a process may be another's by now


def leave(folder: Path, counted: Any) -> None:
    """Write what this process has counted so far; whoever reads finds the old or the new, never a part."""
    fresh = (folder / OWN).with_suffix(".new")
    fresh.write_text(json.dumps(counted), encoding="utf-8")
    fresh.replace(folder / OWN)


def others(folder: Path) -> Iterator[Any]:
    """Return what the others left; what cannot be read counts as nothing."""
    for file in folder.glob("*.json"):
        if file.name != OWN:
            with suppress(OSError, ValueError):
                yield json.loads(file.read_text(encoding="utf-8"))


def forget(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink(missing_ok=True)
