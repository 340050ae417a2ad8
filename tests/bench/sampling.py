"""How long a sample of 20,000 with five conditions takes over 300,000 images. `make bench` runs it.

The statement that reads and the choice are timed together, as the command and the page do them. It is judged by the
processor time of the process and of its database, which a busy machine does not change; the clock stands beside it.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

IMAGES, WANTED, ROUNDS = 300_000, 20_000, 5
AIM = 2.0
PLAN = """light: low 40%, normal 40%, bright 20%
resolution: hd 50%, full-hd 40%, 4k 10%
sharpness: 0..100 30%, 100..5000 70%
class: peace 50%, fist 50%
size: 0..500000 60%, 500001..9000000 40%"""
ROWS = """
INSERT INTO curation_asset (public_id, project_id, stage_id, state, media, name, source, licence, reason,
    label_class_id, width, height, bytes, brightness, sharpness, contrast, sha256, storage_key)
SELECT gen_random_uuid(), %(project)s, %(stage)s, 'published', 'image', '', '', '', '',
    CASE WHEN random() < 0.7 THEN %(peace)s ELSE %(fist)s END,
    size.width, size.width * 9 / 16, (random() * 2000000)::int, random() * 255, random() * 400, 50,
    sha256(n::text::bytea), n || '.jpg'
FROM generate_series(1, %(images)s) n, LATERAL (SELECT (ARRAY[1280, 1280, 1920, 3840])[1 + n %% 4] AS width) size
"""


def stock() -> Any:
    from django.db import connection

    from curation.models import LabelClass
    from tests.factories import make_project

    project = make_project()
    fist = LabelClass.objects.create(project=project, index=1, name="fist")
    peace = project.classes.get(name="peace")
    with connection.cursor() as cursor:
        about = {"project": project.pk, "stage": project.stages.get(kind="publish").pk, "images": IMAGES}
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(ROWS, {**about, "peace": peace.pk, "fist": fist.pk})
        cursor.execute("ANALYZE curation_asset")
        cursor.execute("SET statement_timeout = DEFAULT")
    return project


def measured() -> dict[str, Any]:
    from curation.services import sampling
    from curation.services.coverage import read_plan
    from tests.bench.ground import processor_seconds

    project, factors = stock(), read_plan(PLAN)
    seconds, busy, ids = [], [], set()
    for _ in range(ROUNDS):
        started, before = time.perf_counter(), processor_seconds()
        found = sampling.drawn(project=project, order=sampling.Order(factors, WANTED, query="state:published", seed=7))
        seconds.append(round(time.perf_counter() - started, 3))
        busy.append(round(processor_seconds() - before, 3))
        ids.add(tuple(found.asset_ids))
    off = max(abs(one.taken - one.wanted) for one in found.counts)
    times = {"seconds": seconds, "best": min(seconds), "processor": min(busy)}
    return {**times, "taken": len(found.asset_ids), "off": off, "same": len(ids) == 1}


def main() -> int:
    from tests.bench.ground import database

    with tempfile.TemporaryDirectory() as folder, database(folder):
        found = measured()
    print(f"{IMAGES:,} images, five conditions, {found['taken']:,} taken, {os.cpu_count()} cores")
    print(
        f"  best of {ROUNDS}: {found['processor']:.2f} s of processor time, the database's included "
        f"(at most {AIM:g} s), {found['best']:.2f} s on the clock"
    )
    print(f"  every value within {found['off']} of what is wanted; the same images each time: {found['same']}")
    target = ROOT / "var" / "bench" / "sampling.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({**found, "images": IMAGES, "machine": platform.machine()}, indent=2))
    return int(found["processor"] > AIM or not found["same"])


if __name__ == "__main__":
    raise SystemExit(main())
