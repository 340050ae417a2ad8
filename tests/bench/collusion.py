"""Looking for pairs who are wrong together among 35,000 workers: seconds, memory, planted rings found.

Run: .venv/bin/python tests/bench/collusion.py [answers]
"""

import json
import os
import platform
import resource
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from crowd.quality.collusion import Sheet, rings, wrong_together  # noqa: E402

WORKERS, OPTIONS, CONTROLS, EACH = 35_000, 5, 200, 10
RINGS, RING, SHARED = 40, 5, 30
MOST_SECONDS, MOST_MB = 20.0, 1_500.0


def simulated(answers: int, rng: np.random.Generator) -> tuple[Sheet, np.ndarray]:
    """A long-tailed crowd: control tasks that thousands answer, votes by five, and rings that copy each other."""
    skill = rng.beta(18, 2.5, WORKERS)
    control_worker = np.repeat(np.arange(WORKERS), EACH)
    control_task = rng.integers(CONTROLS, size=len(control_worker))
    votes = max(0, answers - len(control_worker) - RINGS * RING * SHARED)
    activity = rng.lognormal(0, 1.4, WORKERS)
    vote_worker = rng.choice(WORKERS, votes, p=activity / activity.sum())
    vote_task = CONTROLS + np.arange(votes) // 5
    worker, task = np.concatenate([control_worker, vote_worker]), np.concatenate([control_task, vote_task])
    pairs = np.unique(np.stack([worker, task]), axis=1)
    worker, task = pairs
    truth = rng.integers(OPTIONS, size=CONTROLS + votes + RINGS * SHARED)
    given = _given(rng.random(len(worker)) < skill[worker], truth[task], rng)
    member = rng.permutation(WORKERS)[: RINGS * RING].reshape(RINGS, RING)
    own_task = CONTROLS + votes + np.arange(RINGS * SHARED).reshape(RINGS, SHARED)
    copied = _given(rng.random((RINGS, SHARED)) < 0.6, truth[own_task], rng)
    worker = np.concatenate([worker, np.repeat(member, SHARED, axis=1).ravel()])
    task = np.concatenate([task, np.tile(own_task, RING).ravel()])
    given = np.concatenate([given, np.tile(copied, RING).ravel()])
    return Sheet(worker, task, given, truth[task], OPTIONS), member


def _given(right: np.ndarray, truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.where(right, truth, (truth + rng.integers(1, OPTIONS, size=truth.shape)) % OPTIONS)


def main() -> int:
    answers = int(sys.argv[1]) if len(sys.argv) > 1 else 500_000
    sheet, member = simulated(answers, np.random.default_rng(7))
    start = time.process_time()
    found = wrong_together(sheet)
    seconds = time.process_time() - start
    ring_of = {int(one): ring for ring, people in enumerate(member) for one in people}
    honest = sum(ring_of.get(pair.one, -1) != ring_of.get(pair.other, -2) for pair in found.pairs)
    groups = rings((pair.one, pair.other) for pair in found.pairs)
    whole = sum(len({groups.get(int(one)) for one in people} - {None}) == 1 for people in member)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"machine: {platform.machine()}, {os.cpu_count()} cores; command: tests/bench/collusion.py {answers}")
    print(f"data: {len(sheet):,} answers of {WORKERS:,} workers, {CONTROLS} control tasks, {RINGS} rings of {RING}")
    print(f"{seconds:.2f} CPU seconds, {memory:,.0f} MB at most; {found.tested:,} pairs count as tested")
    print(f"{whole} of {RINGS} rings found, {len(found.pairs):,} pairs, {honest} of them honest")
    out = ROOT / "var" / "bench" / "collusion.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    told = {"seconds": seconds, "mb": memory, "answers": len(sheet), "pairs": len(found.pairs), "honest": honest}
    out.write_text(json.dumps(told, indent=2), encoding="utf-8")
    return int(seconds > MOST_SECONDS or memory > MOST_MB or honest > 0.01 * len(found.pairs))


if __name__ == "__main__":
    sys.exit(main())
