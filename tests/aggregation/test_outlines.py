"""Of several people's outlines the one in the middle is taken; outlines that lie apart are not agreed."""

from math import cos, pi, sin

import pytest

from aggregation import Box, BoxAnswer, BoxSettings, ImageAnswers, aggregate_boxes, with_outlines
from aggregation.boxes.outlines import bounds, outline_iou
from aggregation.core.answers import Outline

SQUARE: Outline = ((10, 10), (30, 10), (30, 30), (10, 30))
HALF: Outline = ((10, 10), (30, 10), (10, 30))


def ring(x: float, y: float, radius: float, corners: int = 40) -> Outline:
    turns = [2 * pi * k / corners for k in range(corners)]
    return tuple((x + radius * cos(turn), y + radius * sin(turn)) for turn in turns)


def said(name: str, outline: Outline) -> BoxAnswer:
    x1, y1, x2, y2 = bounds(outline)
    return BoxAnswer(name, (Box(x1, y1, x2 - x1, y2 - y1, "hand", outline),))


def agreed(*answers: BoxAnswer, **settings: float):
    image = ImageAnswers("a.jpg", answers, 400, 300)
    options = BoxSettings(**settings)
    return with_outlines(aggregate_boxes(image, options), image, options)


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        (SQUARE, SQUARE, 1.0),
        (SQUARE, HALF, 0.5),
        (SQUARE, tuple(reversed(SQUARE)), 1.0),
        (SQUARE, ((20, 10), (40, 10), (40, 30), (20, 30)), 1 / 3),
        (SQUARE, ((50, 50), (60, 50), (60, 60)), 0.0),
        (ring(0, 0, 10), ring(0, 0, 20), 0.25),
    ],
)
def test_outlines_share_what_they_share_of_the_area(first, second, shared):
    assert outline_iou(first, second) == pytest.approx(shared, abs=0.012)
    assert outline_iou(second, first) == outline_iou(first, second)


def test_the_outline_that_agrees_most_with_the_others_is_taken_with_the_box_around_it():
    middle = ring(101, 100, 50)
    found = agreed(said("a", ring(98, 100, 50)), said("b", middle), said("c", ring(104, 100, 50)))
    (box,) = found.boxes
    assert (found.status, box.outline) == ("hard", middle)
    assert box.corners == pytest.approx((51, 50, 151, 150))
    assert found.trace[-1].text.startswith("Outline 1: of 3 the one by b agrees most with the others, mean IoU 0.9")


def test_outlines_apart_in_boxes_alike_are_not_agreed():
    upper, lower = ((0, 0), (100, 0), (0, 100)), ((100, 0), (100, 100), (0, 100))
    found = agreed(said("a", upper), said("b", lower), said("c", upper), max_answers=5, iou=0.7)
    assert (found.status, found.reason, found.boxes, found.next) == ("drop", "iou", (), "buy")
    assert agreed(*(said(name, upper) for name in "abc")).status == "hard"


def test_boxes_without_outlines_stay_as_they_were():
    plain = [BoxAnswer(name, (Box(10, 10, 50, 50, "hand"),)) for name in "abc"]
    image = ImageAnswers("a.jpg", tuple(plain), 400, 300)
    before = aggregate_boxes(image, BoxSettings())
    assert with_outlines(before, image, BoxSettings()) is before


def test_each_of_two_things_in_nearly_one_box_keeps_the_outline_of_its_own_label():
    """A person and her skin, drawn by three: the agreed person lies nearer to what one of them drew as the skin."""

    def both(name: str, person: float, skin: float) -> BoxAnswer:
        drawn = [(ring(100, 100, 50 + person), "person"), (ring(100, 100, 50 + skin, corners=12), "skin")]
        return BoxAnswer(name, tuple(Box(x, y, v - x, w - y, word, line) for line, word in drawn
                                     for x, y, v, w in [bounds(line)]))  # fmt: skip

    found = agreed(both("a", 4, 0), both("b", 0, -4), both("c", -2, -6), iou=0.5)
    corners = {box.label: len(box.outline) for box in found.boxes}
    assert (found.status, corners) == ("hard", {"person": 40, "skin": 12})
