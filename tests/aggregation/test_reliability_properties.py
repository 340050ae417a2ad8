"""What the reliability model keeps also once it has learnt of people, whatever they draw.

Not kept by what is learnt, and rightly so: a picture made larger or mirrored (sizes and directions of noise are learnt
in pixels and by edge), names that sort otherwise (sums run in the order of names, so the last bits may differ), and the
confidence after an empty answer of somebody who finds next to nothing (it is expected, so it speaks against nothing).
"""

import json
from copy import deepcopy
from dataclasses import replace
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from aggregation import (
    Box,
    BoxAnswer,
    BoxSettings,
    Consensus,
    ImageAnswers,
    ReliabilityState,
    fit_reliability,
    resolve_reliability,
)
from tests.aggregation.drawing import A, B, answered_images, clear_images, shuffled
from tests.aggregation.pools import Person, pool

some = settings(max_examples=25, deadline=None)
FREE = BoxSettings(accept=0, min_answers=1)
CROWD = (
    Person("u0"),
    Person("u1", finds=0.6),
    Person("u2", names=0.4),
    Person("u3", invents=0.5),
    Person("u4", noise=0.12),
    Person("u5", finds=0.9, names=0.7),
    Person("u6"),
)


@cache
def state() -> ReliabilityState:
    """What is known of seven people who are good and bad at different things."""
    images, truth = pool(CROWD, 150, 5, labels=("x", "y"))
    return fit_reliability(images, known={name: truth[name] for name in sorted(truth)[:30]})


def resolved(image: ImageAnswers, chosen: BoxSettings = FREE) -> Consensus:
    return resolve_reliability([image], state(), chosen)[0]


def document(result: Consensus) -> dict[str, object]:
    return json.loads(json.dumps(result.to_json()))


@some
@given(image=answered_images(), data=st.data())
def test_the_order_of_people_and_of_boxes_changes_no_byte(image, data):
    mixed = shuffled(image, data.draw(st.permutations(range(len(image.annotations)))))
    assert document(resolved(mixed)) == document(resolved(image))


@some
@given(images=st.lists(answered_images(), max_size=4))
def test_resolving_changes_neither_the_answers_nor_what_is_known(images):
    given_images, known = deepcopy(images), json.dumps(state().to_json())
    first = resolve_reliability(images, state(), FREE)
    assert resolve_reliability(images, state(), FREE) == first
    assert images == given_images
    assert json.dumps(state().to_json()) == known


@some
@given(image=answered_images())
def test_no_label_is_invented(image):
    said = {(answer.annotator, box.label) for answer in image.annotations for box in answer.boxes}
    for box in resolved(image).boxes:
        assert any((name, box.label) in said for name in box.support)


@some
@given(people=st.sets(st.integers(0, 6), min_size=3), boxes=st.sampled_from(((), (A,), (A, B))))
def test_what_everybody_draws_alike_is_what_comes_out(people, boxes):
    answers = tuple(BoxAnswer(f"u{number}", boxes) for number in sorted(people))
    result = resolved(ImageAnswers("i", answers, 1000, 1000), BoxSettings())
    assert result.status == "hard"
    assert [(*box.corners, box.label) for box in result.boxes] == [(*_corners(box), box.label) for box in boxes]


@some
@given(image=clear_images())
def test_every_edge_lies_between_those_that_its_supporters_drew(image):
    for box in resolved(image).boxes:
        near = [
            _corners(own) for answer in image.annotations for own in answer.boxes if answer.annotator in box.support
        ]
        for edge, value in enumerate(box.corners):
            assert min(place[edge] for place in near) - 1e-9 <= value <= max(place[edge] for place in near) + 1e-9


def _corners(box: Box) -> tuple[float, float, float, float]:
    return box.x, box.y, box.x + box.w, box.y + box.h


@some
@given(image=clear_images(), author=st.sampled_from(("newcomer", "u0", "u4")))
def test_an_empty_answer_is_a_vote_and_never_raises_the_confidence_of_a_box_with_the_same_people_behind_it(
    image, author
):
    others = replace(image, annotations=tuple(answer for answer in image.annotations if answer.annotator != author))
    before, after = resolved(others), resolved(_joined(others, author))
    assert len(after.used) == len(before.used) + 1
    sure = {(box.support, box.label, box.corners): box.confidence for box in before.boxes}
    for box in after.boxes:
        assert box.confidence <= sure.get((box.support, box.label, box.corners), 1.0)


def test_empty_answers_of_those_who_find_what_is_there_win():
    drew = [BoxAnswer("u3", (A,))]
    empty = [BoxAnswer(name) for name in ("u0", "u4", "u6")]
    assert resolved(ImageAnswers("i", (*drew, *empty), 1000, 1000)).boxes == ()


def _joined(image: ImageAnswers, author: str) -> ImageAnswers:
    return replace(image, annotations=(*image.annotations, BoxAnswer(author)))


@some
@given(images=st.lists(answered_images(), max_size=4), data=st.data())
def test_names_that_sort_alike_teach_and_resolve_the_same_under_those_names(images, data):
    images = [replace(image, image=f"i{number}") for number, image in enumerate(images)]
    renamed = [_with_names(image) for image in images]
    plain, other = (fit_reliability(some_images) for some_images in (images, renamed))
    assert [skill.worker[1:-1] for skill in other.skills()] == [skill.worker for skill in plain.skills()]
    assert [replace(skill, worker="") for skill in other.skills()] == [replace(s, worker="") for s in plain.skills()]
    for one, two in zip(
        resolve_reliability(images, plain, FREE), resolve_reliability(renamed, other, FREE), strict=True
    ):
        assert [replace(box, support=()) for box in one.boxes] == [replace(box, support=()) for box in two.boxes]
        assert [f"z{name}z" for box in one.boxes for name in box.support] == [
            name for box in two.boxes for name in box.support
        ]
        assert (one.status, one.confidence, one.next) == (two.status, two.confidence, two.next)


def _with_names(image: ImageAnswers) -> ImageAnswers:
    return replace(image, annotations=tuple(replace(a, annotator=f"z{a.annotator}z") for a in image.annotations))
