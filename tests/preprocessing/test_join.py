"""All near pairs of a set: bands find exactly what comparing each with each finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.preprocessing import join
from curation.preprocessing.join import TooManyPairs, bands, near_pairs
from curation.preprocessing.join_loop import pairs_of_band, set_bits

Found = list[tuple[int, int, int]]


def relatives(seed: int, rows: int, words: int, farthest: int) -> np.ndarray:
    """Return random hashes, half of which are others with some bits flipped, and a few that are equal."""
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**64, (rows, words), dtype=np.uint64)
    for row in range(rows // 2, rows):
        hashes[row] = hashes[rng.integers(0, rows // 2)]
        for bit in rng.integers(0, 64 * words, rng.integers(0, farthest + 1)):
            hashes[row, bit // 64] ^= np.uint64(1) << np.uint64(bit % 64)
    return hashes


def by_comparing_each(hashes: np.ndarray, radius: int) -> Found:
    distances = np.bitwise_count(hashes[:, None] ^ hashes[None]).sum(axis=2)
    left, right = np.nonzero(np.triu(distances <= radius, 1))
    return [(int(a), int(b), int(distances[a, b])) for a, b in zip(left, right, strict=True)]


def listed(pairs: join.Pairs) -> Found:
    return list(zip(pairs.left.tolist(), pairs.right.tolist(), pairs.distance.tolist(), strict=True))


def uncompiled(*arguments: object) -> int:
    with np.errstate(over="ignore"):  # the count of bits multiplies modulo 2**64
        return pairs_of_band(set_bits, *arguments)  # type: ignore[arg-type]


@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(2, 150),
    shape=st.sampled_from([(1, 0), (1, 4), (1, 10), (1, 15), (4, 3), (4, 31), (4, 60)]),
)
@settings(max_examples=40, deadline=None)
def test_numpy_finds_what_comparing_each_finds(seed: int, rows: int, shape: tuple[int, int]) -> None:
    words, radius = shape
    hashes = relatives(seed, rows, words, radius + 3)
    assert listed(near_pairs(hashes, radius, compiled=False)) == by_comparing_each(hashes, radius)


@pytest.mark.parametrize("rows", [0, 1])
def test_fewer_than_two_hashes_have_no_pairs(rows: int) -> None:
    assert len(near_pairs(np.zeros((rows, 4), np.uint64), 10, compiled=False)) == 0


@pytest.mark.parametrize(("words", "radius", "rows"), [(1, 0, 40), (1, 4, 60), (1, 10, 24), (4, 31, 30)])
def test_the_loop_that_is_compiled_finds_the_same(
    words: int, radius: int, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(join, "loop", lambda: uncompiled)
    hashes = relatives(words * 1000 + radius, rows, words, radius + 2)
    assert listed(near_pairs(hashes, radius)) == by_comparing_each(hashes, radius)


def test_the_compiled_loop_starts_again_when_its_room_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join, "loop", lambda: uncompiled)
    monkeypatch.setattr(join, "_FIRST_ROOM", 3)
    hashes = relatives(5, 30, 1, 2)
    assert listed(near_pairs(hashes, 4)) == by_comparing_each(hashes, 4)


def test_numba_finds_the_same_where_it_is_installed() -> None:
    pytest.importorskip("numba", reason="numba, the optional extra, is not installed")
    hashes = relatives(6, 20_000, 1, 6)
    assert listed(near_pairs(hashes, 6, compiled=True)) == listed(near_pairs(hashes, 6, compiled=False))


def test_candidates_are_compared_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join, "_CANDIDATES_AT_ONCE", 7)
    hashes = relatives(7, 120, 1, 5)
    assert listed(near_pairs(hashes, 5, compiled=False)) == by_comparing_each(hashes, 5)


@given(rows=st.integers(1, 10**7), words=st.sampled_from([1, 4]), radius=st.integers(0, 15))
@settings(max_examples=60, deadline=None)
def test_the_flips_of_all_bands_leave_no_pair_out(rows: int, words: int, radius: int) -> None:
    plan = bands(rows, words, radius)
    assert sum(band.flips + 1 for band in plan) == radius + 1
    assert all(band.shift + band.width <= 64 for band in plan)


def test_a_million_covered_lenses_do_not_fill_the_memory() -> None:
    equal = np.zeros((3000, 1), np.uint64)
    with pytest.raises(TooManyPairs, match="one of each set of equal hashes"):
        near_pairs(equal, 2, most=10_000, compiled=False)


@pytest.mark.parametrize("radius", [-1, 16])
def test_a_radius_that_bands_cannot_help_with_is_refused(radius: int) -> None:
    with pytest.raises(ValueError, match="from 0 to 15 bits"):
        near_pairs(np.zeros((2, 1), np.uint64), radius)
