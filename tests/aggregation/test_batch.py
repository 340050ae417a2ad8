"""Many images at once give what each gives alone."""

import gc
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregation import (
    BOX_METHODS,
    Box,
    BoxAnswer,
    BoxSettings,
    ImageAnswers,
    ReliabilityState,
    aggregate_boxes,
    aggregate_many,
    fit_reliability,
    resolve_reliability,
)
from aggregation.boxes import batch, fast_results
from tests.aggregation.drawing import A, B, answered_images, crowd, moved, seen

RULES = ("hard-soft-drop", "median", "mean", "wbf")
SETTINGS = (
    BoxSettings(),
    BoxSettings(min_answers=1, buy_when="not_hard"),
    BoxSettings(iou_rule="mean_pair", combine="mean", iou=0.6, min_answers=2),
    BoxSettings(iou=0.4, match_iou=0.3, dot_px=0, dot_share=0, duplicate_iou=1.0, label_count=9),
)


@st.composite
def close_images(draw: st.DrawFn) -> ImageAnswers:
    """People who nearly agree, on objects that may touch, cross, hold one another or stick out."""
    places = draw(st.lists(st.sampled_from((-20.0, 40.0, 60.0, 180.0, 500.0, 900.0)), max_size=3))
    objects = [
        Box(at, draw(st.sampled_from((10.0, 300.0))), 150.0, 150.0, draw(st.sampled_from("xy"))) for at in places
    ]
    answers = []
    for number in range(draw(st.integers(2, 5))):
        boxes = [moved(thing, draw(st.integers(-14, 14)), draw(st.integers(-14, 14))) for thing in objects]
        boxes = [replace(box, x=box.x + box.w, w=-box.w) if draw(st.integers(0, 19)) == 0 else box for box in boxes]
        flags = draw(st.sampled_from(((), (), (), ("no_hands",), ("blurred",))))
        answers.append(BoxAnswer(f"u{number}", tuple(draw(st.permutations(boxes))), flags))
    return ImageAnswers("i", tuple(answers), *draw(st.sampled_from(((1000.0, 1000.0), (None, None), (None, 400.0)))))


@pytest.mark.parametrize("method", RULES)
@settings(max_examples=80, deadline=None)
@given(images=st.lists(st.one_of(close_images(), answered_images()), max_size=6), chosen=st.sampled_from(SETTINGS))
def test_many_images_at_once_give_what_each_gives_alone(method, images, chosen):
    alone = [aggregate_boxes(image, chosen, method) for image in images]
    assert aggregate_many(images, chosen, method=method) == alone


def test_agreement_is_decided_together_whatever_the_shapes_and_places_in_between(monkeypatch):
    asked = []
    monkeypatch.setitem(BOX_METHODS, "hard-soft-drop", lambda image, _: asked.append(image))
    hard = [seen(*crowd(3, A)), seen([], [], []), seen(*crowd(4, A, B)), seen(*crowd(3, B)), seen(*crowd(5, B, A))]
    assert [result.status for result in aggregate_many(hard)] == ["hard"] * 5
    assert asked == []


def test_a_long_list_is_cut_into_pieces_and_keeps_its_order(monkeypatch):
    monkeypatch.setattr(batch, "TOGETHER", 3)
    images = [replace(seen(*crowd(3 + n % 2, A)), image=f"i{n}") for n in range(11)]
    assert [result.image for result in aggregate_many(images)] == [image.image for image in images]


def test_the_garbage_collector_is_left_as_it_was_even_after_a_failure(monkeypatch):
    monkeypatch.setattr(batch, "agreed", lambda *_: 1 / 0)
    for enabled in (True, False):
        (gc.enable if enabled else gc.disable)()
        with pytest.raises(ZeroDivisionError):
            aggregate_many([seen(*crowd(3, A))])
        assert gc.isenabled() is enabled
    gc.enable()


def test_a_contradictory_answer_is_never_passed_as_agreement():
    flagged = BoxAnswer("u3", (A,), ("no_hands",))
    image = seen([A], [A], flagged, [A])
    assert fast_results.agreed([image], 1, fast_results.Agreeing("hard-soft-drop", BoxSettings())) == [None]
    assert aggregate_many([image])[0].dropped == ("u3",)


def test_an_unknown_method_is_refused_before_any_work():
    with pytest.raises(ValueError, match="unknown method 'glad': expected one of hard-soft-drop"):
        aggregate_many([], method="glad")


def test_reliability_learns_from_all_images_or_goes_by_the_state_it_is_given():
    images = [replace(seen(*crowd(4, A), []), image=f"i{n}") for n in range(9)]
    state = fit_reliability(images)
    assert aggregate_many(images, method="reliability") == resolve_reliability(images, state)
    alone = aggregate_many(images[:1], method="reliability", state=state)
    assert alone == resolve_reliability(images[:1], state) != aggregate_many(images[:1], method="reliability")


def test_a_state_is_refused_by_a_method_that_keeps_none():
    with pytest.raises(ValueError, match="method 'median' keeps no state: expected reliability"):
        aggregate_many([], method="median", state=ReliabilityState())


def test_no_images_are_no_work():
    assert all(aggregate_many([], method=method) == [] for method in BOX_METHODS)
