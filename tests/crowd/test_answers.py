"""Answers of other people's pages, before they are looked at."""

import pytest

from crowd.errors import BadAnswer
from crowd.services.answers import check_payload, inside_the_picture

SPEC = {"labels": [{"name": "hand"}], "flags": [{"value": "none"}]}


def drawn(x: float, y: float, w: float, h: float) -> dict:
    return {"boxes": [{"label": "hand", "x": x, "y": y, "w": w, "h": h}], "flags": []}


@pytest.mark.parametrize(
    ("over", "within"),
    [
        ((0.9, 0.2, 0.3, 0.3), (0.9, 0.2, 0.1, 0.3)),
        ((-0.1, -0.2, 0.3, 0.3), (0.0, 0.0, 0.2, 0.1)),
        ((-0.5, -0.5, 2.0, 2.0), (0.0, 0.0, 1.0, 1.0)),
        ((0.25, 0.25, 0.5, 0.5), (0.25, 0.25, 0.5, 0.5)),
    ],
)
def test_a_box_drawn_over_the_edge_keeps_the_part_inside(over, within):
    answer = inside_the_picture(drawn(*over))
    check_payload(interface="boxes", spec=SPEC, payload=answer)
    (box,) = answer["boxes"]
    assert [box[side] for side in "xywh"] == pytest.approx(within)
    assert box["label"] == "hand"


@pytest.mark.parametrize("outside", [(1.1, 0.2, 0.3, 0.3), (-0.5, 0.1, 0.4, 0.4), (0.5, 0.5, 0.0, 0.1)])
def test_a_box_of_which_nothing_lies_inside_is_refused_as_it_came(outside):
    answer = inside_the_picture(drawn(*outside))
    assert answer == drawn(*outside)
    with pytest.raises(BadAnswer, match="Box 1 must lie inside the picture"):
        check_payload(interface="boxes", spec=SPEC, payload=answer)


@pytest.mark.parametrize("strange", [None, [], {"answer": "yes"}, {"boxes": "none"}, {"boxes": [None, 7, {"x": "a"}]}])
def test_what_is_no_drawing_is_left_alone(strange):
    assert inside_the_picture(strange) == strange
