"""Shares of several attributes at once: worked examples, bounds, deficits, and equal seeds that take equal samples."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.datasets.sampling import BadTarget, Deficit, Wish, diverse, quotas, sample, under_sample, under_sampled

CELLS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
TARGETS = [np.array([100.0, 100.0]), np.array([120.0, 80.0])]
LIGHT = Wish("light", {"day": 50, "low": 50})
ANGLE = Wish("angle", {"top": 60, "side": 40})


@pytest.mark.parametrize(
    ("available", "mode", "taken"),
    [
        ((100, 100, 100, 100), "fill", (60, 40, 60, 40)),
        ((100, 100, 100, 100), "strict", (60, 40, 60, 40)),
        ((400, 300, 60, 10), "fill", (60, 70, 60, 10)),
        ((400, 300, 60, 10), "strict", (42, 58, 60, 10)),
        ((300, 300, 20, 5), "fill", (100, 75, 20, 5)),
        ((300, 300, 20, 5), "strict", (55, 45, 20, 5)),
    ],
)
def test_quotas_of_two_attributes_at_once(available, mode, taken):
    assert tuple(quotas(CELLS, np.array(available), TARGETS, mode=mode)) == taken


def stock(counts: dict[tuple[str, str], int]) -> tuple[list[np.ndarray], np.ndarray]:
    rows = [pair for pair, n in counts.items() for _ in range(n)]
    columns = [
        np.array([list(wish.shares).index(value) if value in wish.shares else -1 for value in column])
        for wish, column in zip((LIGHT, ANGLE), zip(*rows, strict=True), strict=True)
    ]
    return columns, np.random.default_rng(len(rows)).integers(0, 2**63, (len(rows), 2), dtype=np.uint64)


SCARCE = {("day", "top"): 400, ("day", "side"): 300, ("low", "top"): 60, ("low", "side"): 10, ("dusk", "top"): 90}


def test_what_there_is_too_little_of_is_said_with_how_many_are_missing():
    values, ids = stock(SCARCE)
    found = sample(values, ids, [LIGHT, ANGLE], size=200, seed=7)
    assert found.deficits == (Deficit("light", "low", wanted=100, available=70),)
    assert found.deficits[0].missing == 30
    assert len(found.chosen) == 200
    assert Counter(values[0][found.chosen].tolist()) == {0: 130, 1: 70}


def test_the_same_seed_takes_the_same_assets_in_whatever_order_they_come():
    values, ids = stock(SCARCE)
    order = np.random.default_rng(1).permutation(len(ids))
    shuffled = [column[order] for column in values]
    first = sample(values, ids, [LIGHT, ANGLE], size=200, seed=7)
    again = sample(shuffled, ids[order], [LIGHT, ANGLE], size=200, seed=7)
    other = sample(values, ids, [LIGHT, ANGLE], size=200, seed=8)
    assert set(map(tuple, ids[first.chosen])) == set(map(tuple, ids[order][again.chosen]))
    assert set(map(tuple, ids[first.chosen])) != set(map(tuple, ids[other.chosen]))


@settings(max_examples=60, deadline=None)
@given(
    have=st.lists(st.integers(0, 60), min_size=6, max_size=6),
    shares=st.tuples(st.tuples(*[st.floats(0.1, 9)] * 2), st.tuples(*[st.floats(0.1, 9)] * 3)),
    size=st.integers(1, 300),
    mode=st.sampled_from(["fill", "strict"]),
)
def test_no_cell_gives_more_than_it_has_and_the_sample_is_never_larger_than_asked(have, shares, size, mode):
    cells = np.array([[i, j] for i in range(2) for j in range(3)])
    wanted = [np.array(one) * size / sum(one) for one in shares]
    taken = quotas(cells, np.array(have), wanted, mode=mode)
    assert (taken >= 0).all()
    assert (taken <= have).all()
    assert taken.sum() <= size
    if mode == "fill":
        assert taken.sum() == min(size, sum(have))


def test_an_empty_stock_gives_an_empty_sample_and_says_what_is_missing():
    found = sample([np.zeros(0, np.intp)] * 2, np.zeros((0, 2), np.uint64), [LIGHT, ANGLE], size=10, seed=1)
    assert len(found.chosen) == 0
    assert sum(one.missing for one in found.deficits) == 20


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [({"day": 0}, "light day is 0; a number above 0"), ({"day": float("inf")}, "above 0"), ({}, "has no values")],
)
def test_shares_that_cannot_be_are_refused_with_a_sentence(wish, sentence):
    with pytest.raises(BadTarget, match=sentence):
        Wish("light", wish)


def test_under_sampling_to_the_rarest_or_to_the_next_rarest():
    assert under_sampled([10, 50, 400, 0]) == [10, 10, 10, 0]
    assert under_sampled([10, 50, 400, 0], keep_smallest=True) == [10, 50, 50, 0]


def test_under_sampling_chooses_by_seed_and_leaves_other_values_alone():
    code = np.array([0] * 3 + [1] * 20 + [-1] * 9)
    ids = np.arange(64, dtype=np.uint64).reshape(-1, 2)
    one, again, other = (under_sample(code, ids, values=2, seed=seed) for seed in (1, 1, 2))
    assert list(one) == list(again) != list(other)
    assert np.bincount(code[one]).tolist() == [3, 3]


def test_diversity_takes_the_furthest_next():
    rows = [(1, 0), (0.9, 0.1), (0, 1), (-1, 0), (0.7, 0.7), (0, -1)]
    chosen, radius = diverse(rows, n=4)
    assert list(chosen) == [0, 3, 2, 5]
    assert radius == pytest.approx(0.2929, abs=1e-4)


def test_within_a_cell_the_unlike_are_taken_and_twins_are_left():
    looks = np.array([[0, 0]] * 8 + [[255, 255], [255, 0], [0, 255]], dtype=np.uint8)
    ids = np.arange(22, dtype=np.uint64).reshape(-1, 2)
    wish = [Wish("light", {"low": 1.0})]
    found = sample([np.zeros(11, np.intp)], ids, wish, size=4, seed=3, looks=looks)
    assert {8, 9, 10} < set(found.chosen.tolist())
