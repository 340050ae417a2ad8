"""What grey pictures alone do not prove: channels that clip apart, turned hues, blur, crops without corners."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from curation.preprocessing import voting
from curation.preprocessing.decode import Analysis, analyse
from curation.preprocessing.in_colour import compare_in_colour
from curation.preprocessing.templates import match_template, template_features
from curation.preprocessing.verify import SAME_PHOTO, SAME_SCENE, PairVerdict, compare
from curation.preprocessing.voting import KeyFile
from tests.disguises import brighter, encoded, hue
from tests.planted import scene, with_object

UNPROVEN = PairVerdict(SAME_SCENE, 4, "none", 0.6, 0, 1.0)


@pytest.fixture(scope="module")
def colourful() -> np.ndarray:
    """A scene with large red and blue surfaces, one of which clips before the others when light is added."""
    pixels = scene(41).astype(int)
    pixels[100:500, 200:900] += np.array([140, -30, -30])
    pixels[600:900, 900:1500] += np.array([-30, -30, 140])
    return np.clip(pixels, 0, 255).astype(np.uint8)


def seen_in_colour(new: np.ndarray, earlier: np.ndarray) -> str:
    previews = tuple(cv2.resize(one, (480, 270), interpolation=cv2.INTER_AREA) for one in (new, earlier))
    sightings = [analyse(encoded(one), compat=False) for one in (new, earlier)]
    return compare_in_colour(*sightings, previews, UNPROVEN).verdict


def test_channels_that_clip_and_hues_that_turn_are_undone(colourful: np.ndarray) -> None:
    assert seen_in_colour(brighter(colourful, 60), colourful) == SAME_PHOTO
    assert seen_in_colour(hue(colourful, 60), colourful) == SAME_PHOTO


@pytest.mark.parametrize("share", [0.01, 0.03])
def test_another_object_stays_honest_work_in_colour(colourful: np.ndarray, share: float) -> None:
    other = with_object(colourful, share, 11)
    for shown in (other, brighter(other, 60), hue(other, 60)):
        assert seen_in_colour(shown, colourful) == SAME_SCENE


def test_a_blurred_copy_is_the_same_photo_and_a_blurred_one_with_another_object_is_not(colourful: np.ndarray) -> None:
    earlier = analyse(encoded(colourful), compat=False)

    def verdict(pixels: np.ndarray) -> str:
        found = compare(analyse(encoded(cv2.GaussianBlur(pixels, (0, 0), 8)), compat=False), earlier)
        return "" if found is None else found.verdict

    assert verdict(colourful) == SAME_PHOTO
    assert verdict(with_object(colourful, 0.01, 11)) != SAME_PHOTO


def smooth(seed: int) -> np.ndarray:
    """Draw soft shapes with a little grain: a picture with hardly a corner."""
    rng = np.random.default_rng(seed)
    shapes = cv2.resize(rng.integers(40, 215, (6, 8, 3)).astype(np.uint8), (1920, 1080), interpolation=cv2.INTER_CUBIC)
    grain = cv2.GaussianBlur(rng.normal(0, 60, (1080, 1920, 1)).astype(np.float32), (0, 0), 5)
    return np.clip(shapes + grain[..., None], 0, 255).astype(np.uint8)


def test_a_crop_of_a_template_with_hardly_a_corner_is_found_and_another_picture_is_not() -> None:
    template = template_features(encoded(smooth(1), 90))

    def matched(pixels: np.ndarray) -> str:
        found = match_template(analyse(encoded(pixels), compat=False), template)
        return "" if found is None else found.transform

    assert matched(smooth(1)[200:848, 500:1652]) == "crop"
    assert matched(smooth(2)[200:848, 500:1652]) == ""


def test_pictures_that_share_corners_are_found_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    keys, own = KeyFile(), rng.integers(0, 1 << 24, (5, 3, 150)).astype(np.uint32)
    own[4, :, :10] = own[1, :, :10]
    for one in own:
        keys.append(one, rng.integers(0, 1 << 24, (3, 150)).astype(np.uint32))
    whole = list(voting.candidates(keys))
    assert {(one.earlier, one.new, one.mirrored) for one in whole} == {(1, 4, False)}
    monkeypatch.setattr(voting, "_BLOCK", 2)
    assert list(voting.candidates(keys)) == whole


def test_a_key_that_many_of_a_block_share_says_nothing_though_few_of_a_part_do(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    keys, own = KeyFile(), rng.integers(0, 1 << 24, (40, 3, 150)).astype(np.uint32)
    own[::2, :, :10] = own[0, :, :10]
    own[1::9, :, :10] = own[1, :, :10]
    for one in own:
        keys.append(one, rng.integers(0, 1 << 24, (3, 150)).astype(np.uint32))
    whole = list(voting.candidates(keys))
    assert {one.earlier % 9 for one in whole} == {one.new % 9 for one in whole} == {1}
    monkeypatch.setattr(voting, "_PART", 4)
    assert list(voting.candidates(keys)) == whole


def test_a_mirror_image_that_shares_corners_is_told(seen: Analysis, pixels: np.ndarray) -> None:
    keys = KeyFile()
    for one in (seen, analyse(encoded(pixels[:, ::-1]), compat=False)):
        keys.append(*voting.both_keys(one.preview))
    assert [(one.earlier, one.new, one.mirrored) for one in voting.candidates(keys)] == [(0, 1, True)]
