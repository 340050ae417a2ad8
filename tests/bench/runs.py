"""Adding up stored answers again: images a second while a run is applied and taken back, and what a fit takes.

Run: .venv/bin/python tests/bench/runs.py [images]
"""

from __future__ import annotations

import json
import os
import platform
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

IMAGES = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
PEOPLE, ANSWERS, BOXES = 40, 5, 2


def answer_all(project: Any, n: int) -> None:
    """Store five answers with two boxes to each image; edges off by 2 % of a box, one object in ten missed."""
    from curation.models import Asset, Box
    from tests.bench.ground import bare_answers

    rng, boxes = random.Random(7), project.stages.get(kind="boxes")
    waits = project.stages.get(kind="aggregate")
    images = Asset.objects.bulk_create(
        Asset(
            project=project,
            stage=waits,
            sha256=number.to_bytes(32, "big"),
            storage_key=f"bench-{number}.jpg",
            width=1000,
            height=1000,
        )
        for number in range(n)
    )
    rows = bare_answers(boxes, images, people=PEOPLE, answers=ANSWERS, rng=rng)
    Box.objects.bulk_create(
        (
            Box(
                annotation=row,
                seq=seq,
                label="gesture",
                x=0.1 + 0.45 * seq + rng.gauss(0, 0.005),
                y=0.3 + rng.gauss(0, 0.005),
                w=0.25 + rng.gauss(0, 0.005),
                h=0.3 + rng.gauss(0, 0.005),
            )
            for row in rows
            for seq in range(BOXES)
            if rng.random() > 0.1
        ),
        batch_size=5_000,
    )


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure(n: int) -> dict[str, float]:
    from curation.models import ConsensusRun
    from curation.services.consensus import fits, runs
    from tests.crowd.market import NOON
    from tests.engine import answered

    project = answered.project()
    answer_all(project, n)
    stage, source = answered.stage(project), answered.stage(project, "boxes")
    found = {"add up what arrives": seconds(lambda: answered.work(project, "aggregate"))}
    found["apply another threshold"] = seconds(lambda: answered.apply(project, iou=0.8))
    found["fit"] = seconds(lambda: fits.refit(source=source, now=NOON))
    found["apply reliability"] = seconds(lambda: answered.apply(project, method="reliability"))
    first = ConsensusRun.objects.get(stage=stage, number=1)
    found["go back"] = seconds(lambda: answered.finished(runs.go_back(run=first, by=None, now=NOON)))
    return found


def main() -> int:
    from tests.bench.ground import database

    with tempfile.TemporaryDirectory() as folder, database(folder, durable=False):
        found = measure(IMAGES)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"machine: {platform.machine()}, {os.cpu_count()} cores; {IMAGES:,} images × {ANSWERS} × {BOXES} boxes, drawn"
    )
    for name, took in found.items():
        print(f"{name:<26}{took:>8.1f} s{IMAGES / took:>10,.0f} images/s")
    print(f"most memory of the process: {memory:,} MB")
    out = ROOT / "var" / "bench" / "runs.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    rows = {name: round(took, 2) for name, took in found.items()}
    out.write_text(json.dumps({"images": IMAGES, "seconds": rows, "memory_mb": memory}, indent=2), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
