"""Sharpness, thresholds and resolution."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from curation.preprocessing import quality
from curation.preprocessing.decode import Analysis, analyse
from tests.planted import blurred, jpeg


@pytest.mark.parametrize("number", range(3))
def test_a_blurred_photo_is_far_less_sharp(pixels: np.ndarray, seen: Analysis, number: int) -> None:
    assert analyse(jpeg(blurred(pixels, number))).sharpness < seen.sharpness / 2


def test_one_sharp_corner_is_enough(pixels: np.ndarray, seen: Analysis) -> None:
    shallow = cv2.GaussianBlur(pixels, (0, 0), 6)
    shallow[:540, :960] = pixels[:540, :960]
    assert analyse(jpeg(shallow)).sharpness > seen.sharpness / 2


def test_a_folder_of_alike_sharpness_has_no_blurred_picture() -> None:
    assert quality.folder_threshold([100.0] * 20 + [80.0]) < 80


def test_a_folder_shows_its_blurred_pictures() -> None:
    usual = list(np.random.default_rng(1).lognormal(5, 0.3, 100))
    threshold = quality.folder_threshold([*usual, 5.0])
    assert threshold > 5.0
    assert sum(one < threshold for one in usual) <= 1


def test_a_handful_of_pictures_gives_no_threshold() -> None:
    assert quality.folder_threshold([1.0, 1000.0]) == 0.0


@pytest.mark.parametrize(
    ("width", "height", "low"),
    [(1920, 1080, False), (1080, 1920, False), (1919, 1080, True), (1920, 1079, True), (4000, 1000, True)],
)
def test_resolution_is_judged_either_way_round(width: int, height: int, *, low: bool) -> None:
    assert quality.is_low_resolution(width, height) is low
