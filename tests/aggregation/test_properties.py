"""What every method of boxes keeps, whatever people draw."""

import json
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aggregation import (
    BOX_METHODS,
    Box,
    BoxAnswer,
    BoxSettings,
    Consensus,
    ImageAnswers,
    aggregate_boxes,
    aggregate_many,
)
from aggregation.core.geometry import Corners, iou_of
from tests.aggregation.drawing import A, answered_images, clear_images, seen

every_method = pytest.mark.parametrize("method", BOX_METHODS)
some = settings(max_examples=25, deadline=None)


def document(result: Consensus) -> str:
    return json.dumps(result.to_json())


def corners(box: Box) -> Corners:
    (x1, x2), (y1, y2) = sorted((box.x, box.x + box.w)), sorted((box.y, box.y + box.h))
    return x1, y1, x2, y2


def drawn(image: ImageAnswers) -> list[tuple[str, Box]]:
    return [(answer.annotator, box) for answer in image.annotations for box in answer.boxes]


@every_method
@some
@given(images=st.lists(answered_images(), min_size=2, max_size=4), data=st.data())
def test_the_order_of_the_images_changes_no_byte(method, images, data):
    named = [replace(image, image=f"i{number}") for number, image in enumerate(images)]
    order = data.draw(st.permutations(range(len(named))))
    straight = {result.image: document(result) for result in aggregate_many(named, method=method)}
    mixed = {result.image: document(result) for result in aggregate_many([named[i] for i in order], method=method)}
    assert mixed == straight


@every_method
@some
@given(image=answered_images())
def test_names_that_sort_alike_give_the_same_result_under_those_names(method, image):
    renamed = replace(image, annotations=tuple(replace(a, annotator=f"z{a.annotator}z") for a in image.annotations))
    expected = json.loads(document(aggregate_boxes(image, method=method)))
    result = json.loads(document(aggregate_boxes(renamed, method=method)))
    old = [name[1:-1] for name in (*result["used"], *result["dropped"])]
    assert old == [*expected["used"], *expected["dropped"]]
    for key in ("status", "next", "confidence", "lowest_iou", "flags"):
        assert result[key] == expected[key]
    bare = [{key: value for key, value in box.items() if key != "support"} for box in result["boxes"]]
    assert bare == [{key: value for key, value in box.items() if key != "support"} for box in expected["boxes"]]


@every_method
@some
@given(image=answered_images())
def test_nobody_supports_more_boxes_than_they_drew(method, image):
    result = aggregate_boxes(image, method=method)
    supported = Counter(name for box in result.boxes for name in box.support)
    assert all(count <= sum(name == owner for owner, _ in drawn(image)) for name, count in supported.items())


@every_method
@some
@given(image=answered_images())
def test_no_label_is_invented(method, image):
    for box in aggregate_boxes(image, method=method).boxes:
        assert box.label in {own.label for name, own in drawn(image) if name in box.support}


@every_method
@some
@given(image=clear_images())
def test_hard_means_that_everybody_drew_what_is_handed_out(method, image):
    result = aggregate_boxes(image, method=method)
    if result.status == "hard":
        assert {len(answer.boxes) for answer in image.annotations} == {len(result.boxes)}
        assert all(len(box.support) == len(image.annotations) for box in result.boxes)
        assert Counter(box.label for _, box in drawn(image)) == {
            label: count * len(image.annotations) for label, count in Counter(b.label for b in result.boxes).items()
        }
        assert result.lowest_iou is None or result.lowest_iou >= 0.7 - 1e-9


@every_method
@some
@given(image=answered_images())
def test_every_edge_lies_between_those_that_its_supporters_drew(method, image):
    for box in aggregate_boxes(image, method=method).boxes:
        near = [_clipped(own, image) for name, own in drawn(image) if name in box.support]
        for edge, value in enumerate(box.corners):
            assert min(place[edge] for place in near) - 1e-9 <= value <= max(place[edge] for place in near) + 1e-9


def _clipped(box: Box, image: ImageAnswers) -> list[float]:
    limits = (image.width or float("inf"), image.height or float("inf")) * 2
    least = -float("inf") if image.width is None else 0.0
    return [min(max(value, least), limit) for value, limit in zip(corners(box), limits, strict=True)]


def changed(image: ImageAnswers, how) -> ImageAnswers:
    """The image with every box changed."""
    people = (replace(answer, boxes=tuple(map(how, answer.boxes))) for answer in image.annotations)
    return replace(image, annotations=tuple(people))


def places(result: Consensus) -> list[Corners]:
    return sorted(box.corners for box in result.boxes)


