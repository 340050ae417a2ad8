"""The 256-bit hash, its eight turns, and the look-up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.preprocessing import hash_file, hashes
from curation.preprocessing.decode import Analysis
from curation.preprocessing.hash_file import HashFile
from curation.preprocessing.neighbours import HashIndex
from curation.preprocessing.pixels import EXIF_TURNS, TURNS, inverse, turned
from tests.disguises import barred
from tests.planted import framed, scene, stored_for

squares = st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).integers(0, 256, (64, 64), np.uint8))


@pytest.mark.parametrize("turn", TURNS)
@given(square=squares)
@settings(max_examples=15, deadline=None)
def test_the_turned_hash_is_the_hash_of_the_turned_square(turn: str, square: np.ndarray) -> None:
    expected = hashes.hash256(turned(square, turn))
    assert hashes.distance(hashes.turned_hashes(square)[TURNS.index(turn)], expected) <= 2  # float rounding at a tie


@pytest.mark.parametrize("turn", TURNS)
def test_the_turned_hash_of_a_whole_picture_is_near_enough(seen: Analysis, turn: str) -> None:
    of_turned = hashes.hash256(hashes.hash_width(turned(seen.preview.grey, turn)))
    assert hashes.distance(of_turned, seen.preview.turns[TURNS.index(turn)]) <= 8


@pytest.mark.parametrize("turn", TURNS)
def test_a_turn_and_its_inverse_cancel(turn: str) -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert np.array_equal(turned(turned(pixels, turn), inverse(turn)), pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientations_are_shown_upright(orientation: int) -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert np.array_equal(turned(stored_for(orientation, pixels), EXIF_TURNS[orientation]), pixels)


def test_the_turns_of_a_stored_hash_are_a_few_bits_off_at_most(seen: Analysis) -> None:
    approximate = hashes.turns_of(seen.hash256)
    assert approximate[0] == seen.hash256
    assert max(hashes.distance(a, b) for a, b in zip(approximate, seen.preview.turns, strict=True)) <= 24


def test_unrelated_photos_are_far_apart(seen: Analysis, stranger: Analysis) -> None:
    assert hashes.nearest_turn(seen.all_turns, stranger.stored_hashes)[0] >= 80


def test_a_frame_is_trimmed_away(pixels: np.ndarray, seen: Analysis) -> None:
    grey = framed(pixels, 100)[:, :, 1]
    box = hashes.trim_box(hashes.hash_width(grey))
    assert box is not None
    inside = hashes.hash256(box.cut(hashes.hash_width(grey)))
    assert hashes.distance(inside, seen.hash256) < 40
    assert seen.hash256_trimmed is None


def under_a_sky(tone: int) -> np.ndarray:
    """Draw three towers of other heights and tones under a sky of one tone."""
    picture = np.full((1080, 1920, 3), tone, np.uint8)
    for left, top, tower in ((300, 420, 90), (900, 560, 150), (1400, 500, 220)):
        picture[top:, left : left + 160] = tower
    picture[900:] = np.linspace(60, 200, 1920)[None, :, None]
    return picture


@pytest.mark.parametrize("tone", [4, 28, 240])
def test_a_sky_is_no_border_it_ends_in_no_step(tone: int) -> None:
    assert hashes.trim_box(hashes.hash_width(under_a_sky(tone)[:, :, 0])) is None


def test_a_flat_picture_has_no_border() -> None:
    assert hashes.trim_box(np.full((90, 240), 7, np.uint8)) is None
    assert hashes.trim_box(np.full((1, 1), 7, np.uint8)) is None


def test_bars_are_trimmed_away_from_a_sky_of_their_own_tone() -> None:
    shown = barred(under_a_sky(13))
    box = hashes.trim_box(hashes.hash_width(shown[:, :, 0]))
    assert box is not None
    bar = 240 / 1080 * (shown.shape[0] - 1080 * 1080 / 1920) / 2
    assert (box.left, box.right) == (0, 240)
    assert box.top == pytest.approx(bar, abs=3)
    assert 240 / 1080 * shown.shape[0] - box.bottom == pytest.approx(bar, abs=3)


def random_hashes(rng: np.random.Generator, count: int) -> list[bytes]:
    return [rng.bytes(32) for _ in range(count)]


@given(
    seed=st.integers(0, 2**32 - 1),
    radius=st.one_of(st.integers(0, 256), st.sampled_from([190, 191, 255, 256])),
    count=st.integers(0, 40),
)
@settings(max_examples=25, deadline=None)
def test_the_look_up_equals_comparing_with_each(seed: int, radius: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    plain, trimmed = random_hashes(rng, count), random_hashes(rng, count)
    stored = [(number, plain[number], trimmed[number] if number % 3 == 0 else None) for number in range(count)]
    index = HashIndex()
    index.add_many(stored)
    query, query_trimmed = rng.bytes(32), rng.bytes(32)
    queries = hashes.turns_of(query) + hashes.turns_of(query_trimmed)
    expected = {}
    for id_, *pair in stored:
        best = min(hashes.distance(one, other) for one in queries for other in pair if other is not None)
        if best <= radius:
            expected[id_] = best
    assert {one.id: one.distance for one in index.near(query, query_trimmed, radius)} == expected


@given(seed=st.integers(0, 2**32 - 1), radius=st.integers(100, 130), count=st.integers(0, 40))
@settings(max_examples=25, deadline=None)
def test_near_pictures_from_the_disk_are_those_of_the_index(seed: int, radius: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    index, file, expected = HashIndex(), HashFile(), []
    for number in range(0, 3 * count, 3):
        plain, trimmed = hashes.turns_of(rng.bytes(32)), hashes.turns_of(rng.bytes(32)) if rng.random() < 0.4 else None
        expected.append((number, [one.id for one in index.near(plain, trimmed, radius)]))
        index.add(number, plain[0], None if trimmed is None else trimmed[0])
        file.append(number, plain, trimmed)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(hash_file, "_TOGETHER", 7)
        patched.setattr(hash_file, "BLOCK", 5)
        assert list(file.near(radius)) == expected


def test_the_look_up_says_how_the_stored_picture_was_turned(seen: Analysis) -> None:
    index = HashIndex()
    index.add(7, seen.hash256)
    for turn in TURNS:
        member = hashes.turned_hashes(hashes.hash_width(turned(seen.preview.grey, turn)))
        found = index.near(member, radius=16)
        assert [(one.id, one.orientation) for one in found] == [(7, turn)]


def test_the_index_grows_past_its_first_room() -> None:
    rng = np.random.default_rng(5)
    index, many = HashIndex(), random_hashes(rng, 3000)
    for number, one in enumerate(many):
        index.add(number, one)
    assert len(index) == 3000
    assert index.near(many[2999], radius=0)[0].id == 2999


def test_scenes_of_different_seeds_differ_and_of_one_seed_are_equal() -> None:
    assert np.array_equal(scene(3), scene(3))
    assert not np.array_equal(scene(3), scene(4))
