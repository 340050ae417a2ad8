"""Flat borders, marks of thin letters, a second camera: what is laid over what, and what that proves."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage
from PIL import Image

from curation.preprocessing.decode import Analysis, analyse
from curation.preprocessing.frames import frames_of
from curation.preprocessing.templates import match_template, template_features
from curation.preprocessing.verify import SAME_PHOTO, compare
from tests.disguises import barred, encoded, gamma, mirrored
from tests.planted import framed, with_object


@pytest.fixture(scope="module")
def dusk() -> np.ndarray:
    """A scene under a dark sky, whose flat upper part looks like a border."""
    rng = np.random.default_rng(5)
    sky = np.linspace(24, 60, 1080)[:, None, None] + np.zeros((1080, 1920, 3))
    sky += cv2.GaussianBlur(rng.normal(0, 30, (1080, 1920, 1)).astype(np.float32), (0, 0), 3)[..., None]
    for left in range(120, 1900, 260):
        top = int(rng.integers(420, 800))
        sky[top:, left : left + int(rng.integers(20, 90))] = rng.integers(70, 230, 3)
    return np.clip(sky, 0, 255).astype(np.uint8)


def seen(pixels: np.ndarray) -> Analysis:
    return analyse(encoded(pixels), compat=False)


@pytest.mark.parametrize("way", ["gamma", "blur", "frame", "mirror in a frame"])
def test_a_picture_under_a_flat_sky_is_proven_in_its_disguises(dusk: np.ndarray, way: str) -> None:
    disguised = {
        "gamma": gamma(dusk, 1.8),
        "blur": cv2.GaussianBlur(dusk, (0, 0), 6),
        "frame": framed(dusk, 90),
        "mirror in a frame": framed(mirrored(dusk), 90),
    }[way]
    found = compare(seen(disguised), seen(dusk))
    assert found is not None
    assert found.verdict == SAME_PHOTO


def test_the_same_bars_around_two_pictures_do_not_make_a_small_object_smaller(dusk: np.ndarray) -> None:
    one, other = seen(barred(dusk)), seen(barred(with_object(dusk, 0.03, 11)))
    frame = frames_of(one.preview, other.preview, one.parts[:1], other.parts[:1])[0]
    assert frame.new.bottom - frame.new.top < 0.7 * one.preview.height
    found = compare(other, one)
    assert found is None or found.verdict != SAME_PHOTO


def test_thin_letters_over_detail_are_seen_through_and_a_lighter_object_is_not(pixels: np.ndarray) -> None:
    layer = np.zeros(pixels.shape[:2], np.uint8)
    for line, top in enumerate(range(120, 1080, 260)):
        for left in range(-200 + 150 * (line % 2), 1920, 620):
            cv2.putText(layer, "stock photo", (left, top), 0, 2.1, 255, 6, cv2.LINE_AA)
    share = (layer.astype(np.float32) / 255 * 0.55)[..., None]
    found = compare(seen((pixels * (1 - share) + 255 * share).astype(np.uint8)), seen(pixels))
    assert found is not None
    assert (found.verdict, found.marked) == (SAME_PHOTO, "new")
    lighter = pixels.copy()
    cv2.ellipse(lighter, (900, 500), (150, 120), 20, 0, 360, (250, 246, 240), -1)
    found = compare(seen(lighter), seen(pixels))
    assert found is not None
    assert found.verdict != SAME_PHOTO


def eye(side: str, tall: int, size: tuple[int, int]) -> np.ndarray:
    """Return the right half of a stereo pair's picture, so many rows of it, enlarged to a photo's size."""
    path = next((Path(skimage.__file__).parent / "data").glob(f"motorcycle_{side}.*"))
    pixels = np.asarray(Image.open(path).convert("RGB"))
    return cv2.resize(np.ascontiguousarray(pixels[:tall, 370:]), size, interpolation=cv2.INTER_CUBIC)


def test_a_second_camera_at_the_same_scene_accuses_nobody_and_a_piece_pasted_in_does(pixels: np.ndarray) -> None:
    left, right = eye("left", 208, (1920, 1080)), eye("right", 278, (2048, 1536))
    for shown, template in ((left, right), (right, left)):
        assert match_template(seen(shown), template_features(encoded(template, 90))) is None
    pasted = match_template(seen(with_object(pixels, 0.06, 11)), template_features(encoded(pixels, 90)))
    assert pasted is not None
    assert pasted.level == 20
