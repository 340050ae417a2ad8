"""What memory a folder takes as it grows: the most this process held for so many of its files, the children aside.

What a child would say of a picture is drawn instead: the search is the same, and nothing has to be decoded.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from curation.preprocessing.folder import Search, looked_through
from curation.preprocessing.looks import Look
from curation.preprocessing.pool import Pool
from curation.preprocessing.voting import KEY_BITS, STRONGEST, TABLES

COUNTS = (4_000, 16_000, 64_000)
PREVIEW_BYTES = 8_000


class Drawing(Pool):
    """Says of each file that it is a picture of 320x240 which has nothing in common with any other."""

    def map(self, work: Callable[..., Any], calls: Iterable[tuple[Any, ...]]) -> Iterator[Any]:  # noqa: ARG002
        return (drawn(Path(path), fast=fast) for path, _, fast in calls)


def drawn(path: Path, *, fast: bool) -> Look:
    digest = sha256(path.read_bytes()).digest()
    rng = np.random.default_rng(int(path.stem))
    keys = rng.integers(0, 1 << KEY_BITS, (2, TABLES, STRONGEST), np.uint32)
    return Look(
        sha256=digest,
        turns=tuple(rng.bytes(32) for _ in range(8)),
        trimmed_turns=None,
        low_information=False,
        preview_jpeg=bytes(PREVIEW_BYTES),
        width=320,
        height=240,
        sharpness=float(rng.uniform(100, 200)),
        detail=0.9,
        keys=None if fast else (keys[0], keys[1]),
        template=None,
    )


def look(folder: Path, cache: Path, count: int, *, fast: bool) -> dict[str, Any]:
    files = ((f"{number:06}.jpg", folder / f"{number:06}.jpg") for number in range(count))
    with looked_through(files, search=Search(fast=fast), cache=cache, pool=Drawing()) as findings:
        found = {name: findings.count(name) for name in ("clusters", "low_resolution", "blurred")}
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return {**found, "files": count, "kilobytes": spent.ru_maxrss, "seconds": spent.ru_utime + spent.ru_stime}


def measure(counts: list[int], *, fast: bool) -> dict[str, Any]:
    """Look at more and more of a folder, each time in a process of its own that knows what was looked at before."""
    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as place:
        folder, cache = Path(place, "photos"), Path(place, "cache")
        folder.mkdir()
        for number in range(max(counts)):
            (folder / f"{number:06}.jpg").write_text(f"{number:06}")
        looks = [_in_a_process(folder, cache, count, fast=fast) for count in counts]
    table: dict[str, Any] = {}
    for one in looks:
        name = f"{one.pop('files')} files"
        table[f"{name}, megabytes"] = round(one["kilobytes"] / 1024, 1)
        table[f"{name}, processor seconds"] = round(one["seconds"], 1)
        table[f"{name}, findings"] = one["clusters"] + one["low_resolution"] + one["blurred"]
    for (few, some), (many, more) in pairwise(zip(counts, looks, strict=True)):
        grown = 1024 * (more["kilobytes"] - some["kilobytes"])
        table[f"bytes for each file from {few} to {many}"] = round(grown / (many - few))
    return table


def _in_a_process(folder: Path, cache: Path, count: int, *, fast: bool) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.imaging.memory", str(count), "--in", str(folder), str(cache)]
    done = subprocess.run([*command, *(["--fast"] if fast else [])], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    reader = argparse.ArgumentParser(prog="python -m tests.bench.imaging.memory")
    reader.add_argument("counts", type=int, nargs="*", default=COUNTS)
    reader.add_argument("--fast", action="store_true", help="leave out corners")
    reader.add_argument("--in", type=Path, nargs=2, dest="places", help=argparse.SUPPRESS)
    chosen = reader.parse_args()
    if chosen.places:
        print(json.dumps(look(*chosen.places, chosen.counts[0], fast=chosen.fast)))
    else:
        print(json.dumps(measure(list(chosen.counts), fast=chosen.fast)))
