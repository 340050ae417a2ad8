"""Campaigns of 2,000 pages through the Toloka adapter, with broken calls and kill -9 of workers, seed after seed.

The product is the real one under `up`; every seed has an emulator of its own, and its books are the judge: pages lost,
pages or bonuses paid twice, ledger against books to the micro-unit, `reconcile`. It takes minutes a seed, so `make
bench` runs two seeds; `python tests/bench/faults.py --seeds 20` runs all.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.faults.campaign import Campaign, Outcome, Plan, strained  # noqa: E402
from tests.faults.sides import FAULTS, RARE, Product, emulator, product  # noqa: E402

FAULTS_IN_WORDS = "of all calls 5 % dropped, 5 % 500, 5 % 429, 1 % a page of HTML, 1 % silent for 30 s"
FINISHED_WITHIN = 60.0  # seconds after the last kill


def one(ours: Product, plan: Plan, population: int) -> Outcome:
    with emulator(seed=str(plan.seed), population=population, faults=FAULTS) as far:
        strained(far, RARE)
        campaign = Campaign(ours, far, plan)
        campaign.begin()
        return campaign.run()


def measured(asked: argparse.Namespace) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="winnow-faults-") as folder, product(Path(folder) / "var") as ours:
        for seed in range(asked.first, asked.first + asked.seeds):
            outcome = one(ours, Plan(seed, asked.pages, asked.kills, asked.photos), max(16, asked.pages // 30))
            found.append(outcome.as_json())
            sys.stderr.write(f"{json.dumps(found[-1])}\n")
            written(asked, found)
    return found


def written(asked: argparse.Namespace, found: list[dict[str, Any]]) -> str:
    """Write what is known so far: a run over many seeds may be stopped."""
    slowest = max((one["seconds_after_the_last_kill"] for one in found), default=0.0)
    text = json.dumps(
        {
            "machine": f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}",
            "plan": f"{asked.pages} pages, {asked.kills} kills, {FAULTS_IN_WORDS}",
            "seeds": len(found),
            "seeds with anything wrong": sum(bool(one["wrong"]) for one in found),
            "kills": sum(one["kills"] for one in found),
            "pages": sum(one["pages"] for one in found),
            "most seconds from the last kill to the end": slowest,
            "at": time.strftime("%Y-%m-%d %H:%M"),
            "each": found,
        },
        indent=1,
    )
    target = ROOT / "var" / "bench" / "faults.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text + "\n", encoding="utf-8")
    return text


def main() -> int:
    reader = argparse.ArgumentParser()
    for name, usual in (("seeds", 2), ("first", 1), ("pages", 2_000), ("kills", 10), ("photos", 6)):
        reader.add_argument(f"--{name}", type=int, default=usual)
    asked = reader.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that product and emulator end with us
    found = measured(asked)
    sys.stdout.write(written(asked, found) + "\n")
    late = [one for one in found if one["seconds_after_the_last_kill"] > FINISHED_WITHIN]
    return 1 if late or any(one["wrong"] for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
