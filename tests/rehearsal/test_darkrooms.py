"""What is planted instead of drawn tells the same truth about the same photo."""

import random
from datetime import datetime
from io import BytesIO

import pytest
from PIL import Image

from crowd.rehearsal import answers
from crowd.rehearsal.darkrooms import DRAWN, PLANTED, TEMPLATE_WAYS
from crowd.rehearsal.people import DUPLICATE, PROCESSED_TEMPLATE, TEMPLATE, CrowdMix, Person, profile
from crowd.rehearsal.pictures import SIGNS, Setting
from crowd.rehearsal.pictures import truth as facts

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


def test_a_planted_photo_is_a_tiny_picture_that_every_page_can_show():
    data, _ = PLANTED.photo("wanda", Setting("tiny", "ok"), None, NOON)
    with Image.open(BytesIO(data)) as image:
        assert image.size == (1, 1)
    assert len(data) < 2_000
