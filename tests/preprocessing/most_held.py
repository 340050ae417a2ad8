"""Print the most memory that Python and numpy held while so many files of a folder were looked through.

In a process of its own: in a test's process the table of all names in the program, megabytes of it, may be made anew.
"""

from __future__ import annotations

import json
import sys
import tracemalloc
from pathlib import Path

from curation.preprocessing import catalogue, hash_file, pictures, voting
from curation.preprocessing.folder import looked_through
from curation.preprocessing.pool import Pool

PARTS = (
    (catalogue, "_PAGE"),
    (pictures, "_REMEMBERED"),
    (hash_file, "_TOGETHER"),
    (hash_file, "BLOCK"),
    (voting, "_TOGETHER"),
    (voting, "_PART"),
)
"""How many files each part of a search holds at once."""


def name_of(number: int) -> str:
    return f"{number:05}.jpg"


def most_held(folder: Path, cache: Path, count: int) -> int:
    files = ((name_of(number), folder / name_of(number)) for number in range(count))
    tracemalloc.start()
    with Pool() as pool, looked_through(files, cache=cache, pool=pool) as findings:
        found = findings.images, findings.count("low_resolution"), findings.count("clusters")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    if found != (count, count, 0):
        raise SystemExit(f"of {count} small strangers, {found} were found")
    return most


if __name__ == "__main__":
    for part, name in (*PARTS, (voting, "_BLOCK")):
        setattr(part, name, 64)
    counts = [int(count) for count in sys.argv[3:]]
    sys.stdout.write(json.dumps([most_held(Path(sys.argv[1]), Path(sys.argv[2]), count) for count in counts]))
