"""Who answers wrongly together: the arithmetic, planted rings, and how rarely honest people are suspected."""

from math import sqrt

import numpy as np
import pytest

from crowd.quality.collusion import Sheet, chance_of_pair, p_value, rings, wrong_together

OPTIONS = 5


@pytest.mark.parametrize(
    ("alike", "shared", "expected"), [(3, 10, 5.5e-6), (4, 10, 3.5e-8), (4, 20, 7.8e-7), (6, 50, 3.0e-8)]
)
def test_how_likely_so_many_same_wrong_answers_are_by_chance(alike, shared, expected):
    chance = chance_of_pair(0.88, 0.88, options=5)
    assert chance == pytest.approx(0.0036)
    assert p_value(shared=shared, alike=alike, chance=chance) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(
    ("options", "needed"),
    [(5, {5: 3, 10: 4, 20: 4, 50: 6, 100: 7, 200: 8}), (2, {10: 5, 20: 6, 50: 8, 100: 11})],
)
def test_how_many_same_wrong_answers_it_takes_to_be_sure(options, needed):
    chance = chance_of_pair(0.88, 0.88, options=options)
    for shared, expected in needed.items():
        enough = next(k for k in range(shared + 1) if p_value(shared=shared, alike=k, chance=chance) < 1e-6)
        assert enough == expected


def crowd(rng, *, workers=400, tasks=200, each=60, ring_sizes=(), copied=0.8, hard=0.0, temptation=0.0):
    """Honest people of skill Beta(18, 2.5); in a ring all copy in `copied` of the tasks from one who is right in 60 %.

    `hard` tasks are failed by four in ten, and a wrong answer is the tempting one with `temptation`.
    """
    truth = rng.integers(OPTIONS, size=tasks)
    skill, is_hard = rng.beta(18, 2.5, size=workers), rng.random(tasks) < hard
    rows, first = [], 0
    leaders = {}
    for size in ring_sizes:
        leaders.update(dict.fromkeys(range(first, first + size), first))
        skill[first] = 0.6
        first += size
    own = [dict.fromkeys(sorted(rng.choice(tasks, each, replace=False).tolist())) for _ in range(workers)]
    for worker in range(workers):
        leader = leaders.get(worker, worker)
        for task in own[leader]:
            if leader != worker and rng.random() < copied:
                given = own[leader][task]
            else:
                right = rng.random() < (0.6 if is_hard[task] else skill[worker])
                step = 1 if rng.random() < temptation else rng.integers(1, OPTIONS)
                given = truth[task] if right else (truth[task] + step) % OPTIONS
            own[worker][task] = given
            rows.append((worker, task, given, truth[task]))
    return Sheet(*np.array(rows, dtype=np.int64).T, options=OPTIONS), leaders


def test_planted_rings_are_found_and_nobody_honest_is_joined_to_them():
    rng = np.random.default_rng(7)
    sheet, leaders = crowd(rng, ring_sizes=(4, 3, 5, 2, 4))
    found = wrong_together(sheet)
    groups = rings((pair.one, pair.other) for pair in found.pairs)
    members = {leader: {one for one, of in leaders.items() if of == leader} for leader in set(leaders.values())}
    for ring in members.values():
        together = {one for one in ring if one in groups}
        assert len(together) >= len(ring) - 1
        assert len({groups[one] for one in together}) == 1
    assert sum(1 for pair in found.pairs if leaders.get(pair.one, -1) != leaders.get(pair.other, -2)) == 0


@pytest.mark.parametrize("world", [{}, {"hard": 0.1}, {"temptation": 0.7}, {"hard": 0.1, "temptation": 0.7}])
def test_of_the_pairs_found_at_most_one_in_a_hundred_is_honest(world):
    """Simulated: 12 crowds of 250 with three rings; three standard errors of leeway."""
    false = found = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        sheet, leaders = crowd(rng, workers=250, ring_sizes=(5, 5, 4), **world)
        for pair in wrong_together(sheet).pairs:
            found += 1
            false += leaders.get(pair.one, -1) != leaders.get(pair.other, -2)
    assert found >= 100
    assert false / found <= 0.01 + 3 * sqrt(0.01 * 0.99 / found)


def test_a_crowd_of_honest_people_has_no_ring():
    """Simulated: a ring in one of a hundred honest crowds is what may happen."""
    wrongly = sum(bool(wrong_together(crowd(np.random.default_rng(seed), workers=250)[0]).pairs) for seed in range(20))
    assert wrongly <= 1


def test_a_task_that_leads_many_astray_speaks_against_nobody():
    """Six in twelve give the same wrong answer to each of five tasks: the tasks are bad, not the people."""
    rows = [(worker, task, 1 if worker < 6 else 0, 0) for task in range(5) for worker in range(12)]
    assert wrong_together(Sheet(*np.array(rows, dtype=np.int64).T, options=2)).pairs == ()


def test_two_same_wrong_answers_are_never_enough():
    rows = [(worker, task, 1, 0) for worker in (0, 1) for task in (0, 1)]
    rows += [(worker, task, 0, 0) for worker in range(2, 400) for task in range(2, 60)]
    assert wrong_together(Sheet(*np.array(rows, dtype=np.int64).T, options=5)).pairs == ()


def test_nothing_to_look_at_finds_nothing():
    empty = np.array([], dtype=np.int64)
    assert wrong_together(Sheet(empty, empty, empty, empty, options=2)).pairs == ()
    with pytest.raises(ValueError, match="at least 2"):
        Sheet(empty, empty, empty, empty, options=1)
