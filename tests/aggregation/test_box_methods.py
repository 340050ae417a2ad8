"""What every method of boxes must keep, and the baselines on their own."""

import json
from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregation import BOX_METHODS, Box, BoxAnswer, BoxSettings, ImageAnswers, aggregate_boxes
from aggregation.core.geometry import iou_of
from aggregation.core.reading import parse_image
from tests.aggregation.drawing import A, B, answered_images, crowd, moved, seen, shuffled

every_method = pytest.mark.parametrize("method", BOX_METHODS)
some = settings(max_examples=60, deadline=None)


def line(image: ImageAnswers, method: str, chosen: BoxSettings | None = None) -> str:
    return json.dumps(aggregate_boxes(image, chosen or BoxSettings(), method).to_json())


@every_method
@some
@given(image=answered_images(), data=st.data())
def test_the_order_of_answers_and_boxes_changes_no_byte(method, image, data):
    order = data.draw(st.permutations(range(len(image.annotations))))
    assert line(image, method) == line(shuffled(image, order), method)


@every_method
@some
@given(image=answered_images())
def test_the_input_is_never_changed_and_other_settings_in_between_do_not_matter(method, image):
    before = deepcopy(image)
    first = line(image, method)
    line(image, method, BoxSettings(iou=0.5, match_iou=0.3, quorum=0.8, min_answers=1))
    assert line(image, method) == first
    assert image == before


@every_method
@some
@given(image=answered_images())
def test_everybody_is_either_used_or_dropped_and_supporters_are_used(method, image):
    result = aggregate_boxes(image, method=method)
    assert sorted(result.used + result.dropped) == sorted(answer.annotator for answer in image.annotations)
    for box in result.boxes:
        assert set(box.support) <= set(result.used)
        assert list(box.support) == sorted(set(box.support))


@every_method
@some
@given(image=answered_images())
def test_a_result_is_well_formed(method, image):
    result = aggregate_boxes(image, method=method)
    document = result.to_json()
    assert (result.status == "drop") == (result.reason is not None)
    assert result.status != "drop" or not result.boxes
    order = [(b["x"], b["y"]) for b in document["boxes"]]
    assert order == sorted(order)
    chances = [result.confidence, *(b.confidence for b in result.boxes), *(b.confidence_75 for b in result.boxes)]
    assert all(0 <= chance <= 1 for chance in chances)


@every_method
@some
@given(image=answered_images())
def test_every_result_box_lies_in_the_image_and_over_a_box_of_a_supporter(method, image):
    for box in aggregate_boxes(image, method=method).boxes:
        x1, y1, x2, y2 = box.corners
        if image.width and image.height:
            assert -1e-9 <= x1 <= x2 <= image.width + 1e-9
            assert -1e-9 <= y1 <= y2 <= image.height + 1e-9
        assert any(iou_of(box.corners, _corners(drawn)) > 0 for drawn in _drawn(image, box.support))


def _drawn(image: ImageAnswers, names: tuple[str, ...]) -> list[Box]:
    return [box for answer in image.annotations if answer.annotator in names for box in answer.boxes]


def _corners(box: Box) -> tuple[float, float, float, float]:
    (x1, x2), (y1, y2) = sorted((box.x, box.x + box.w)), sorted((box.y, box.y + box.h))
    return x1, y1, x2, y2


@every_method
@some
@given(st.lists(st.sampled_from([A, B, Box(400, 20, 60, 90, "y")]), unique=True), st.integers(3, 6))
def test_people_who_draw_the_same_get_just_that(method, boxes, count):
    result = aggregate_boxes(seen(*[boxes] * count), method=method)
    assert result.status == "hard"
    assert {(b.x, b.y, b.w, b.h, b.label) for b in result.boxes} == {(b.x, b.y, b.w, b.h, b.label) for b in boxes}


@every_method
def test_all_empty_means_nothing_there(method):
    result = aggregate_boxes(seen([], [], []), method=method)
    assert (result.status, result.boxes, result.confidence) == ("hard", (), 0.98)


@every_method
def test_too_few_answers_are_dropped_and_one_more_is_bought(method):
    result = aggregate_boxes(seen([A], [A]), method=method)
    assert (result.status, result.reason, result.next) == ("drop", "few", "buy")


def test_an_unknown_method_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="unknown method 'oracle': expected one of hard-soft-drop, median"):
        aggregate_boxes(seen([A]), method="oracle")


@some
@given(image=answered_images(), higher=st.floats(0.71, 1))
def test_a_stricter_iou_never_makes_an_image_hard(image, higher):
    if aggregate_boxes(image, BoxSettings(iou=higher)).status == "hard":
        assert aggregate_boxes(image).status == "hard"


