"""How long the aggregation lab takes over 1,000 images with five answers each: a turned slider, the curve.

`make bench` runs it. What was laid out once stays laid out; every measured setting is a new one.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

IMAGES = 1_000
AIM_SLIDER = 1.0
SLIDER = ({"iou": "0.6"}, {"iou": "0.75"}, {"iou": "0.8"}, {"quorum": "0.8"}, {"max_drop": "1"})
OTHERS = {"median": {"method": "median"}, "reliability": {"method": "reliability"}}


def measure() -> dict[str, dict[str, float]]:
    from django.test import Client
    from django.urls import reverse

    from tests import scenes
    from tests.bench.runs import answer_all
    from tests.engine import answered

    project = answered.project()
    answer_all(project, IMAGES)
    answered.work(project, "aggregate")
    client = Client()
    client.force_login(scenes.person("Alice"))
    address = {name: reverse(name, args=[project.public_id]) for name in ("lab", "lab-results", "lab-curve")}
    found = {"first page": timed(client, address["lab"], {})}
    turned = [timed(client, address["lab-results"], settings) for settings in SLIDER]
    found["a turned slider"] = {part: statistics.median(one[part] for one in turned) for part in turned[0]}
    found["the curve and buying"] = timed(client, address["lab-curve"], {})
    found["the curve after another IoU"] = timed(client, address["lab-curve"], {"iou": "0.66"})
    found |= {f"method {name}": timed(client, address["lab-results"], one) for name, one in OTHERS.items()}
    return found


def timed(client: Any, address: str, settings: dict[str, str]) -> dict[str, float]:
    wall, ours = time.perf_counter(), time.process_time()
    assert client.get(address, settings).status_code == 200
    return {"seconds": time.perf_counter() - wall, "ours": time.process_time() - ours}


def main() -> int:
    from tests.bench.ground import database

    with tempfile.TemporaryDirectory() as folder, database(folder, durable=False):
        from django.conf import settings

        settings.ALLOWED_HOSTS = ["testserver"]
        found = measure()
    print(
        f"aggregation lab, {IMAGES:,} images × 5 answers × 2 boxes, drawn; {platform.machine()}, {os.cpu_count()} cores"
    )
    for name, took in found.items():
        print(f"  {name:<28}{took['seconds']:6.2f} s, {took['ours']:.2f} of them the process's own")
    out = ROOT / "var" / "bench" / "lab.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"images": IMAGES, "took": found}, indent=2), encoding="utf-8")
    return int(found["a turned slider"]["ours"] > AIM_SLIDER)


if __name__ == "__main__":
    raise SystemExit(main())
