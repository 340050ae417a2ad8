"""How fast tasks go from the outbox to Toloka: 100,000, to an emulator in a process of its own. `make bench` runs it.

Client and emulator share the processors of this machine. The emulator's quotas are on and its operations take their
usual half second; a request over a quota would be a fault.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.bench.ground import database  # noqa: E402

TASKS, LEAST = 100_000, 2_000
PATIENCE = 600.0


def a_batch(url: str, token: str) -> Any:
    """Make a batch of the emulator's account, with tasks that nobody knows there yet."""
    from crowd.models import Batch, Task
    from crowd.secrets import Secrets
    from tests.crowd import market

    account = market.account("toloka")
    account.base_url, account.secrets, account.commission_percent = url, Secrets(token=token), 20
    account.save()
    batch = market.batch("choice", at=account, project_id=market.budget(1_000_000), page_size=1, price_micro=10_000)
    Batch.objects.filter(pk=batch.pk).update(remote_id="", published_at=None)
    rows = [Task(batch=batch, project_id=batch.project_id, overlap=1, to_push=True, **task(n)) for n in range(TASKS)]
    Task.objects.bulk_create(rows, batch_size=2_000)
    return Batch.objects.select_related("account").get(pk=batch.pk)


def task(number: int) -> dict[str, Any]:
    payload = {"class": "peace", "image_key": f"screen/{number:032x}.jpg", "sha256": f"{number:064x}"}
    return {"key": f"asset-{number}", "payload": payload}


def pushed(batch: Any) -> dict[str, Any]:
    """Plan and send everything, as the job does: what is due at once, what the platform is still at when it is."""
    from crowd.clock import database_now
    from crowd.models import OutboxCommand, Task
    from crowd.services import dispatch, publishing

    started = time.perf_counter()
    publishing.publish(batch=batch)
    planned = time.perf_counter() - started
    mine = OutboxCommand.objects.filter(batch_id=batch.pk).exclude(state=OutboxCommand.State.DONE)
    while mine.exists():
        if not dispatch.drain(now=database_now(), account_id=batch.account_id):
            time.sleep(0.05)
        assert time.perf_counter() - started < PATIENCE, list(mine.values_list("kind", "state", "last_error"))
    seconds = time.perf_counter() - started
    return {
        "seconds": round(seconds, 1),
        "seconds of planning": round(planned, 1),
        "tasks per second": round(TASKS / seconds),
        "tasks known here by their id there": Task.objects.filter(batch=batch).exclude(remote_id="").count(),
    }


def measured() -> dict[str, Any]:
    from tests.faults.sides import emulator

    with emulator(seed="push", population=1) as far:
        found = pushed(a_batch(far.url, far.token))
        requests = far.door("GET", "/requests")
        found["tasks there"] = far.door("GET", "/")["tasks"]
        found["requests"] = len(requests)
        found["requests over a quota"] = sum(one["outcome"].startswith("429") for one in requests)
    return found


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as folder, database(folder, redis=False):
        logging.disable(logging.INFO)
        found = measured()
    machine = f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}"
    text = json.dumps({"machine": machine, "tasks": TASKS, "command": "python tests/bench/push.py", **found}, indent=1)
    target = ROOT / "var" / "bench" / "push.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")
    whole = found["tasks there"] == found["tasks known here by their id there"] == TASKS
    return 0 if whole and not found["requests over a quota"] and found["tasks per second"] >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
