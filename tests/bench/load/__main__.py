"""Many rows, and pages and lists that one signed-in lead reads, four at a time. `make bench-load` runs it.

Run: python -m tests.bench.load [--assets 1000000] [--requests 400] [--callers 4]; answers are five times the assets.
Rows are written by statements of the database alone; requests go through the real server, over HTTP.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

WORKERS, LIMIT_MS, SEED = 35_000, 200, 1
COUNTED = ("curation_asset", "crowd_answer", "crowd_assignment", "crowd_worker", "curation_pool", "crowd_ledgerentry")


def addresses(project: Any) -> dict[str, str]:
    from django.urls import reverse

    own = {
        name: reverse(name, args=[project.public_id])
        for name in ("project", "pools", "assets", "workers", "review", "money")
    }
    api = f"/api/v1/assets?project={project.public_id}&limit=30"
    return {**own, "first page": "/", "API: assets": api, "API: published": f"{api}&state=published"}


def asked(base: str, project: Any, requests: int, callers: int) -> dict[str, Any]:
    """Let so many callers ask for addresses in a drawn order; return the times of each and what went wrong."""
    import httpx
    from django.test import Client

    client = Client()
    client.force_login(project.memberships.get().user)
    cookies = {"sessionid": client.cookies["sessionid"].value}
    places = list(addresses(project).items())
    drawn = random.Random(SEED).choices(places, k=requests)
    took: dict[str, list[float]] = defaultdict(list)
    wrong: list[str] = []

    def call(place: tuple[str, str]) -> None:
        name, path = place
        began = time.perf_counter()
        answer = http.get(path)
        took[name].append(1000 * (time.perf_counter() - began))
        if answer.status_code != 200:
            wrong.append(f"{name}: {answer.status_code}")

    with httpx.Client(base_url=base, cookies=cookies, timeout=120, trust_env=False) as http:
        for place in places:  # the first, cold call of each is left out
            call(place)
        took.clear()
        began = time.perf_counter()
        with ThreadPoolExecutor(callers) as threads:
            list(threads.map(call, drawn))
        seconds = time.perf_counter() - began
    everything = sorted(one for times in took.values() for one in times)
    return {
        "requests a second": round(requests / seconds, 1),
        "p50_ms": round(statistics.median(everything), 1),
        "p95_ms": round(everything[int(0.95 * len(everything))], 1),
        "by address, p50_ms": {name: round(statistics.median(times), 1) for name, times in sorted(took.items())},
        "not 200": wrong,
    }


def rows() -> dict[str, int]:
    from django.db import connection

    with connection.cursor() as cursor:
        found = {}
        for table in COUNTED:
            cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608  names of our own
            found[table] = cursor.fetchone()[0]
    return found


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


def main() -> int:
    reader = argparse.ArgumentParser()
    for name, usual in (("assets", 1_000_000), ("requests", 400), ("callers", 4)):
        reader.add_argument(f"--{name}", type=int, default=usual)
    wanted = reader.parse_args()
    sys.argv[1:] = [str(wanted.assets)]
    from tests.bench.ground import database
    from tests.bench.web import assets, overview

    overview.WORKERS = min(WORKERS, wanted.assets)
    with tempfile.TemporaryDirectory() as folder, database(folder, durable=False):
        from django.conf import settings

        settings.ALLOWED_HOSTS = ["testserver", "127.0.0.1"]
        began = time.perf_counter()
        project = overview.load()
        found: dict[str, Any] = {
            "machine": f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.0f}",
            "command": f"python -m tests.bench.load --assets {wanted.assets}",
            "rows": rows(),
            "seconds to load": round(time.perf_counter() - began),
        }
        with assets.served() as base:
            before = resident_mb()
            found |= asked(base, project, wanted.requests, wanted.callers)
            found["megabytes grown"] = round(resident_mb() - before, 1)
    text = json.dumps(found, indent=1)
    target = ROOT / "var" / "bench" / f"load-{wanted.assets}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")
    return int(bool(found["not 200"]) or found["p95_ms"] > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
