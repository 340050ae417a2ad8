"""How fast tasks go to Toloka and pages come from it: the adapter over HTTP against the emulator. `make bench` runs it.

Client and emulator share the processors of this machine, so the platform's work is in the figures, too.
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

TASKS, A_PUSH, PAGES = 20_000, 5_000, 10_000
LEAST_PUSHED, LEAST_PULLED = 2_000, 5_000


def spec() -> Any:
    from crowd.platforms.base import BatchSpec
    from tests.crowd.market import SPECS

    return BatchSpec(
        key="bench",
        kind="main",
        interface="choice",
        title="Is this the sign?",
        spec=SPECS["choice"],
        page_size=1,
        overlap=1,
        price_micro=10_000,
        auto_accept=False,
        project_id=1,
        pool_id=1,
        stage_id=1,
    )


def task(number: int) -> Any:
    from crowd.platforms.base import TaskSpec

    picture = f"https://winnow.example/x/media/screen/{number:032x}.jpg:{number:043d}"
    return TaskSpec(key=f"asset-{number}", payload={"class": "peace", "image": picture, "sha256": f"{number:064x}"})


def pushed(adapter: Any, account: Any, remote_id: str) -> float:
    """Return tasks a second."""
    chunks = [[task(first + number) for number in range(A_PUSH)] for first in range(0, TASKS, A_PUSH)]
    started = time.perf_counter()
    for number, chunk in enumerate(chunks):
        receipt = adapter.push_tasks(account, remote_id, chunk, f"push-{number}")
        assert receipt.created == A_PUSH, receipt.refused
    return TASKS / (time.perf_counter() - started)


def worked(emulator: Any, account: Any, pool_id: str) -> None:
    """Let one worker hand in page after page; he needs no wire."""
    from tests.crowd import bench_toloka

    who = bench_toloka.worker(account)
    for _ in range(PAGES):
        page = emulator.floor.take(who, pool_id)
        emulator.floor.hand_in(page.assignment_id, [{"answer": "correct"}])


def pulled(adapter: Any, account: Any, remote_id: str, mark: str = "") -> tuple[float, int, str]:
    started, count, more = time.perf_counter(), 0, True
    while more:
        page = adapter.pull(account, remote_id, mark)
        count, mark, more = count + len(page.assignments), page.watermark, page.more
    return time.perf_counter() - started, count, mark


def measured() -> dict[str, Any]:
    from crowd.platforms.registry import platform as adapter_of
    from tests.crowd import bench_toloka

    account = bench_toloka.account(quotas=False)
    adapter = adapter_of("toloka")
    remote_id = adapter.ensure_batch(account, spec())
    push_rate = pushed(adapter, account, remote_id)
    adapter.open(account, remote_id, None)  # type: ignore[arg-type]  # the platform has a clock of its own
    worked(bench_toloka.emulator(account), account, remote_id)
    seconds, count, mark = pulled(adapter, account, remote_id)
    again, told_again, _ = pulled(adapter, account, remote_id, mark)
    return {
        "tasks pushed per second": round(push_rate),
        "pages pulled": count,
        "pages pulled per second": round(count / seconds),
        "pages told again after ten busy minutes": told_again,
        "seconds of that": round(again, 2),
    }


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, database(folder, redis=False):
        logging.disable(logging.INFO)
        found = measured()
    machine = f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}"
    text = json.dumps({"machine": machine, "tasks": TASKS, **found}, indent=1)
    target = ROOT / "var" / "bench" / "toloka_wire.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")
    fast = found["tasks pushed per second"] >= LEAST_PUSHED and found["pages pulled per second"] >= LEAST_PULLED
    return 0 if fast else 1


if __name__ == "__main__":
    sys.exit(main())