@some
@given(image=answered_images())
def test_hard_means_that_everybody_drew_every_box(image):
    result = aggregate_boxes(image)
    if result.status == "hard":
        assert all(len(box.support) == len(image.annotations) for box in result.boxes)
        assert result.lowest_iou is None or result.lowest_iou >= 0.7 - 1e-9


@some
@given(image=answered_images(), times=st.sampled_from([2.0, 4.0]))
def test_a_larger_picture_gives_the_same_result_larger(image, times):
    chosen = BoxSettings(dot_px=0, dot_share=0)
    larger = replace(
        image,
        width=image.width and image.width * times,
        height=image.height and image.height * times,
        annotations=tuple(
            replace(a, boxes=tuple(Box(b.x * times, b.y * times, b.w * times, b.h * times, b.label) for b in a.boxes))
            for a in image.annotations
        ),
    )
    small, big = aggregate_boxes(image, chosen), aggregate_boxes(larger, chosen)
    assert small.status == big.status
    assert [box.x * times for box in small.boxes] == pytest.approx([box.x for box in big.boxes])


def test_one_more_agreeing_answer_never_lowers_and_an_empty_one_never_raises_confidence():
    three = aggregate_boxes(seen(*crowd(3, A))).boxes[0].confidence
    assert aggregate_boxes(seen(*crowd(4, A))).boxes[0].confidence >= three
    assert aggregate_boxes(seen(*crowd(3, A), [])).boxes[0].confidence <= three


@some
@given(image=answered_images())
def test_a_line_can_be_read_back(image):
    document = {
        "image": image.image,
        "width": image.width,
        "height": image.height,
        "annotations": [
            {
                "annotator": answer.annotator,
                "boxes": [{"x": b.x, "y": b.y, "w": b.w, "h": b.h, "label": b.label} for b in answer.boxes],
                "flags": list(answer.flags),
            }
            for answer in image.annotations
        ],
    }
    assert parse_image(json.loads(json.dumps(document))) == image


def test_the_median_keeps_what_a_majority_drew():
    result = aggregate_boxes(seen([A, B], [A, B], [A]), method="median")
    assert [(box.x, box.support) for box in result.boxes] == [(100, ("u1", "u2", "u3")), (600, ("u1", "u2"))]


def test_the_mean_differs_from_the_median():
    answers = seen([A], [A], [moved(A, 30)])
    assert aggregate_boxes(answers, method="median").boxes[0].x == 100
    assert aggregate_boxes(answers, method="mean").boxes[0].x == 110


def test_baselines_decide_where_the_rule_refuses():
    loose = seen([A], [moved(A, 5)], [moved(A, 40)])
    assert aggregate_boxes(loose).status == "drop"
    assert aggregate_boxes(loose, method="median").status == "soft"


def test_a_tie_of_labels_goes_to_the_nearest_box_and_not_to_the_alphabet():
    named = [(0, "a"), (40, "a"), (10, "y"), (12, "y")]
    answers = seen(*[[moved(A, dx, label=label)] for dx, label in named])
    assert aggregate_boxes(answers, method="median").boxes[0].label == "y"


def test_weighted_boxes_fusion_keeps_labels_apart():
    answers = seen([A], [A], [moved(A, 0, label="y")])
    assert [(b.label, b.support) for b in aggregate_boxes(answers, method="wbf").boxes] == [("x", ("u1", "u2"))]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"iou": 0}, "setting iou is 0: expected a number above 0 to 1"),
        ({"iou": float("nan")}, "setting iou is nan"),
        ({"quorum": 0.5}, "setting quorum is 0.5: expected a number above 0.5 to 1"),
        ({"min_answers": 0}, "setting min_answers is 0: expected a whole number of at least 1"),
        ({"min_answers": 2.5}, "setting min_answers is 2.5: expected a whole number"),
        ({"combine": "middle"}, "setting combine is 'middle': expected one of median, mean"),
        ({"buy_when": "always"}, "setting buy_when is 'always': expected one of drop, not_hard"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_bounds(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        BoxSettings(**settings)


def test_an_annotator_may_answer_an_image_once():
    with pytest.raises(ValueError, match="annotator 'u1' answers twice"):
        ImageAnswers("i", (BoxAnswer("u1"), BoxAnswer("u1")))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e12])
def test_a_box_needs_finite_numbers(value):
    with pytest.raises(ValueError, match="expected a finite number of pixels"):
        Box(value, 0, 1, 1, "x")
