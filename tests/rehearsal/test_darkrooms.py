"""What is planted instead of drawn tells the same truth about the same photo."""

import os
import random
from datetime import datetime
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from crowd.rehearsal import answers
from crowd.rehearsal.darkrooms import DRAWN, PLANTED, TEMPLATE_WAYS, Drawn, DrawnElsewhere, _developed
from crowd.rehearsal.people import DUPLICATE, PROCESSED_TEMPLATE, TEMPLATE, CrowdMix, Person, profile
from crowd.rehearsal.pictures import SIGNS, Setting
from crowd.rehearsal.pictures import truth as facts
from curation.engine import rehearsal_size
from curation.engine.rehearsal_size import end_drawing, in_a_child, rest_soon
from curation.preprocessing.limits import Unreadable
from curation.preprocessing.pool import Pool, drawing_pool
from tests.embedded.observe import eventually

NOON = datetime(2026, 5, 4, 12, 0)  # noqa: DTZ001 - a camera's clock knows no zone


def cheat(level: int) -> Person:
    people = (profile("cheat", number, CrowdMix(cheating={level: 1.0})) for number in range(2_000))
    return next(person for person in people if person.cheat_level == level)


@pytest.mark.parametrize(
    "trick", [None, facts.ROTATED, facts.BLURRED, facts.THIRD_PARTY, facts.LOW_RESOLUTION, facts.CUT_OFF]
)
def test_a_planted_photo_has_the_truth_of_the_drawn_one(trick):
    setting = Setting("pair", "peace", second_hand=True)
    drawn = DRAWN.photo("wanda", setting, trick, NOON)
    assert PLANTED.photo("wanda", setting, trick, NOON)[1] == drawn[1]
    assert drawn[1].drawing == "pair"


@pytest.mark.parametrize("trick", ["template", *TEMPLATE_WAYS])
def test_a_planted_copy_of_an_example_has_the_truth_of_the_drawn_one(trick):
    assert PLANTED.template_copy(trick, SIGNS[0], None)[1] == DRAWN.template_copy(trick, SIGNS[0], None)[1]


@pytest.mark.parametrize("level", [DUPLICATE, TEMPLATE, PROCESSED_TEMPLATE])
def test_a_cheat_sends_the_same_whether_it_is_drawn_or_planted(level):
    person = cheat(level)
    first = {room: room.photo(person.identity, Setting("first", "ok"), None, NOON) for room in (DRAWN, PLANTED)}
    for n in range(2):
        drawn, planted = (
            answers.photo(
                person,
                random.Random(n),
                "ok",
                earlier=lambda _back, room=room: first[room],
                template=None,
                taken=NOON,
                darkroom=room,
            )
            for room in (DRAWN, PLANTED)
        )
        assert (planted.trick, planted.truth) == (drawn.trick, drawn.truth)
        assert (planted.data == first[PLANTED][0]) == (drawn.data == first[DRAWN][0])


@pytest.mark.parametrize("shrink", [2, 4])
@pytest.mark.parametrize("trick", [None, facts.ROTATED, facts.BLURRED, facts.THIRD_PARTY, facts.LOW_RESOLUTION])
def test_a_photo_drawn_smaller_shows_what_the_one_at_full_size_shows(trick, shrink):
    setting = Setting("half", "rock", second_hand=True)
    full, small = (Drawn(times).photo("wanda", setting, trick, NOON) for times in (1, shrink))
    assert small[1] == full[1]
    assert [shrink * side for side in _size(small[0])] == list(_size(full[0]))
    assert _size(full[0]) == (full[1].width, full[1].height)


@pytest.mark.parametrize("shrink", [2, 4])
def test_a_photo_drawn_smaller_is_saved_again_as_much_smaller(shrink):
    setting = Setting("again", "rock")
    full, small = (
        Drawn(times).resaved(*Drawn(times).photo("wanda", setting, None, NOON), "salt") for times in (1, shrink)
    )
    assert small[1] == full[1]
    assert [shrink * side for side in _size(small[0])] == list(_size(full[0]))


@pytest.mark.parametrize("trick", [None, facts.ROTATED, facts.LOW_RESOLUTION])
def test_a_photo_that_is_drawn_elsewhere_is_the_same_photo(trick):
    setting = Setting("elsewhere", "three")
    here = Drawn(2).photo("wanda", setting, trick, NOON)
    there = answers.Photo(*DrawnElsewhere(in_a_child, 2).photo("wanda", setting, trick, NOON), trick)
    assert (there.data, there.truth) == here
    assert drawing_pool().run(_developed, 2, "wanda", setting, trick, NOON) == here[0]


def test_processes_that_draw_end_with_the_rehearsal_and_the_next_one_gets_others():
    first = in_a_child(os.getpid).result()
    end_drawing()
    assert not Path(f"/proc/{first}").exists()
    assert in_a_child(os.getpid).result() not in {first, os.getpid()}
    end_drawing()
    end_drawing()


def test_processes_that_draw_end_when_nothing_was_to_be_drawn_for_a_while(monkeypatch):
    first = in_a_child(os.getpid).result()
    rest_soon()
    assert in_a_child(os.getpid).result() == first, "the next slice may come soon"
    monkeypatch.setattr(rehearsal_size, "RESTED", 0.0)
    rest_soon()
    assert eventually(lambda: not Path(f"/proc/{first}").exists())
    assert in_a_child(os.getpid).result() not in {first, os.getpid()}
    end_drawing()


def test_what_a_child_cannot_draw_is_drawn_here(monkeypatch):
    def refused(_pool, _work, _shrink, _identity, _setting, _trick, _taken):
        raise Unreadable("crashed", "the child has gone")

    monkeypatch.setattr(Pool, "run", refused)
    setting = Setting("alone", "three")
    promised, _ = DrawnElsewhere(in_a_child, 2).photo("wanda", setting, None, NOON)
    assert promised.result() == Drawn(2).photo("wanda", setting, None, NOON)[0]


def _size(data):
    with Image.open(BytesIO(data)) as image:
        return image.size


def test_a_planted_photo_is_a_tiny_picture_that_every_page_can_show():
    data, _ = PLANTED.photo("wanda", Setting("tiny", "ok"), None, NOON)
    with Image.open(BytesIO(data)) as image:
        assert image.size == (1, 1)
    assert len(data) < 2_000
