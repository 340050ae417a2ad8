"""How fast pages told by a platform come in: 10,000 pages of one task each, and the same again. `make bench` runs it.

Each page brings a worker's answer, is counted, charged with its fee, and its acceptance is planned for the platform.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

PAGES, WORKERS, PRICE = 10_000, 400, 30_000
AIM = 5_000
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def a_batch(n: int) -> Any:
    """Make a batch on a platform that takes a fifth, with one task for each page."""
    from crowd.models import Batch, Task
    from crowd.platforms import registry
    from crowd.services import publishing
    from tests.crowd import market

    registry.PLATFORMS["stub"] = "tests.crowd.remote:Stub"
    registry.elsewhere.cache_clear()
    fields = {"remote_id": "far", "price_micro": PRICE, "auto_accept": True}
    batch = market.batch("choice", at=market.account("stub"), project_id=market.budget(10_000), **fields)
    rows = [
        Task(batch=batch, key=f"task-{i}", project_id=batch.project_id, overlap=1, remote_id=str(i)) for i in range(n)
    ]
    Task.objects.bulk_create(rows, batch_size=2_000)
    publishing.fit_hold(batch=batch)
    return Batch.objects.select_related("account").get(pk=batch.pk)


def told(n: int, name: str = "page") -> list[Any]:
    from crowd.platforms.base import RemoteAssignment

    return [
        RemoteAssignment(
            ext_id=f"{name}--{i:08d}--5f0b7f2a91c3",
            worker_ext_id=f"worker-{i % WORKERS}",
            state="submitted",
            price_micro=PRICE,
            submitted_at=NOON + timedelta(milliseconds=i),
            answers={f"task-{i}": {"answer": "correct"}},
            issued_at=NOON - timedelta(minutes=1),
        )
        for i in range(n)
    ]


def take(batch: Any, pages: list[Any]) -> dict[str, Any]:
    from crowd.services import inbox

    wall, cpu = time.perf_counter(), time.process_time()
    taken = inbox.take(batch=batch, pages=pages, now=NOON)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "seconds": round(wall, 3),
        "seconds of Python": round(cpu, 3),
        "pages a second": round(len(pages) / wall),
        "inserted": taken.inserted,
        "matched": taken.matched,
    }


def measure() -> dict[str, Any]:
    from crowd.models import LedgerEntry, OutboxCommand
    from crowd.services import rollups

    batch = a_batch(PAGES)
    pages = told(PAGES)
    result = {"first": take(batch, pages)}
    started = time.perf_counter()
    rollups.fold(now=NOON)
    result["first"]["seconds to fold the counts"] = round(time.perf_counter() - started, 3)
    before = LedgerEntry.objects.count(), OutboxCommand.objects.count()
    result["replay"] = take(batch, pages)
    result["replay"]["rows added"] = LedgerEntry.objects.count() + OutboxCommand.objects.count() - sum(before)
    return result


def main() -> int:
    from tests.bench.ground import database

    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as folder, database(folder, redis=False):
        result: dict[str, Any] = {
            "machine": f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}",
            "data": f"{PAGES} pages of one task by {WORKERS} workers, charged with fee, embedded PostgreSQL, fsync on",
            "command": "python tests/bench/pull.py",
            "aim": f"{AIM} pages a second at first, no row added by the replay",
            **measure(),
        }
    text = json.dumps(result, indent=1)
    target = ROOT / "var" / "bench" / "pull.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")
    return 1 if result["replay"]["rows added"] else 0


if __name__ == "__main__":
    sys.exit(main())
