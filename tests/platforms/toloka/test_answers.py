"""Answers between Toloka's fields and ours, in both shapes that boxes come in."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowd.errors import BadAnswer
from crowd.platforms.toloka.answers import boxes_of, flags_of, output_values, payload_of
from crowd.services.answers import check_payload
from tests.crowd.market import SPECS


def box(x, y, w, h, label="gesture"):
    return {"x": x, "y": y, "w": w, "h": h, "label": label}


def test_a_photo_is_the_id_of_its_attachment():
    assert payload_of({"photo": "1f0c7a1e"}) == {"file_ref": "1f0c7a1e", "name": "1f0c7a1e"}
    assert payload_of({"photo": ["1f0c7a1e", "2"]})["file_ref"] == "1f0c7a1e"


def test_a_choice_is_its_value():
    assert payload_of({"answer": "correct"}) == {"answer": "correct"}


def test_boxes_of_the_template_builder_are_fractions_from_the_top_left():
    drawn = [{"shape": "rectangle", "left": Decimal("0.37"), "top": Decimal("0.57"), "width": Decimal("0.22"),
              "height": Decimal("0.18"), "label": "gesture"}]  # fmt: skip
    assert payload_of({"result": drawn}) == {"boxes": [box(0.37, 0.57, 0.22, 0.18)], "flags": []}


def test_boxes_of_the_classic_component_come_by_their_corners():
    drawn = [{"type": "rectangle", "data": {"p1": {"x": 0.5, "y": 0.6}, "p2": {"x": 0.1, "y": 0.2}},
              "annotation": "gesture"}]  # fmt: skip
    (one,) = boxes_of(drawn)
    assert (one["x"], one["y"], one["label"]) == (0.1, 0.2, "gesture")
    assert (one["w"], one["h"]) == pytest.approx((0.4, 0.4))


def test_a_polygon_becomes_the_box_around_it():
    points = [{"left": 0.2, "top": 0.3}, {"left": 0.6, "top": 0.1}, {"left": 0.4, "top": 0.9}]
    (one,) = boxes_of([{"shape": "polygon", "points": points, "label": "gesture"}])
    assert [one[side] for side in "xywh"] == pytest.approx([0.2, 0.1, 0.4, 0.8])


def test_what_was_drawn_beyond_the_edge_ends_at_the_edge():
    drawn = [{"shape": "rectangle", "left": -0.01, "top": 0.9, "width": 0.2, "height": 0.2, "label": "gesture"}]
    (one,) = boxes_of(drawn)
    assert [one[side] for side in "xywh"] == pytest.approx([0, 0.9, 0.19, 0.1])
    check_payload(interface="boxes", spec=SPECS["boxes"], payload={"boxes": [one], "flags": []})


@pytest.mark.parametrize("ticked", [{"no_hands": True, "blurred": False}, ["no_hands"]])
def test_flags_come_as_ticks_or_as_a_list(ticked):
    assert payload_of({"flags": ticked}) == {"boxes": [], "flags": ["no_hands"]}


@pytest.mark.parametrize(
    "broken",
    [
        [{"shape": "rectangle", "left": 0.1, "width": 0.2, "height": 0.2}],
        [{"shape": "rectangle", "left": None, "top": 0, "width": 0.2, "height": Decimal("0.2")}],
        [7],
        [{"shape": "rectangle", "label": "gesture"}],
        "a string",
        [{"data": {"p1": {"x": 0.1}}}],
    ],
)
def test_a_broken_drawing_is_handed_on_and_refused_where_answers_are_checked(broken):
    payload = payload_of({"result": broken})
    json.dumps(payload)
    with pytest.raises(BadAnswer):
        check_payload(interface="boxes", spec=SPECS["boxes"], payload=payload)


def test_a_point_has_no_size_and_is_refused():
    payload = payload_of({"result": [{"shape": "point", "left": 0.5, "top": 0.5, "label": "gesture"}]})
    with pytest.raises(BadAnswer, match="have a size"):
        check_payload(interface="boxes", spec=SPECS["boxes"], payload=payload)


def test_flags_of_nothing_are_none():
    assert flags_of(None) == flags_of({}) == []


side = st.floats(0.01, 0.49)


@given(st.lists(st.builds(box, side, side, side, side), max_size=4), st.lists(st.sampled_from("ab"), unique=True))
def test_a_known_answer_comes_back_as_it_went(boxes, flags):
    answer = {"boxes": boxes, "flags": flags}
    values = json.loads(json.dumps(output_values(answer)), parse_float=Decimal)
    assert payload_of(values) == answer
