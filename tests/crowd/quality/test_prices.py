"""Which price gets the work: against a simulated truth, for what it costs and whether it is in time."""

from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
import pytest

from crowd.quality.prices import LEAST_SHARE, Arm, choose, shares


@dataclass(frozen=True)
class Truth:
    """What a price brings if it has all the work: pages an hour, and the share that is accepted."""

    price_micro: int
    rate: float
    acceptance: float


@dataclass(frozen=True)
class Run:
    spent: float
    accepted: int
    best_share: float
    hours: int


SKILLED = (Truth(20_000, 60, 0.3), Truth(30_000, 60, 0.8), Truth(50_000, 65, 0.9))
BEST = 1  # 0.0375 an accepted page against 0.067 and 0.056


def simulate(truth, *, wanted: int, hours: float, seed: int, even: bool = False) -> Run:
    """Hour by hour, each arm with its share of the work, until so many are accepted."""
    rng, luck = np.random.default_rng(seed), np.random.default_rng(seed + 1_000)
    arms = [Arm(one.price_micro) for one in truth]
    parts, given, hour = shares(len(truth), None), [], 0
    while sum(arm.accepted for arm in arms) < wanted and hour < 10 * hours:
        hour += 1
        for n, one in enumerate(truth):
            pages = int(rng.poisson(one.rate * parts[n]))
            ok = int(rng.binomial(pages, one.acceptance))
            old = arms[n]
            arms[n] = replace(
                old, pages=old.pages + pages, accepted=old.accepted + ok, judged=old.judged + pages,
                hours=old.hours + parts[n],
            )  # fmt: skip
        given.append(parts)
        left = max(1, wanted - sum(arm.accepted for arm in arms))
        if not even:
            parts = choose(arms, remaining=left, hours_left=max(0.0, hours - hour), rng=luck).shares
    spent = sum(arm.pages * arm.price_micro for arm in arms)  # every page is paid, also those that are of no use
    late = given[len(given) // 2 :]
    return Run(spent, sum(arm.accepted for arm in arms), float(np.mean([one[BEST] for one in late])), hour)


def over(runs: list[float]) -> tuple[float, float]:
    return float(np.mean(runs)), float(np.std(runs, ddof=1) / sqrt(len(runs)))


def test_most_of_the_work_comes_to_the_best_price():
    """Simulated, 60 trials of three prices with time to spare; its share cannot pass 90 %."""
    mean, error = over([simulate(SKILLED, wanted=1_500, hours=400, seed=seed).best_share for seed in range(60)])
    assert mean >= 0.85 - 3 * error


def test_the_regret_is_a_fraction_of_what_an_even_split_costs():
    """Simulated, 60 trials: what an accepted page costs over the best price alone, against an even split."""
    best = SKILLED[BEST].price_micro / SKILLED[BEST].acceptance

    def regret(*, even: bool) -> list[float]:
        runs = [simulate(SKILLED, wanted=1_500, hours=400, seed=seed, even=even) for seed in range(60)]
        return [run.spent / run.accepted - best for run in runs]

    (sampled, error), (evenly, other) = over(regret(even=False)), over(regret(even=True))
    assert sampled + 3 * error < 0.5 * (evenly - 3 * other)


def test_where_only_a_dear_price_is_in_time_it_gets_as_much_as_the_deadline_needs():
    """Simulated, 40 trials: alone the cheap prices take 167 and 111 hours, the dear one 28; 40 are given."""
    truth = (Truth(20_000, 10, 0.9), Truth(60_000, 60, 0.9), Truth(30_000, 15, 0.9))
    runs = [simulate(truth, wanted=1_500, hours=40, seed=seed) for seed in range(40)]
    in_time, error = over([float(run.hours <= 40) for run in runs])
    assert in_time >= 0.95 - 3 * error
    cost, error = over([run.spent / run.accepted for run in runs])
    assert cost + 3 * error < 60_000 / 0.9


def test_where_none_is_in_time_the_fastest_gets_the_work():
    arms = [Arm(20_000, 300, 270, 300, 10.0), Arm(60_000, 900, 810, 900, 10.0)]
    rng = np.random.default_rng(3)
    choices = [choose(arms, remaining=100_000, hours_left=1, rng=rng) for _ in range(100)]
    assert not any(one.in_time for one in choices)
    assert sum(one.arm == 1 for one in choices) >= 99


def test_every_price_keeps_a_twentieth_and_all_shares_are_the_whole():
    for arms in (2, 3, 4):
        assert shares(arms, None) == pytest.approx((1 / arms,) * arms)
        found = shares(arms, 0)
        assert sum(found) == pytest.approx(1)
        assert min(found) == LEAST_SHARE


def test_the_same_chance_chooses_the_same_price():
    arms = [Arm(20_000), Arm(30_000, 5, 4, 5, 0.3), Arm(40_000, 50, 49, 50, 1.0)]
    one, two = (choose(arms, remaining=500, hours_left=20, rng=np.random.default_rng([7, 3])) for _ in range(2))
    assert one == two


@pytest.mark.parametrize("n", [1, 5])
def test_a_trial_has_two_to_four_prices(n):
    with pytest.raises(ValueError, match="2 to 4 prices"):
        choose([Arm(10_000)] * n, remaining=1, hours_left=1, rng=np.random.default_rng(1))