def flat(rows: list[Corners]) -> list[float]:
    return [value for row in rows for value in row]


@every_method
@some
@given(image=clear_images(), dx=st.integers(-400, 400), dy=st.integers(-400, 400))
def test_moving_everything_moves_the_result(method, image, dx, dy):
    borderless = replace(image, width=None, height=None)
    there = aggregate_boxes(changed(borderless, lambda b: replace(b, x=b.x + dx, y=b.y + dy)), method=method)
    here = aggregate_boxes(borderless, method=method)
    assert there.status == here.status
    moved = [value + by for place in places(here) for value, by in zip(place, (dx, dy, dx, dy), strict=True)]
    assert flat(places(there)) == pytest.approx(moved)


@every_method
@some
@given(image=clear_images(), times=st.sampled_from((0.5, 2.0, 8.0)))
def test_a_larger_picture_gives_a_larger_result(method, image, times):
    chosen = BoxSettings(dot_px=0)
    larger = changed(image, lambda b: Box(b.x * times, b.y * times, b.w * times, b.h * times, b.label))
    larger = replace(larger, width=image.width * times, height=image.height * times)
    small, big = (aggregate_boxes(one, chosen, method) for one in (image, larger))
    assert small.status == big.status
    assert [value * times for value in flat(places(small))] == flat(places(big))


@every_method
@some
@given(image=clear_images())
def test_a_mirrored_picture_gives_the_mirrored_result(method, image):
    mirrored = changed(image, lambda b: replace(b, x=image.width - b.x - b.w))
    here, there = (aggregate_boxes(one, method=method) for one in (image, mirrored))
    assert here.status == there.status
    turned = sorted((image.width - x2, y1, image.width - x1, y2) for x1, y1, x2, y2 in places(here))
    assert flat(places(there)) == pytest.approx(flat(turned))


@some
@given(image=answered_images(), least=st.integers(2, 6))
def test_asking_for_more_answers_never_resolves_more(image, least):
    if aggregate_boxes(image, BoxSettings(min_answers=least + 1)).status != "drop":
        assert aggregate_boxes(image, BoxSettings(min_answers=least)).status != "drop"


@every_method
@some
@given(image=clear_images())
def test_an_empty_answer_never_raises_the_confidence_of_a_box_with_the_same_people_behind_it(method, image):
    before = aggregate_boxes(image, method=method)
    after = aggregate_boxes(joined(image, ()), method=method)
    for earlier, later in both(before, after):
        assert later.support != earlier.support or later.confidence <= earlier.confidence


@every_method
@some
@given(image=clear_images(slips=False))
def test_one_more_answer_equal_to_the_result_lowers_no_confidence_and_drops_no_image(method, image):
    before = aggregate_boxes(image, method=method)
    assume(before.status != "drop")
    after = aggregate_boxes(joined(image, before.boxes), method=method)
    assert after.status != "drop"
    if set(before.dropped) & set(after.used):
        return  # somebody who was left out counts again, and with them what they doubt
    for earlier, later in both(before, after):
        assert later.confidence >= earlier.confidence - 1e-12


def joined(image: ImageAnswers, boxes) -> ImageAnswers:
    more = BoxAnswer("zz", tuple(Box(box.x, box.y, box.w, box.h, box.label) for box in boxes))
    return replace(image, annotations=(*image.annotations, more))


def both(before: Consensus, after: Consensus):
    """The boxes that are there before and after."""
    return [
        (a, b) for a in before.boxes for b in after.boxes if a.label == b.label and iou_of(a.corners, b.corners) > 0.5
    ]


def test_the_doubt_of_an_answer_left_out_counts_again_when_one_more_answer_brings_it_back():
    places = (105, 120), (111, 120), (84, 119), (84, 135)
    image = seen(*[[Box(x, y, 80, 160, "x")] for x, y in places])
    before = aggregate_boxes(image)
    after = aggregate_boxes(joined(image, before.boxes))
    assert (before.dropped, after.dropped) == (("u3",), ())
    assert after.boxes[0].confidence < before.boxes[0].confidence
    assert after.boxes[0].confidence_75 > before.boxes[0].confidence_75


@every_method
@pytest.mark.parametrize(("drew", "stayed_empty"), [(1, 4), (0, 3)])
def test_empty_answers_are_votes_that_win(method, drew, stayed_empty):
    result = aggregate_boxes(seen(*[[A]] * drew, *[[]] * stayed_empty), BoxSettings(accept=0), method)
    assert (result.status != "drop", result.boxes) == (True, ())
    assert len(result.used) == drew + stayed_empty
