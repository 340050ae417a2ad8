"""The lab's arithmetic: what changed, which examples are telling, what is right, what buying would have taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregation import Box, BoxSettings, aggregate_many
from curation.dashboard.lab_facts import examples_view
from curation.services.consensus.lab_trial import (
    CURVE_IOUS,
    KINDS,
    Change,
    Drawn,
    Outcome,
    Share,
    bought,
    change_of,
    curve,
    is_right,
    most_telling,
    summary,
)
from curation.services.quality_facts.estimates import jeffreys
from tests.aggregation.drawing import A, B, crowd, moved, seen


def drawn(*boxes: Box) -> tuple[Drawn, ...]:
    return tuple(Drawn(box.x, box.y, box.w, box.h, box.label, 0.9) for box in boxes)


def outcome(status: str, *boxes: Box, confidence: float = 0.9) -> Outcome:
    return Outcome(status, drawn(*boxes), confidence)


def resolve(images, settings):
    return aggregate_many(images, settings)


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (outcome("drop"), outcome("soft", A), "comes_back"),
        (outcome("hard", A), outcome("drop"), "leaves"),
        (outcome("soft", A), outcome("soft", A, B), "boxes"),
        (outcome("soft", A), outcome("soft", moved(A, 0, label="y")), "labels"),
        (outcome("hard", A), outcome("soft", A), "status"),
        (outcome("soft", A), outcome("soft", moved(A, 5)), "moved"),
        (outcome("soft", A), outcome("soft", moved(A, 0.5)), ""),
        (outcome("soft", A, B), outcome("soft", B, A), ""),
        (outcome("hard"), outcome("hard"), ""),
        (outcome("drop"), outcome("drop"), ""),
    ],
)
def test_the_most_telling_difference_names_a_change(before, after, kind):
    assert change_of(before, after) == kind


def changed(**counts: int) -> list[Change]:
    plain = outcome("hard", A)
    return [Change(f"{kind}-{number}", kind, plain, plain) for kind, n in counts.items() for number in range(n)]


def test_examples_show_some_of_each_kind_the_most_telling_first():
    chosen = most_telling(changed(moved=50, leaves=50, labels=3), n=20, seed=1)
    kinds = [change.kind for change in chosen]
    assert len(chosen) == 20
    assert kinds == sorted(kinds, key=KINDS.index)
    assert {kind: kinds.count(kind) for kind in kinds} == {"leaves": 10, "labels": 3, "moved": 7}


def test_examples_are_drawn_by_a_lot_that_does_not_depend_on_the_order():
    many = changed(moved=50)
    assert most_telling(many, n=5, seed=1) == most_telling(many[::-1], n=5, seed=1)
    assert most_telling(many, n=5, seed=1) != most_telling(many, n=5, seed=2)


@pytest.mark.parametrize(
    ("found", "truth", "right"),
    [
        (outcome("hard", A), [moved(A, 20)], True),
        (outcome("hard", A), [moved(A, 150)], False),
        (outcome("hard", A), [moved(A, 0, label="y")], False),
        (outcome("hard", A, B), [A], False),
        (outcome("hard", A), [A, B], False),
        (outcome("soft", B, A), [A, B], True),
        (outcome("soft", A, A), [A, B], False),
        (outcome("hard"), [], True),
        (outcome("drop"), [], False),
        (outcome("drop"), [A], False),
    ],
)
def test_right_means_every_object_met_once_with_its_label(found, truth, right):
    assert is_right(found, truth) is right


def test_the_curve_counts_every_image_at_every_step():
    images = [seen(*crowd(3, A)), seen([A], [moved(A, 30)], [A]), seen([A], [B], [])]
    points = curve(images, BoxSettings(), resolve)
    assert [point.iou for point in points] == list(CURVE_IOUS) == [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9]
    assert all(point.hard + point.soft + point.drop == pytest.approx(1) for point in points)
    hard = [point.hard for point in points]
    assert hard == sorted(hard, reverse=True)
    assert hard[0] > hard[-1]


def test_buying_stops_where_people_agree_and_goes_on_where_they_do_not():
    agreeing = seen(*crowd(5, A))
    late = seen([A], [moved(A, 120)], [A], [A], [A])
    short = seen([A], [B], [])
    taken = bought([agreeing, late, short], BoxSettings(max_answers=5), resolve, start=3)
    assert (taken.images, taken.stored, taken.answers, taken.short) == (3, 13, 3 + 3 + 3, 1)
    assert taken.mean == 3
    eager = bought([agreeing, late, short], BoxSettings(max_answers=5, buy_when="not_hard"), resolve, start=3)
    assert (eager.answers, eager.short) == (3 + 5 + 3, 1)


def test_an_image_with_fewer_answers_than_the_start_is_replayed_as_it_is():
    taken = bought([seen([A])], BoxSettings(), resolve, start=3)
    assert (taken.answers, taken.short) == (1, 1)
    assert bought([], BoxSettings(), resolve, start=3).mean == 0


def test_the_predicted_share_counts_kept_images_alone():
    found = summary([outcome("hard", A, confidence=0.9), outcome("soft", A, confidence=0.7), outcome("drop")])
    assert found.exact == pytest.approx(0.8)
    assert summary([outcome("drop")]).exact is None
    assert (found.images, found.statuses["hard"], found.share("soft").share) == (3, 1, pytest.approx(1 / 3))


@given(st.integers(1, 3000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_the_interval_of_a_sample_holds_the_share_and_stays_a_share(counts):
    share = Share(*counts, is_sample=True)
    low, high = share.interval
    assert 0 <= low <= share.share + 1e-12
    assert share.share - 1e-12 <= high <= 1


def test_the_interval_is_that_of_the_quality_page():
    found = jeffreys(10, 100)
    assert Share(10, 100, is_sample=True).interval == (found.low, found.high)
    assert Share(10, 100).interval is None


@given(st.lists(st.builds(lambda x, y: (x, y, 60.0, 40.0), st.floats(0, 900), st.floats(0, 500)), max_size=6))
def test_an_example_is_cut_to_its_boxes_and_never_beyond_the_picture(places):
    x, y, w, h = (float(part) for part in examples_view(places, 960, 540).split())
    assert x >= 0
    assert y >= 0
    assert x + w <= 960.01
    assert y + h <= 540.01
    for left, top, wide, tall in places:
        assert x - 0.01 <= left
        assert left + wide <= max(x + w, 0) + 0.01
        assert y - 0.01 <= top
        assert min(540.0, top + tall) <= y + h + 0.01
