"""How often a rehearsed campaign costs what its outlook said when a fifth of it was published.

Each campaign goes through the real services, without pictures, with a crowd of its own: how often its people slip
differs from campaign to campaign by a lognormal factor, which nobody tells the outlook.

Run: .venv/bin/python tests/bench/final_cost.py [campaigns] [photos]
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

DONE_OF_IT = 0.2
COVERED = (0.85, 0.95)
CROWDS_DIFFER = 0.3  # standard deviation of the logarithm: two thirds of crowds slip 0.74 to 1.35 times as often
MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Judged:
    """Micro-units: what was said in 5, 50 and 95 of 100 such cases, and what it was."""

    low: float
    middle: float
    high: float
    truth: int

    @property
    def is_within(self) -> bool:
        return self.low <= self.truth <= self.high

    @property
    def error(self) -> float:
        return abs(self.middle / self.truth - 1)

    @property
    def width(self) -> float:
        return (self.high - self.low) / self.middle


def judged(seed: int, photos: int) -> Judged:
    """Rehearse a campaign, ask for its outlook on the way, and compare with its end."""
    from crowd.rehearsal.darkrooms import PLANTED
    from curation.engine.crowds import OwnCrowd
    from curation.engine.market_accounts import account_for
    from curation.engine.rehearsal_driver import Driver, commits_later
    from curation.engine.rehearsal_setup import prepare
    from curation.engine.wish import Wish
    from curation.services import jobs
    from curation.services.outlook import outlook_of_project
    from curation.services.overview import project_numbers

    wish = Wish("gestures", seed, photos, {}, pictures=False, classes=("ok",))
    said = None
    with jobs.moved_by_hand(), commits_later():
        project = prepare(wish)
        crowd = OwnCrowd(account_for(project, "rehearsal"), PLANTED)
        let_slip(crowd, seed)
        driver = Driver(project, crowd, wish, None)
        while not driver.turn():
            if said is None and driver.accepted() >= DONE_OF_IT * photos:
                now = driver.crowd.row().clock
                told = outlook_of_project(project, project_numbers(project=project, now=now))
                said = told.micro if told else None
        driver.finish()
        truth = project_numbers(project=project, now=driver.crowd.row().clock).spent.spent_micro
    if said is None:
        raise ValueError(f"Nothing was said of the campaign with seed {seed}.")
    return Judged(said.p5, said.p50, said.p95, truth)


def let_slip(crowd: Any, seed: int) -> None:
    """Give a crowd that has not begun its own share of slips."""
    from crowd.rehearsal.models import RehearsalCrowd
    from crowd.rehearsal.people import CARELESS_SLIPS, HONEST_SLIPS, MOST

    factor = float(np.random.default_rng([14, seed]).lognormal(0, CROWDS_DIFFER))
    row = crowd.row()
    slips = {
        name: {sort: min(MOST, chance * factor) for sort, chance in asdict(usual).items()}
        for name, usual in (("honest_slips", HONEST_SLIPS), ("careless_slips", CARELESS_SLIPS))
    }
    assert RehearsalCrowd.objects.filter(pk=row.pk, step=0).update(mix={**row.mix, **slips}) == 1


def main() -> int:
    from tests.bench.ground import database

    campaigns, photos = (int(text) for text in (*sys.argv[1:3], *("200", "60")[len(sys.argv) - 1 :]))
    began, found = time.monotonic(), []
    with tempfile.TemporaryDirectory() as folder, database(folder, durable=False):
        for seed in range(1, campaigns + 1):
            one = judged(seed, photos)
            found.append(one)
            dollars = ", ".join(f"{micro / MICRO:.2f}" for micro in (one.low, one.middle, one.high, one.truth))
            print(f"{seed}: said and was {dollars}; {time.monotonic() - began:.0f} s", flush=True)
    figures = {
        "campaigns": campaigns,
        "photos": photos,
        "cores": os.cpu_count(),
        "covered": sum(one.is_within for one in found) / campaigns,
        "median_error": statistics.median(one.error for one in found),
        "median_width": statistics.median(one.width for one in found),
        "seconds": round(time.monotonic() - began, 1),
    }
    print(", ".join(f"{name} {value:.4g}" for name, value in figures.items()))
    out = ROOT / "var" / "bench" / "final_cost.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(figures, indent=2), encoding="utf-8")
    return int(not COVERED[0] <= figures["covered"] <= COVERED[1])


if __name__ == "__main__":
    sys.exit(main())
