"""What memory a folder takes as it grows: the most this process held for so many of its files, the children aside."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from curation.preprocessing.folder import find_duplicates
from curation.preprocessing.pool import Pool

FEW, MANY = 4_000, 16_000


def make_small(folder: Path, count: int) -> None:
    """Write pictures of 320x240 that have nothing in common."""
    rng = np.random.default_rng(11)
    for number in range(count):
        spots = rng.integers(0, 256, (18, 24), np.uint8)
        cv2.imwrite(str(folder / f"{number:06}.jpg"), cv2.resize(spots, (320, 240), interpolation=cv2.INTER_CUBIC))


def look(folder: Path, cache: Path, count: int) -> dict[str, Any]:
    files = [(path.name, path) for path in sorted(folder.iterdir())[:count]]
    with Pool() as pool:
        report = find_duplicates(files, cache=cache, pool=pool)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"files": report.images, "groups": len(report.clusters), "kilobytes": most}


def measure(few: int, many: int) -> dict[str, Any]:
    """Look at a part of a folder, then, in a process of its own that knows that part already, at all of it."""
    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as place:
        folder, cache = Path(place, "photos"), Path(place, "cache")
        folder.mkdir()
        make_small(folder, many)
        some, everything = (_in_a_process(folder, cache, count) for count in (few, many))
    more = 1024 * (everything["kilobytes"] - some["kilobytes"])
    return {
        f"{few} files, megabytes": round(some["kilobytes"] / 1024, 1),
        f"{many} files, megabytes": round(everything["kilobytes"] / 1024, 1),
        "bytes for each file more": round(more / (many - few)),
    }


def _in_a_process(folder: Path, cache: Path, count: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.imaging.memory", str(folder), str(cache), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    chosen = sys.argv[1:]
    if len(chosen) == 3:
        print(json.dumps(look(Path(chosen[0]), Path(chosen[1]), int(chosen[2]))))
    else:
        print(json.dumps(measure(FEW, MANY)))
