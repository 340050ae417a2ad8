"""How far predictions of the end of pools and of their cost are off, where the truth is drawn.

Run: .venv/bin/python tests/bench/time_left.py [pools]
"""

import json
import os
import platform
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from crowd.rehearsal.arrivals import Rhythm  # noqa: E402
from crowd.rehearsal.collection import Terms, collect  # noqa: E402
from crowd.rehearsal.population import Population  # noqa: E402
from curation.economics.final_cost import StageAhead, draw_final_cost, uneven_answers  # noqa: E402
from curation.economics.time_left import Goal, Quantiles, draw_hours, pace_of  # noqa: E402
from curation.economics.week import HOURS, Week  # noqa: E402

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
CROWD, NOISE, SEED = Population(), 0.25, 5_000
WANTED, EVERYTHING = 10_000, 10_000_000
WEEKS_BEFORE, HOURS_SEEN, LONGEST = 4, 8, 1_000
DELIVERED, DONE_OF_IT = 2_000, 0.2
MOST_ERROR, COVERED = 0.12, (0.85, 0.95)


def hidden_rhythm(chance: np.random.Generator) -> Rhythm:
    """Draw when a crowd is awake: a peak at any hour, a swing, weekends that are quieter or busier, uneven hours."""
    return Rhythm(
        amplitude=float(chance.uniform(0.3, 0.8)),
        peak_hour=float(chance.uniform(0, 24)),
        weekend=float(chance.uniform(0.6, 1.3)),
        hourly_noise=NOISE,
    )


def judge_time_left(*, pools: int) -> dict[str, float]:
    """Open pools of crowds that the model knows only by what they did in four weeks before; judge after eight hours."""
    judged = [one for one in (_pool(number) for number in range(pools)) if one is not None]
    error, covered, width, naive = np.array(judged).T
    return {
        "pools": len(judged),
        "median_error": float(np.median(error)),
        "covered": float(covered.mean()),
        "median_width": float(np.median(width)),
        "naive_median_error": float(np.median(naive)),
    }


def _pool(number: int) -> tuple[float, bool, float, float] | None:
    """Return the error, whether the interval held, its width and the naive error; None = done within the hours."""
    chance = np.random.default_rng([7, number])
    rhythm, opens, price = hidden_rhythm(chance), int(chance.integers(0, HOURS)), float(chance.lognormal(0, 0.4))
    weeks = collect(CROWD, Terms(target=EVERYTHING, opens=0, horizon=WEEKS_BEFORE * HOURS), seed=number, rhythm=rhythm)
    before = np.resize(weeks.by_hour, WEEKS_BEFORE * HOURS).reshape(WEEKS_BEFORE, HOURS).sum(axis=0)
    week = Week.learned(dict(enumerate(map(int, before))), weeks=WEEKS_BEFORE)
    terms = Terms(target=WANTED, price=price, opens=opens, horizon=LONGEST)
    pool = collect(CROWD, terms, seed=SEED + number, rhythm=rhythm)
    results = int(pool.by_hour[:HOURS_SEEN].sum())
    if results >= WANTED or pool.hours is None:
        return None
    truth, start = pool.hours - HOURS_SEEN, MONDAY + timedelta(hours=opens)
    now = start + timedelta(hours=HOURS_SEEN)
    known = pace_of(results=results, hours=HOURS_SEEN, worth=week.between(start, now), doubt=week.doubt)
    if known is None:
        return None
    told = Quantiles.of(draw_hours(goal=Goal(WANTED - results), pace=known, week=week, now=now))
    naive = (WANTED - results) / (results / HOURS_SEEN)
    width = (told.p95 - told.p5) / told.p50
    return abs(told.p50 / truth - 1), told.p5 <= truth <= told.p95, width, abs(naive / truth - 1)


def judge_final_cost(*, campaigns: int) -> dict[str, float]:
    """Run campaigns of photos, checks and boxes; at a fifth of the way say what they will have cost."""
    judged = [_campaign(number) for number in range(campaigns)]
    error, covered, width = np.array(judged).T
    return {
        "campaigns": len(judged),
        "median_error": float(np.median(error)),
        "covered": float(covered.mean()),
        "median_width": float(np.median(width)),
    }


