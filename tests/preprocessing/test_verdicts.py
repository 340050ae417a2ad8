"""Each disguise is seen through, each honest photo of the same scene is left alone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from curation.preprocessing.decode import Analysis, analyse
from curation.preprocessing.difference import Tones
from curation.preprocessing.features import find_features, in_mirror
from curation.preprocessing.hashes import Box
from curation.preprocessing.pixels import TURNS, turned
from curation.preprocessing.preview import Preview
from curation.preprocessing.templates import TemplateFeatures, match_template, template_features
from curation.preprocessing.verify import PairVerdict, Sighting, compare, compare_voted
from curation.preprocessing.voting import STRONGEST, KeyFile, both_keys, candidates, keys_of
from tests.planted import TRANSFORMS, cropped, jpeg, scene, with_object

from .attacks import ATTACKS, OFTEN_ONLY_THE_SCENE

WHOLE_TURNS = {
    "none": ("none", 5),
    "mirror": ("mirror", 20),
    "flip": ("mirror+rot180", 20),
    "rot180": ("rot180", 20),
    "transpose": ("mirror+rot90", 20),
    "rot90": ("rot90", 20),
    "rot270": ("rot270", 20),
    "transverse": ("mirror+rot270", 20),
}


def judged(new: Analysis, earlier: Analysis) -> PairVerdict | None:
    """Judge as the pipeline does: near by hash, else by votes."""
    near = compare(new, earlier)
    if near is not None:
        return near
    keys = KeyFile()
    for one in (earlier, new):
        keys.append(*both_keys(one.preview))
    found = list(candidates(keys))
    return compare_voted(new, earlier, mirrored=found[0].mirrored) if found else None


@pytest.mark.parametrize("name", ATTACKS)
def test_a_disguised_copy_is_the_same_photo(pixels: np.ndarray, seen: Analysis, name: str) -> None:
    disguise, turn = ATTACKS[name]
    verdict = judged(analyse(disguise(pixels), compat=False), seen)
    assert verdict is not None
    assert verdict.orientation == turn
    allowed = {"same_photo", "same_scene"} if name in OFTEN_ONLY_THE_SCENE else {"same_photo"}
    assert verdict.verdict in allowed


@pytest.mark.parametrize("share", [0.01, 0.03, 0.06, 0.12])
@pytest.mark.parametrize("mirrored", [False, True])
def test_another_object_in_the_same_scene_is_honest_work(
    pixels: np.ndarray, seen: Analysis, share: float, *, mirrored: bool
) -> None:
    changed = with_object(pixels, share, 11)
    verdict = judged(analyse(jpeg(changed[:, ::-1] if mirrored else changed)), seen)
    assert verdict is None or verdict.verdict == "same_scene"


@pytest.mark.parametrize("alpha", [0.3, 0.4])
def test_a_translucent_mark_is_seen_through_but_another_object_under_it_is_not(
    pixels: np.ndarray, seen: Analysis, alpha: float
) -> None:
    def marked(picture: np.ndarray) -> bytes:
        layer = picture.copy()
        cv2.putText(layer, "SAMPLE", (250, 640), cv2.FONT_HERSHEY_SIMPLEX, 10, (255, 255, 255), 30, cv2.LINE_AA)
        return jpeg(cv2.addWeighted(picture, 1 - alpha, layer, alpha, 0))

    for picture, expected in ((pixels, "same_photo"), (with_object(pixels, 0.03, 12), "same_scene")):
        verdict = compare(analyse(marked(picture)), seen)
        assert verdict is not None
        assert verdict.verdict == expected


def test_one_small_object_in_an_otherwise_equal_picture_is_no_copy(pixels: np.ndarray, seen: Analysis) -> None:
    faint = pixels.copy()
    faint[500:610, 900:1090] = np.clip(faint[500:610, 900:1090].astype(np.int16) + 18, 0, 255).astype(np.uint8)
    verdict = compare(analyse(jpeg(faint)), seen)
    assert verdict is not None
    assert verdict.block_difference < 0.5
    assert verdict.verdict == "same_scene"


def test_corners_of_the_mirror_image_need_no_second_search(seen: Analysis) -> None:
    mirrored = in_mirror(seen.preview.trimmed, seen.preview.features[:STRONGEST])
    plain = find_features(np.ascontiguousarray(seen.preview.trimmed[:, ::-1]))
    shared = sum(len(set(a) & set(b)) for a, b in zip(keys_of(mirrored).tolist(), keys_of(plain).tolist(), strict=True))
    assert shared > 300  # of 450


def test_strangers_have_nothing_to_do_with_each_other(seen: Analysis, stranger: Analysis) -> None:
    assert judged(seen, stranger) is None


def test_equal_bytes_are_the_same_file_even_without_information() -> None:
    black = jpeg(np.zeros((300, 400, 3), np.uint8))
    first, again = analyse(black), analyse(black)
    assert first.low_information
    verdict = compare(again, first)
    assert verdict is not None
    assert verdict.verdict == "same_file"


def test_two_black_pictures_are_not_called_the_same_photo() -> None:
    first, other = (analyse(jpeg(np.full((300, 400, 3), level, np.uint8))) for level in (3, 9))
    assert compare(other, first) is None


def test_a_picture_restored_from_storage_gets_the_same_verdict(pixels: np.ndarray, seen: Analysis) -> None:
    preview = Preview.from_bytes(seen.preview.to_jpeg())
    stored = Sighting(seen.sha256, seen.hash256, seen.low_information, preview)
    for name in ("re-encode q40", "mirror", "crop .95", "gamma 2"):
        disguise, turn = ATTACKS[name]
        verdict = compare(analyse(disguise(pixels)), stored)
        assert verdict is not None
        assert (verdict.verdict, verdict.orientation) == ("same_photo", turn)


def test_the_threshold_is_a_setting(pixels: np.ndarray, seen: Analysis) -> None:
    copy = analyse(jpeg(pixels, 40))
    strict = compare(copy, seen, threshold=0.0)
    assert strict is not None
    assert strict.verdict == "same_scene"
    assert compare(copy, seen) != strict


def test_the_tone_curve_undoes_a_change_of_tones() -> None:
    values = np.random.default_rng(1).integers(20, 200, 5000).astype(np.uint8)
    changed = (255 * (values / 255.0) ** 1.8).astype(np.uint8)
    assert np.abs(Tones(changed).as_in(Tones(values))[changed] - values).mean() < 1.5


@pytest.fixture(scope="module")
def template(photo: bytes) -> TemplateFeatures:
    return template_features(photo)


def test_a_template_sent_back_as_it_is_has_level_5(pixels: np.ndarray, template: TemplateFeatures) -> None:
    for data in (jpeg(pixels, 88), jpeg(pixels, 50), jpeg(cv2.resize(pixels, (960, 540)))):
        copy = match_template(analyse(data), template)
        assert copy is not None
        assert (copy.transform, copy.level) == ("none", 5)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_processed_template_has_level_20_and_its_word(
    pixels: np.ndarray, template: TemplateFeatures, transform: str
) -> None:
    copy = match_template(analyse(jpeg(TRANSFORMS[transform](pixels, 2))), template)
    assert copy is not None
    assert (copy.transform, copy.level) == (transform, 20)


def test_several_changes_to_a_template_are_all_named(pixels: np.ndarray, template: TemplateFeatures) -> None:
    changed = np.ascontiguousarray(np.rot90(cropped(pixels, 0.7))[:, ::-1])
    copy = match_template(analyse(jpeg(changed)), template)
    assert copy is not None
    words = copy.transform.split("+")
    assert "mirror" in words
    assert "crop" in words
    assert words[1] in ("rot90", "rot270")
    assert copy.level == 20
    assert 0.4 < copy.visible < 0.6


@pytest.mark.parametrize("turn", TURNS)
def test_a_template_with_hardly_a_corner_is_known_by_its_whole(turn: str) -> None:
    soft = cv2.GaussianBlur(scene(60_100), (0, 0), 25)
    copy = match_template(analyse(jpeg(turned(soft, turn))), template_features(jpeg(soft, 95)))
    assert copy is not None
    assert (copy.transform, copy.level) == WHOLE_TURNS[turn]


def test_something_pasted_into_a_template_is_processing(pixels: np.ndarray, template: TemplateFeatures) -> None:
    copy = match_template(analyse(jpeg(with_object(pixels, 0.05, 4))), template)
    assert copy is not None
    assert (copy.transform, copy.level) == ("none", 20)


def test_an_honest_photo_is_not_taken_for_the_template(template: TemplateFeatures) -> None:
    for number in range(4):
        assert match_template(analyse(jpeg(scene(60_000 + number))), template) is None


def test_a_flat_picture_is_no_template_copy(template: TemplateFeatures) -> None:
    assert match_template(analyse(jpeg(np.full((1080, 1920, 3), 90, np.uint8))), template) is None


def test_the_trimmed_part_of_a_preview_is_in_its_own_pixels(pixels: np.ndarray) -> None:
    framed = cv2.copyMakeBorder(pixels, 108, 108, 0, 0, cv2.BORDER_CONSTANT)
    preview = analyse(jpeg(framed)).preview
    assert preview.trim == Box(0, preview.trim.top, 480, preview.trim.bottom)
    assert abs(preview.trim.top - 27) <= 2
    assert preview.trimmed.shape[0] == preview.trim.bottom - preview.trim.top
