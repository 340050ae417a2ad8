"""What cheats send is what the product's own eyes must recognise, and honest work is not mistaken for it."""

import random
from datetime import datetime
from importlib import import_module
from io import BytesIO

import pytest
from PIL import Image

from crowd.rehearsal.pictures import SIGNS, scene, tricks
from crowd.rehearsal.pictures.jpeg import encode, stamp

NOON = datetime(2026, 5, 4, 12, 0)  # noqa: DTZ001 - a camera's clock knows no zone
WANDA = stamp("wanda", NOON)


def _size(data):
    with Image.open(BytesIO(data)) as image:
        return image.size


def _inside(truth):
    return all(b.x >= 0 and b.y >= 0 and b.x + b.w <= truth.width and b.y + b.h <= truth.height for b in truth.boxes)


def test_the_same_file_again_is_the_same_bytes():
    picture = scene("once", "ok", width=640, height=360)
    data = encode(picture.image, WANDA)
    assert tricks.same_file(data, picture.truth) == (data, picture.truth)


@pytest.mark.parametrize("way", tricks.WAYS)
def test_a_processed_template_keeps_a_true_box(way):
    data, truth = tricks.template_processed(*tricks.template_file("peace"), way)
    assert _size(data) == (truth.width, truth.height)
    assert truth.has("template")
    assert _inside(truth)
    assert truth.has("rotated") == (way == "turned")
    assert truth.has("mirrored") == (way == "mirrored")


def test_an_unknown_way_to_process_a_template_is_refused():
    with pytest.raises(ValueError, match="no way 'melted'"):
        tricks.template_processed(*tricks.template_file("peace"), "melted")


@pytest.mark.parametrize(
    ("trick", "flag", "size"),
    [
        (tricks.low_resolution, "low_resolution", (1280, 720)),
        (tricks.blurred, "blurred", (1920, 1080)),
        (tricks.rotated, "rotated", (1080, 1920)),
        (tricks.third_party, "third_party", (1920, 1080)),
    ],
)
def test_a_bad_photo_says_what_is_wrong_with_it(trick, flag, size):
    data, truth = trick(scene("bad", "stop"), WANDA)
    assert _size(data) == size == (truth.width, truth.height)
    assert truth.flags == (flag,)
    assert _inside(truth)


class TestSeenByTheProduct:
    """The product's preprocessing judges the drawn files as it would judge real ones."""

    def test_every_processed_template_is_found_with_its_transform(self):
        words = {"mirrored": "mirror", "turned": "rot90", "cropped": "crop", "recoloured": "tone", "framed": "frame"}
        for sign, way in zip(SIGNS, (*tricks.WAYS, *tricks.WAYS), strict=False):
            original = tricks.template_file(sign)
            found = _match(tricks.template_processed(*original, way)[0], original[0])
            assert found is not None
            assert (found.transform, found.level) == (words[way], 20)

    def test_a_template_as_it_is_has_level_five(self):
        original = tricks.template_file("rock")
        found = _match(tricks.template_as_is(*original)[0], original[0])
        assert found is not None
        assert (found.transform, found.level) == ("none", 5)

    def test_no_honest_photo_is_taken_for_the_template(self):
        accused = [
            sign
            for sign in SIGNS
            if _match(encode(scene(f"honest-{sign}", sign).image, WANDA), tricks.template_file(sign)[0])
        ]
        assert accused == []

    def test_two_photos_of_one_person_in_one_room_are_never_the_same_photo(self):
        for person in ("wanda", "alice", "rita"):
            first, second = (
                _sighting(encode(scene(f"{person}-{n}", "peace", person=person).image, WANDA)) for n in (1, 2)
            )
            assert _verdict(first, second) != "same_photo"

    def test_a_blurred_photo_and_a_sharp_one_of_one_room_are_never_the_same_photo(self, monkeypatch):
        from curation.preprocessing.verify import compare_voted

        monkeypatch.setattr(import_module("crowd.rehearsal.pictures.scene"), "_FINE", 5)  # or they share too little
        room = {"person": "person-22", "room": "person-22", "scale": 0.5}
        blurred = _sighting(tricks.blurred(scene("a22", "palm", **room), WANDA)[0])
        sharp = _sighting(encode(scene("b22", "peace", **room).image, WANDA))
        found = compare_voted(sharp, blurred, mirrored=False)
        assert found is not None
        assert found.verdict == "same_scene"

    def test_a_resaved_photo_is_the_same_photo(self):
        for n in range(3):
            picture = scene(f"resaved-{n}", "four")
            data = encode(picture.image, WANDA)
            again, truth = tricks.resaved(data, picture.truth, random.Random(f"resaved-{n}"))
            assert again != data
            assert _size(again) == (truth.width, truth.height)
            assert _verdict(_sighting(again), _sighting(data)) == "same_photo"


def _sighting(data):
    from curation.preprocessing.decode import analyse
    from curation.preprocessing.verify import Sighting

    seen = analyse(data, compat=False)
    return Sighting(seen.sha256, seen.hash256, seen.low_information, seen.preview)


def _verdict(new, earlier):
    from curation.preprocessing.verify import compare

    found = compare(new, earlier)
    return None if found is None else found.verdict


def _match(data, original):
    from curation.preprocessing.templates import match_template, template_features

    return match_template(_sighting(data), template_features(original))
