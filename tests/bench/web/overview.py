"""The overview of a project with a million assets and five million answers, and a first page with 2,000 pools.

Run: nice -n 10 .venv/bin/python tests/bench/web/overview.py [assets] [answers]
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

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

ASSETS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
ANSWERS = int(sys.argv[2]) if len(sys.argv) > 2 else 5 * ASSETS
PAGE, CLASSES, WORKERS = 10, 18, 5_000
OTHER_PROJECTS, POOLS_EACH = 49, 40
ROUNDS, AIM_MS = 40, 100


def load_others(lead: Any) -> None:
    """Add projects with pools; their counts are written straight into the sums."""
    from django.db import connection

    from curation.models import LabelClass
    from tests.bench.load.rows import a_project, pool_of

    for number in range(OTHER_PROJECTS):
        project = a_project(f"Campaign {number}", lead)
        boxes = project.stages.get(name="boxes").pk
        for place in range(POOLS_EACH):
            label = LabelClass.objects.create(project=project, index=place + 1, name=f"thing-{place}")
            pool_of(project, boxes, "boxes", label)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO crowd_tally (of_kind, of_id, minutes, word, slot, n) "
            "SELECT 'batch', b.id, 0, word, 0, b.id % 900 + 1 FROM crowd_batch b, unnest(ARRAY['answers.accepted', "
            "'answers.submitted', 'tasks.asked', 'pages.sent', 'pages.accepted', 'pages.rejected', 'pages.ms']) word "
            "ON CONFLICT DO NOTHING"
        )
        cursor.execute("ANALYZE")


def times(client: Any, address: str) -> dict[str, Any]:
    """Return wall p50 and p95 and the process's own time in milliseconds; the first, cold call is left out."""
    body = client.get(address)
    assert body.status_code == 200, address
    took, ours = [], []
    for _ in range(ROUNDS):
        started, own = time.perf_counter(), time.process_time()
        client.get(address)
        took.append(1000 * (time.perf_counter() - started))
        ours.append(1000 * (time.process_time() - own))
    return {
        "p50_ms": round(statistics.median(took), 1),
        "p95_ms": round(sorted(took)[int(0.95 * ROUNDS)], 1),
        "own_ms": round(statistics.median(ours), 1),
        "kilobytes": round(len(body.content) / 1000),
    }


def measure(project: Any) -> dict[str, dict[str, Any]]:
    from django.test import Client
    from django.urls import reverse

    client = Client()
    lead = project.memberships.get().user
    client.force_login(lead)
    own = [project.public_id]
    pool = project.pools.filter(stage__name="boxes").first().pk
    addresses = {
        "overview": reverse("project", args=own),
        "overview, 24 h": reverse("project", args=own) + "?range=24h",
        "live numbers": reverse("live", args=own),
        "pools of the project": reverse("pools", args=own),
        "one pool": reverse("pool", args=[*own, pool]),
        "first page, 36 pools": "/",
        "palette, a pool's name": f"{reverse('palette')}?q=boxes&p={project.public_id}",
        "palette, a name nobody has": f"{reverse('palette')}?q=nothing-of-it&p={project.public_id}",
    }
    found = {}
    for name, address in addresses.items():
        found[name] = show(name, times(client, address))
    load_others(lead)
    pools = OTHER_PROJECTS * POOLS_EACH + project.pools.count()
    for name, query in {
        "": "",
        ", by time left": "?sort=left",
        ", page 20": "?page=20",
        ", found": "?q=thing-3",
    }.items():
        found[f"first page, {pools:,} pools{name}"] = show(
            f"first page, {pools:,} pools{name}", times(client, f"/{query}")
        )
    return found


def show(name: str, row: dict[str, Any]) -> dict[str, Any]:
    print(f"  {name:<42}{row['p50_ms']:8.1f} /{row['p95_ms']:7.1f}{row['own_ms']:8.1f}{row['kilobytes']:8}", flush=True)
    return row


def main() -> int:
    from tests.bench.ground import database
    from tests.bench.load.rows import Size, load

    with tempfile.TemporaryDirectory() as folder, database(folder, durable=False):
        from django.conf import settings

        settings.ALLOWED_HOSTS = ["testserver"]
        print(f"pages over {ASSETS:,} assets, {ANSWERS:,} answers; {platform.machine()}, {os.cpu_count()} cores")
        began = time.perf_counter()
        project = load(Size(ASSETS, ANSWERS, WORKERS, CLASSES, PAGE))
        print(f"  loaded in {time.perf_counter() - began:.0f} s")
        print(f"  {'ms of the server':<42}{'p50':>8} /{'p95':>7}{'own':>8}{'kB':>8}")
        found = measure(project)
    out = ROOT / "var" / "bench" / "web-overview.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"assets": ASSETS, "answers": ANSWERS, "took": found}, indent=2), encoding="utf-8")
    return int(found["overview"]["p95_ms"] > AIM_MS)


if __name__ == "__main__":
    raise SystemExit(main())
