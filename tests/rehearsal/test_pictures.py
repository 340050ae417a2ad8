"""Drawn photos: the same everywhere, with boxes that really hold the hands."""

import hashlib
import json
import subprocess
import sys
from datetime import datetime
from io import BytesIO
from itertools import count, islice

import cv2
import numpy as np
import pytest
from PIL import Image, ImageChops

from crowd.rehearsal.pictures import GESTURE, NO_GESTURE, SIGNS, Setting, Truth, draw, expected_truth, scene, template
from crowd.rehearsal.pictures.jpeg import encode, stamp
from crowd.rehearsal.pictures.rooms import draw_room
from crowd.rehearsal.pictures.whole import lay
from curation.preprocessing.corner_index import CornerIndex
from curation.preprocessing.decode import analyse
from curation.preprocessing.voting import both_keys

NOON = datetime(2026, 5, 4, 12, 0)  # noqa: DTZ001 - a camera's clock knows no zone

DIGEST_IN_ANOTHER_PROCESS = """
import hashlib
from datetime import datetime
from crowd.rehearsal.pictures import scene
from crowd.rehearsal.pictures.jpeg import encode, stamp
picture = scene("shot-1", "peace", person="wanda", second_hand=True)
data = encode(picture.image, stamp("wanda", datetime(2026, 5, 4, 12, 0)))
print(hashlib.sha256(data + repr(picture.truth).encode()).hexdigest())
"""


