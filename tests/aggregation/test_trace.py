"""Every result says which question failed, what was removed, replaced, added, and whose it was."""

import pytest

from aggregation import Box, BoxAnswer, aggregate_boxes
from tests.aggregation.drawing import DOT, A, B, crowd, moved, seen

LOOSE = [*crowd(2, A), [moved(A, 40)]]


def texts(*answers: object) -> list[str]:
    return [step.text for step in aggregate_boxes(seen(*answers)).trace]


@pytest.mark.parametrize(
    ("answers", "question"),
    [
        ([*crowd(2, A), []], "count"),
        ([*crowd(2, A), [B]], "groups"),
        ([*crowd(2, A), [moved(A, 0, label="y")]], "labels"),
        (LOOSE, "iou"),
    ],
)
def test_each_of_the_four_questions_is_named_when_it_alone_says_no(answers, question):
    steps = [step for step in aggregate_boxes(seen(*answers)).trace if step.key.startswith("hard.")]
    assert [step.key for step in steps if not step.ok] == [f"hard.{question}"]
    assert steps[-1].text.startswith(f"hard.{question}: no, ")


def test_agreement_answers_all_six_questions_with_yes():
    steps = aggregate_boxes(seen(*crowd(3, A))).trace
    assert [step.key for step in steps] == [
        "hard.enough",
        "hard.count",
        "hard.groups",
        "hard.labels",
        "hard.iou",
        "hard.clean",
    ]
    assert all(": yes, " in step.text for step in steps)


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ([*crowd(2, A), [A, DOT]], "soft.dots: removed 1 box: x at 500,500 0.5x0.5 by u3"),
        (
            [*crowd(3, A), [A, moved(A, 12)]],
            "soft.duplicates: removed 1 box: x at 112,100 200x200 by u4",
        ),
        ([*crowd(3, A), [A, B]], "soft.outliers: removed 1 box: x at 600,600 200x200 by u4"),
        ([*crowd(2, A), [moved(A, 0, label="y")]], "soft.labels: replaced 1 label: y by x for u3"),
        ([*crowd(2, A), []], "soft.missing: added 1 box for u3"),
        ([*crowd(3, A), [moved(A, 40)]], "soft.drop_k: left out 1 answer of 4 (u4)"),
    ],
)
def test_each_repair_alone_rescues_an_image_and_says_so(answers, sentence):
    result = aggregate_boxes(seen(*answers))
    repairs = [step.text for step in result.trace if step.key.startswith("soft.") and step.key != "soft.iou"]
    assert result.status == "soft"
    assert repairs == [sentence]


def test_the_counts_of_the_boxes_are_told_with_their_owners():
    assert "hard.count: no, 2 2 1 boxes (u1 u2 u3)" in texts([A, B], [A, B], [A])


def test_a_contradiction_is_told_with_its_owner():
    said = texts(*crowd(3, A), BoxAnswer("u4", (A,), ("no_hands",)))
    assert "soft.dots: set aside the answer of u4, which says nothing is there and draws boxes" in said


def test_a_box_cut_at_the_border_is_told():
    out = Box(900, 100, 200, 200, "x")
    assert texts([out], [out], [out])[0] == "prepare.clipped: 3 boxes cut at the border of the image (u1 u2 u3)"


def test_a_drop_ends_with_its_reason():
    assert texts(*LOOSE)[-1] == "drop.iou: the boxes lie too far apart"
    assert texts(*crowd(2, A), [], [])[-1] == "drop.split: leaving out 1 answer works in 4 ways that do not agree"
