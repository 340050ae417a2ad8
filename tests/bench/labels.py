"""Methods of labels on a simulated crowd: how often right, and how long 600,000 votes take.

Run: .venv/bin/python tests/bench/labels.py [tasks]
"""

import json
import os
import platform
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from aggregation import LabelSettings, aggregate_labels  # noqa: E402
from tests.aggregation.simulated_votes import Crowd, share_right, simulated  # noqa: E402

SEEDS = range(3)
MOST_SECONDS = 12.0
FIVE = LabelSettings(label_count=5)
RUNS = {
    "majority": ("majority", FIVE),
    "one-coin": ("one-coin", FIVE),
    "dawid-skene": ("dawid-skene", FIVE),
    "dawid-skene, weak prior": ("dawid-skene", LabelSettings(label_count=5, prior_votes=0.1)),
}


def measured() -> dict[str, float]:
    right = dict.fromkeys(RUNS, 0.0)
    for seed in SEEDS:
        votes, truth = simulated(seed, Crowd())
        for name, (method, settings) in RUNS.items():
            right[name] += share_right(aggregate_labels(votes, settings, method), truth) / len(SEEDS)
    return right


def timed(tasks: int) -> dict[str, float]:
    votes, _ = simulated(0, Crowd(tasks=tasks, workers=tasks // 25))
    seconds = {}
    for name, (method, settings) in RUNS.items():
        start = time.process_time()
        aggregate_labels(votes, settings, method)
        seconds[name] = time.process_time() - start
    return seconds


def main() -> int:
    tasks = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    right, seconds = measured(), timed(tasks)
    print(f"machine: {platform.machine()}, {os.cpu_count()} cores; command: tests/bench/labels.py {tasks}")
    print(f"data: simulated, 5 classes, 3 votes a task, 12 % clickers; right: 20,000 tasks, seeds 0-{SEEDS[-1]}")
    print(f"{'method':<26}{'right':>8}{f'CPU seconds, {3 * tasks:,} votes':>32}")
    for name, share in right.items():
        print(f"{name:<26}{share:>8.4f}{seconds[name]:>32.1f}")
    out = ROOT / "var" / "bench" / "labels.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"right": right, "seconds": seconds, "votes": 3 * tasks}, indent=2), encoding="utf-8")
    return int(max(seconds.values()) > MOST_SECONDS)


if __name__ == "__main__":
    raise SystemExit(main())
