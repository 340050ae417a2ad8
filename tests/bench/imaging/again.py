"""A folder looked at again when nothing has changed, or one file has gone: with all checks and with --fast."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from curation.preprocessing.folder import Search, find_duplicates
from curation.preprocessing.pool import Pool
from tests.bench.imaging.peer import processor_seconds


def look(files: Sequence[Path], cache: Path, *, fast: bool) -> float:
    """Return the processor seconds of one run, the children's included."""
    started = processor_seconds()
    with Pool(1) as pool:
        find_duplicates([(path.name, path) for path in files], search=Search(fast=fast), cache=cache, pool=pool)
    return processor_seconds() - started


def measure(folder: Path) -> dict[str, Any]:
    files = sorted(folder.iterdir())
    table: dict[str, Any] = {}
    for name, fast in (("hash and search (--fast)", True), ("with corners and proofs", False)):
        with tempfile.TemporaryDirectory(prefix="winnow-bench-") as cache:
            runs = (look(some, Path(cache), fast=fast) / len(files) for some in (files, files, files[1:]))
            first, second, one_gone = (round(1000 * seconds, 3) for seconds in runs)
        table[name] = {
            "first run, processor milliseconds per photo": first,
            "second run, processor milliseconds per photo": second,
            "run without one of the files, processor milliseconds per photo": one_gone,
        }
    return table


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]))))
