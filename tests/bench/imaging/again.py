"""A folder looked at twice: what the second run costs when nothing has changed, with all checks and with --fast."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from curation.preprocessing.folder import Search, find_duplicates
from curation.preprocessing.pool import Pool
from tests.bench.imaging.peer import processor_seconds


def look(folder: Path, cache: Path, *, fast: bool) -> float:
    """Return the processor seconds of one run, the children's included."""
    files = [(path.name, path) for path in sorted(folder.iterdir())]
    started = processor_seconds()
    with Pool(1) as pool:
        find_duplicates(files, search=Search(fast=fast), cache=cache, pool=pool)
    return processor_seconds() - started


def measure(folder: Path) -> dict[str, Any]:
    count = len(list(folder.iterdir()))
    table: dict[str, Any] = {}
    for name, fast in (("hash and search (--fast)", True), ("with corners and proofs", False)):
        with tempfile.TemporaryDirectory(prefix="winnow-bench-") as cache:
            first, second = (1000 * look(folder, Path(cache), fast=fast) / count for _ in range(2))
        table[name] = {
            "first run, processor milliseconds per photo": round(first, 2),
            "second run, processor milliseconds per photo": round(second, 2),
        }
    return table


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]))))