def test_the_same_arguments_give_the_same_bytes_in_any_process():
    picture = scene("shot-1", "peace", person="wanda", second_hand=True)
    data = encode(picture.image, stamp("wanda", NOON))
    here = hashlib.sha256(data + repr(picture.truth).encode()).hexdigest()
    there = [
        subprocess.run(
            [sys.executable, "-c", DIGEST_IN_ANOTHER_PROCESS],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout.strip()
        for seed in ("1", "2")
    ]
    assert there == [here, here]


@pytest.mark.parametrize("sign", SIGNS)
def test_the_hand_of_every_sign_is_whole_and_its_box_is_tight(sign):
    """Against the same picture without the hand: what differs touches all four edges of the box."""
    setting = Setting(f"tight-{sign}", sign, person="wanda", room="studio", light="day")
    picture = draw(setting)
    (box,) = picture.truth.boxes
    assert box.label == GESTURE
    assert box.x >= 0
    assert box.y >= 0
    assert box.x + box.w <= 1920
    assert box.y + box.h <= 1080
    without = draw(Setting(f"tight-{sign}", sign, person="wanda", room="studio", light="day", shown="none"))
    visible = 8 if sign == "mute" else 40  # a hand before the face differs less than before the wall
    difference = ImageChops.difference(picture.image, without.image).convert("L")
    changed = difference.point([255 * (level >= visible) for level in range(256)])
    above = changed.crop((0, 0, 1920, round(box.y) - 16))
    assert sign == "mute" or above.getbbox() is None or _is_sideways(sign)
    edges = _edges(changed, box)
    assert all(edge.getbbox() is not None for edge in edges)


def _is_sideways(sign):
    return sign in ("like", "dislike")


def _edges(changed, box):
    """The four strips, 8 pixels wide, just inside the box."""
    left, top, right, bottom = round(box.x), round(box.y), round(box.x + box.w), round(box.y + box.h)
    strips = (left, top, left + 8, bottom), (right - 8, top, right, bottom), (left, top, right, top + 8)
    return [changed.crop(strip) for strip in (*strips, (left, bottom - 8, right, bottom))]


def test_the_truth_without_drawing_is_that_of_the_drawn_picture():
    setting = Setting("quick-four", "four", second_hand=True)
    assert expected_truth(setting) == draw(setting).truth
    assert expected_truth(setting).drawing == "quick-four"


def test_the_other_hand_is_no_gesture():
    truth = expected_truth(Setting("two-hands", "ok", second_hand=True))
    assert [box.label for box in truth.boxes] == [GESTURE, NO_GESTURE]
    assert truth.hands_visible == 2


def test_a_hand_cut_off_by_the_edge_gets_no_box():
    truth = scene("edge", "palm", shown="cut").truth
    assert truth.boxes == ()
    assert truth.flags == ("cut_off",)
    assert truth.sign == "palm"


def test_a_picture_without_a_hand_shows_no_sign():
    truth = expected_truth(Setting("empty", "palm", shown="none"))
    assert (truth.sign, truth.boxes, truth.flags) == (None, (), ("no_hand",))


def test_a_truth_survives_a_json_column():
    truth = expected_truth(Setting("json", "four", second_hand=True)).flagged("rotated", "blurred")
    assert Truth.from_json(json.loads(json.dumps(truth.to_json()))) == truth
    assert truth.to_json()["hands_visible"] == 2


def test_a_smaller_picture_has_smaller_boxes():
    full, small = scene("size", "rock"), scene("size", "rock", width=960, height=540)
    assert small.image.size == (960, 540)
    assert small.truth.boxes[0].w == pytest.approx(full.truth.boxes[0].w / 2, abs=0.1)


def test_photos_of_dark_rooms_hardly_ever_share_corners():
    rooms = islice((name for n in count() if draw_room(name := f"room-{n}").kind == "night"), 40)
    index, found = CornerIndex(100), 0
    for number, room in enumerate(rooms):
        plain, mirrored = both_keys(analyse(encode(draw(Setting(room, "palm", room=room), shrink=4).image)).preview)
        found += len(index.near(plain, mirrored))
        index.add(number, plain)
    assert found <= 10  # of 780 pairs


def test_each_sign_has_its_own_template():
    digests = {hashlib.sha256(template(sign).image.tobytes()).hexdigest() for sign in SIGNS}
    assert len(digests) == len(SIGNS) == 18


def test_the_camera_writes_maker_model_and_time_but_never_a_place():
    data = encode(scene("exif", "one", width=320, height=180).image, stamp("wanda", NOON))
    with Image.open(BytesIO(data)) as image:
        exif = image.getexif()
    assert (exif[271], exif[272]) == (stamp("wanda", NOON).make, stamp("wanda", NOON).model)
    assert exif[274] == 1
    assert exif.get_ifd(0x8769)[0x9003] == "2026:05:04 12:00:00"
    assert not exif.get_ifd(0x8825)


def test_an_unknown_light_is_refused_with_what_is_known():
    with pytest.raises(ValueError, match="no light 'neon'; known are"):
        scene("x", "ok", light="neon")


def test_a_sign_of_somebodys_own_is_shown_as_one_of_ours_and_keeps_its_name():
    shown = scene("x", "wave", width=320, height=180)
    assert shown.truth.sign == "wave"
    assert shown.image.tobytes() == scene("x", "wave", width=320, height=180).image.tobytes()
    assert len(shown.truth.boxes) == 1


@pytest.mark.parametrize("at", [(5, 4), (-3, -2), (9, 8), (-9, 0), (0, -9), (20, 3), (3, 20)])
def test_what_is_laid_over_the_edge_of_a_canvas_is_seen_as_far_as_the_canvas_goes(at):
    canvas, wide = np.zeros((10, 12, 3), np.uint8), np.zeros((70, 72), bool)
    lay(canvas, at, np.full((5, 6, 3), 200, np.uint8), np.full((5, 6), 255, np.uint8))
    wide[30 + at[1] : 35 + at[1], 30 + at[0] : 36 + at[0]] = True
    assert ((canvas == 200).all(axis=2) == wide[30:40, 30:42]).all()
    assert set(np.unique(canvas)) <= {0, 200}


def test_calm_light_shows_the_same_with_a_quarter_of_the_spots():
    for light in ("day", "low"):
        setting = Setting(f"calm-{light}", "palm", room="studio", light=light)
        calm, usual = draw(setting, calm=True), draw(setting)
        assert calm.truth == usual.truth
        wall = [np.asarray(one.image.convert("L").crop((40, 40, 360, 360)), np.float32) for one in (calm, usual)]
        spots = [float(np.std(cv2.GaussianBlur(one, (0, 0), 3) - cv2.GaussianBlur(one, (0, 0), 40))) for one in wall]
        assert spots[0] < spots[1] / 3
        assert abs(float(np.mean(wall[0] - wall[1]))) < 3
