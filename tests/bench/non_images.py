"""How many files a second are told to be pictures or not by their first bytes: `python -m tests.bench.non_images`.

Pictures, and one file in twenty a web page, an empty one or another format. They are in memory, as a download leaves
them; the work is shared out to as many processes as there are cores.
"""

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor

from crowd.emulators.search.drawing import draw
from curation.preprocessing.gate import open_gated
from curation.preprocessing.limits import PICTURE_LIMITS, Unreadable

SHOWN = 200
"""Different pictures; the rest are the same again."""


def files(count: int) -> list[bytes]:
    pictures = [draw(str(n), "car", 1, [("car", 0.9)])[0] for n in range(min(SHOWN, count))]
    wrong = [b"<!doctype html><html>Please enable scripts</html>" * 40, b"", b"GIF89a" + bytes(500)]
    return [wrong[n // 20 % 3] if n % 20 == 19 else pictures[n % SHOWN] for n in range(count)]


def judged(data: list[bytes]) -> int:
    """Return how many are refused."""
    refused = 0
    for one in data:
        try:
            open_gated(one, PICTURE_LIMITS).close()
        except Unreadable:
            refused += 1
    return refused


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    data = files(options.files)
    parts = [data[n :: options.processes] for n in range(options.processes)]
    with ProcessPoolExecutor(options.processes) as pool:
        list(pool.map(judged, [part[:1] for part in parts]))
        started = time.perf_counter()
        refused = sum(pool.map(judged, parts))
        took = time.perf_counter() - started
    print(f"{len(data):,} files, {refused:,} refused, {took:.2f} s: {len(data) / took:,.0f} files a second")


if __name__ == "__main__":
    main()