class Work:
    """A campaign as it happens, photo by photo: people of unequal activity send, curtailed votes check, boxes follow.

    How good people are, and with it every share, differs from campaign to campaign and from person to person.
    """

    PHOTO, CHECK, BOXES = 30_000, 10_000, 12_000  # micro-units: a kept photo, a vote, a drawing

    def __init__(self, chance: np.random.Generator, photos: int) -> None:
        people = max(20, photos // 3)
        active = chance.lognormal(-0.98, 1.4, people)
        kept, skill = chance.uniform(0.6, 0.95), chance.uniform(0.8, 0.95)
        good = chance.beta(8 * kept, 8 * (1 - kept), people)
        sender = chance.choice(people, photos, p=active / active.sum())
        self.unique = chance.random(photos) > chance.uniform(0.02, 0.12)
        fine = chance.random(photos) < good[sender]
        votes = np.where(chance.random((photos, 3)) < skill, fine[:, None], ~fine[:, None])
        self.kept = self.unique & (votes.sum(axis=1) >= 2)
        self.votes = np.where(votes[:, 0] == votes[:, 1], 2, 3)
        agree = chance.uniform(0.5, 0.85)
        self.drawings = 3 + chance.binomial(2, 1 - agree, photos)
        self.delivered = self.kept & (chance.random(photos) < chance.uniform(0.93, 0.995))

    def spent(self, photos: int) -> int:
        unique, kept = self.unique[:photos], self.kept[:photos]
        checks = int((self.votes[:photos] * unique).sum())
        return (
            self.PHOTO * int(kept.sum()) + self.CHECK * checks + self.BOXES * int((self.drawings[:photos] * kept).sum())
        )

    def photos_for(self, wanted: int) -> int:
        return int(np.searchsorted(self.delivered.cumsum(), wanted)) + 1


def _campaign(number: int) -> tuple[float, bool, float]:
    chance = np.random.default_rng([11, number])
    work = Work(chance, 8 * DELIVERED)
    now, end = work.photos_for(int(DONE_OF_IT * DELIVERED)), work.photos_for(DELIVERED)
    unique, kept = int(work.unique[:now].sum()), int(work.kept[:now].sum())
    out = int(work.delivered[:now].sum())
    checks = int((work.votes[:now] * work.unique[:now]).sum())
    drawings = int((work.drawings[:now] * work.kept[:now]).sum())
    stages = [
        StageAhead(0, 0, unique, now - unique),
        StageAhead(
            work.CHECK * checks / unique,
            0,
            kept,
            unique - kept,
            pass_micro=work.PHOTO,
            uneven=uneven_answers(mean=checks / unique, usual=3),
        ),
        StageAhead(
            work.BOXES * drawings / kept, 0, out, kept - out, uneven=uneven_answers(mean=drawings / kept, usual=3)
        ),
    ]
    drawn = draw_final_cost(stages=stages, left=DELIVERED - out, spent_micro=work.spent(now))
    if drawn is None:
        raise ValueError("a stage let nothing through")
    truth, told = work.spent(end), Quantiles.of(drawn)
    return abs(told.p50 / truth - 1), told.p5 <= truth <= told.p95, (told.p95 - told.p5) / told.p50


def main() -> int:
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    found = {"time_left": judge_time_left(pools=many), "final_cost": judge_final_cost(campaigns=many)}
    print(f"machine: {platform.machine()}, {os.cpu_count()} cores; command: tests/bench/time_left.py {many}")
    print(
        f"data: {many} pools of {WANTED:,} with weeks the model has to learn; {many} campaigns of {DELIVERED:,} images"
    )
    for name, figures in found.items():
        print(f"{name:<12}" + ", ".join(f"{key} {value:.4g}" for key, value in figures.items()))
    out = ROOT / "var" / "bench" / "time_left.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(found, indent=2), encoding="utf-8")
    low, high = COVERED
    is_good = all(low <= one["covered"] <= high for one in found.values())
    return int(not is_good or found["time_left"]["median_error"] > MOST_ERROR)


if __name__ == "__main__":
    sys.exit(main())
