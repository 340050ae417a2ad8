"""Control tasks of boxes: right when every known box was drawn, with its label and in its place."""

import pytest

from crowd.quality.boxes import agree, iou
from crowd.services.control import is_right


def box(x: float, y: float, w: float = 0.2, h: float = 0.2, label: str = "gesture") -> dict[str, object]:
    return {"label": label, "x": x, "y": y, "w": w, "h": h}


LEFT, RIGHT = box(0.1, 0.1), box(0.6, 0.1)
KNOWN = {"boxes": [LEFT, RIGHT]}


def test_intersection_over_union_of_two_boxes():
    assert iou(box(0, 0, 2, 2), box(1, 0, 2, 2)) == pytest.approx(1 / 3)
    assert iou(LEFT, RIGHT) == 0
    assert iou(box(0, 0, 0, 0), box(0, 0, 0, 0)) == 0


@pytest.mark.parametrize(
    ("drawn", "right"),
    [
        ([RIGHT, LEFT], True),
        ([box(0.12, 0.11), box(0.61, 0.1)], True),
        ([LEFT], False),
        ([LEFT, RIGHT, box(0.4, 0.7)], False),
        ([LEFT, LEFT], False),
        ([LEFT, box(0.6, 0.1, label="no gesture")], False),
        ([LEFT, box(0.75, 0.1)], False),
        ([], False),
    ],
)
def test_a_control_task_of_boxes_is_right_only_when_each_box_is_there(drawn, right):
    assert is_right(known=KNOWN, payload={"boxes": drawn, "flags": []}) is right


def test_boxes_that_overlap_are_matched_so_that_as_many_as_possible_fit():
    known = [box(0.10, 0.1), box(0.14, 0.1)]
    drawn = [box(0.15, 0.1), box(0.08, 0.1)]  # the first fits both, the second only the first
    assert agree(known, [box(0.13, 0.1), box(0.05, 0.1)])
    assert agree(known, drawn)
    assert not agree(known, [box(0.05, 0.1), box(0.05, 0.1)])


def test_the_known_answer_may_ask_for_a_better_fit():
    drawn = {"boxes": [box(0.14, 0.1)], "flags": []}
    assert is_right(known={"boxes": [LEFT]}, payload=drawn)
    assert not is_right(known={"boxes": [LEFT], "iou": 0.9}, payload=drawn)


def test_a_picture_without_hands_is_right_with_its_flag_alone():
    known = {"boxes": [], "flags": ["no_hands"]}
    assert is_right(known=known, payload={"boxes": [], "flags": ["no_hands"]})
    assert not is_right(known=known, payload={"boxes": [], "flags": ["blurred"]})
    assert not is_right(known=known, payload={"boxes": [LEFT], "flags": []})


def test_a_choice_is_right_word_by_word():
    assert is_right(known={"answer": "correct"}, payload={"answer": "correct"})
    assert not is_right(known={"answer": "correct"}, payload={"answer": "rotated"})
