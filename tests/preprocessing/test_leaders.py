"""Leader clustering of hashes: exact, within the radius of the own leader, the same when it goes on from before."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.preprocessing.leaders import Words, group


def alike(seed: int, n: int, most_flips: int = 14) -> Words:
    """Hashes of which each third is a slightly changed copy of another, in random order."""
    rng = np.random.default_rng(seed)
    rows = np.repeat(rng.integers(0, 2**64, (n // 3 + 1, 4), dtype=np.uint64), 3, axis=0)[:n]
    for row in rows:
        for bit in rng.integers(0, 256, rng.integers(0, most_flips)).tolist():
            row[bit // 64] ^= np.uint64(1) << np.uint64(bit % 64)
    return rows[rng.permutation(n)]


def one_by_one(rows: Words, radius: int) -> tuple[list[int], list[int]]:
    """The definition: in order, join the nearest leader (the earliest of equals), or become one."""
    leaders: list[int] = []
    found, bits = [], []
    for place, row in enumerate(rows):
        distances = np.bitwise_count(rows[leaders] ^ row).sum(axis=1, dtype=int) if leaders else np.array([])
        if len(distances) and distances.min() <= radius:
            found.append(leaders[int(distances.argmin())])
            bits.append(int(distances.min()))
        else:
            leaders.append(place)
            found.append(place)
            bits.append(0)
    return found, bits


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 400), st.sampled_from([0, 3, 8, 16, 17, 24, 48, 63]))
def test_groups_are_those_of_the_definition(seed, n, radius):
    rows = alike(seed, n)
    found, bits = group(rows, radius)
    assert (found.tolist(), bits.tolist()) == one_by_one(rows, radius)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 300))
def test_going_on_from_before_gives_the_same_and_leaves_the_first_alone(seed, known):
    rows = alike(seed, 300)
    before, bits = group(rows[:known], 16)
    found, _ = group(rows, 16, leaders=before, distances=bits)
    assert found[:known].tolist() == before.tolist()
    assert found.tolist() == group(rows, 16)[0].tolist()


def test_a_slow_pan_does_not_become_one_group():
    rows = np.zeros((200, 4), np.uint64)
    for place in range(200):  # each frame one bit from the one before
        for bit in range(place):
            rows[place, bit // 64] |= np.uint64(1) << np.uint64(bit % 64)
    found, bits = group(rows, 16)
    assert len(set(found.tolist())) == 12
    assert bits.max() == 16


@pytest.mark.parametrize("radius", [-1, 64, 256])
def test_a_radius_that_cannot_be_is_refused(radius):
    with pytest.raises(ValueError, match="0 to 63"):
        group(np.zeros((2, 4), np.uint64), radius)
