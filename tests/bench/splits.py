"""Splits of 500,000 images: grouping by who sent them and by duplicates, and dealing the groups out by class.

Run: .venv/bin/python tests/bench/splits.py [images]
"""

import json
import os
import platform
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from curation.datasets.splitting import chi_squares, deal, grouped  # noqa: E402

SHARES = {"train": 0.76, "val": 0.09, "test": 0.15}
PEOPLE, CLASSES, PAIRS = 34_730, 18, 5_000
MOST_SECONDS = 3.0


def main() -> int:
    images = int(sys.argv[1]) if len(sys.argv) > 1 else 500_000
    rng = np.random.default_rng(7)
    worker = rng.integers(0, PEOPLE, images)
    pairs = rng.integers(0, images, (PAIRS, 2))
    classes = rng.integers(0, CLASSES, images).tolist()
    names = [f"{number:032x}" for number in range(images)]
    start = time.process_time()
    together = grouped(images, [worker], pairs, rng.random(images))
    middle = time.process_time()
    groups = together.groups.tolist()
    dealt = deal(groups, names, shares=SHARES, seed=7, classes=classes)
    seconds = {"grouping": middle - start, "dealing": time.process_time() - middle}
    parts = Counter(dealt.splits[group] for group in groups)
    counts: dict[str, Counter[str]] = {}
    for group, label in zip(groups, classes, strict=True):
        counts.setdefault(str(label), Counter())[dealt.splits[group]] += 1
    worst = max(chi_squares(counts, SHARES).values())
    print(f"machine: {platform.machine()}, {os.cpu_count()} cores; command: tests/bench/splits.py {images}")
    print(
        f"data: {images:,} images of {PEOPLE:,} people, {CLASSES} classes, {PAIRS:,} pairs of duplicates across people"
    )
    print(f"{'grouping':<12}{seconds['grouping']:>8.2f} CPU seconds, {len(dealt.splits):,} groups, "
          f"{len(together.left_out):,} left out")  # fmt: skip
    told = ", ".join(f"{part} {n / images:.4f}" for part, n in parts.items())
    print(f"{'dealing':<12}{seconds['dealing']:>8.2f} CPU seconds, {told}, worst chi-square {worst:.4f}")
    out = ROOT / "var" / "bench" / "splits.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"seconds": seconds, "images": images, "chi_square": worst}, indent=2), encoding="utf-8")
    return int(sum(seconds.values()) > MOST_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
