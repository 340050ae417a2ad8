"""The parts of the reliability model: grouping at once, learning that never falls, known truth, calibration."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregation import BadInput, Box, BoxSettings, ReliabilityState, fit_reliability, resolve_reliability
from aggregation.boxes.cleaning import clean
from aggregation.boxes.groups import group_boxes
from aggregation.boxes.reliability import existence, naming
from aggregation.boxes.reliability.calibrate import Calibration, calibrate
from aggregation.boxes.reliability.cells import CELLS, LIES, cells_of
from aggregation.boxes.reliability.existence import HARD, LURE, PLAIN
from aggregation.boxes.reliability.finding import (
    POOL_IMAGES,
    START_RATES,
    START_STRAY,
    STRAY_ANSWERS,
    Finding,
)
from aggregation.boxes.reliability.known import corners_of, with_truth
from aggregation.boxes.reliability.naming import PSEUDO_MISTAKES, PSEUDO_OBJECTS, Naming
from aggregation.boxes.reliability.sharing import Sharing
from aggregation.boxes.reliability.tabulate import tabulate
from aggregation.boxes.sheet import prepare
from aggregation.core.geometry import iou_of
from aggregation.core.skills import PRIOR_RIGHT, PRIOR_WRONG
from tests.aggregation.drawing import A, B, answered_images, crowd, moved, seen
from tests.aggregation.pools import GOOD, LABELS, Person, pool

some = settings(max_examples=60, deadline=None)
MIXED = (*GOOD, Person("hasty", finds=0.5), Person("wild", finds=0.3, names=0.4, invents=0.8))


@some
@given(st.lists(answered_images(), min_size=1, max_size=4))
def test_grouping_many_images_at_once_gives_the_groups_of_the_general_rule(images):
    numbered = [replace(image, image=f"i{number}") for number, image in enumerate(images)]
    candidates = tabulate(numbered, BoxSettings())
    loose = BoxSettings(match_iou=0.4)
    flat = candidates.flat
    first = np.searchsorted(flat.of[flat.owner], np.arange(len(numbered)))
    for row, image in enumerate(numbered):
        sheet = prepare(image, loose)
        rows = candidates.box[candidates.table.image == row]
        found = sorted(tuple(sorted(int(box) for box in own - first[row] if box >= 0)) for own in rows)
        assert found == sorted(group_boxes(sheet, clean(sheet, loose).boxes, loose))


def test_an_image_with_very_many_boxes_is_grouped_by_the_general_rule():
    grid = [Box(40 * column, 40 * row, 36, 36, "x") for column in range(6) for row in range(5)]
    table = tabulate([seen(*crowd(3, *grid))], BoxSettings()).table
    assert table.drawn.sum(axis=1).tolist() == [3] * 30


def test_learning_who_finds_objects_never_lowers_the_likelihood_with_its_prior():
    images, truth = pool(MIXED, 80, 5)
    table = with_truth(tabulate(images, BoxSettings()).table, {"i0003": truth["i0003"], "i0004": truth["i0004"]})
    cell, prior = cells_of(table).cell, Finding.of(table.workers)
    finding, last = prior, -np.inf
    for _ in range(15):
        expected = existence.expect(table, cell, finding)
        reached = expected.likelihood + _log_prior(finding, prior)
        assert reached >= last - 1e-9
        last, finding = reached, existence.maximise(table, cell, expected, finding, prior)


def _log_prior(finding: Finding, prior: Finding) -> float:
    rates = finding.rates
    pooled = np.stack([rates[:, PLAIN], rates[:, HARD] + rates[:, LURE]], axis=1)
    counts = prior.counts + POOL_IMAGES * START_RATES / CELLS
    terms = (
        counts * np.log(pooled) - (prior.images + POOL_IMAGES) * pooled,
        START_STRAY * STRAY_ANSWERS * np.log(finding.stray_rates) - STRAY_ANSWERS * finding.stray_rates,
        np.log(finding.stray_shares),
        -prior.found_weight * (finding.found - prior.found) ** 2 / 2,
        -prior.ease_weight * (finding.ease - prior.ease) ** 2 / 2,
    )
    return float(sum(term.sum() for term in terms))


def test_learning_who_names_right_never_lowers_the_likelihood_with_its_prior():
    images, _ = pool(MIXED, 80, 5)
    table = tabulate(images, BoxSettings()).table
    exists = np.linspace(0.2, 1.0, len(table.image))
    prior = Naming.of(table.workers, table.labels)
    votes = naming._Votes.of(table, table.labels, frozenset(table.labels), len(LABELS))
    current, last = prior, -np.inf
    for _ in range(15):
        logs = naming._logs(votes, current)[:, : len(LABELS)]
        reached = float((exists * np.logaddexp.reduce(logs, axis=1)).sum()) + _log_prior_of_naming(current)
        assert reached >= last - 1e-9
        last, current = reached, naming.maximise(votes, exists, naming._chances(votes, current), current, prior)


def _log_prior_of_naming(current: Naming) -> float:
    size = len(current.labels)
    objects = (current.objects + PSEUDO_OBJECTS) / (current.objects.sum() + PSEUDO_OBJECTS * size)
    towards = np.log(naming._where_mistakes_go(current, size))
    right = PRIOR_RIGHT * np.log(current.accuracy) + PRIOR_WRONG * np.log(1 - current.accuracy)
    return float(right.sum() + PSEUDO_OBJECTS * np.log(objects).sum() + PSEUDO_MISTAKES / (size - 1) * towards.sum())


def half_seen(people: int, name: str = "i"):
    """Answers to one image with an object that everybody draws and another that every second one does."""
    answers = [[moved(A, n % 5), moved(B, n % 7)][: 1 + (n + len(name)) % 2] for n in range(people)]
    return replace(seen(*answers), image=name)


@pytest.mark.parametrize("people", [6, 30, 100, 300])
def test_what_many_draw_is_nobody_s_own_stray_box_however_many_answered(people):
    result = resolve_reliability([half_seen(people)], ReliabilityState(), BoxSettings(accept=0))[0]
    assert len(result.boxes) == 2
    assert 0 < result.confidence <= 1
    skills = fit_reliability([half_seen(people, "i" * n) for n in range(1, 7)]).skills()
    assert max(skill.false_marks for skill in skills) < 0.05


def test_what_lies_inside_another_box_is_another_kind_of_object():
    inner = Box(150, 150, 60, 60, "x")
    table = tabulate([seen([A, inner, B], [A, inner, B])], BoxSettings()).table
    assert (cells_of(table, ()).cell % LIES).tolist() == [1, 2, 0]


def test_a_known_object_that_nobody_drew_and_a_lure_teach_who_finds_what():
    images, truth = pool(GOOD, 60, 4, labels=("ok",))
    fooled = replace(
        images[0],
        annotations=tuple(replace(a, boxes=(*a.boxes, Box(20, 620, 90, 90, "ok"))) for a in images[0].annotations),
    )
    asked = [fooled, *images[1:]]
    known = {name: truth[name] for name in ("i0000", "i0001")}
    hidden = {**known, "i0001": (*truth["i0001"], Box(800, 600, 60, 60, "ok"))}
    plain, taught = (fit_reliability(asked, known=what) for what in (known, hidden))
    missed = {answer.annotator for answer in asked[1].annotations}
    before, after = ({s.worker: s.sensitivity for s in state.skills()} for state in (plain, taught))
    assert all(after[name] < before[name] for name in missed)
    table = with_truth(tabulate(asked, BoxSettings()).table, hidden)
    lure = (table.image == 0) & (np.abs(table.corners[:, :, 0].max(axis=1) - 20) < 1)
    assert table.real[lure].tolist() == [0.0]
    assert np.isnan(table.real[table.image > 1]).all()


def test_known_truth_of_other_images_does_not_count():
    images, truth = pool(GOOD, 20, 4)
    assert fit_reliability(images).to_json() == fit_reliability(images, known={"elsewhere": truth["i0000"]}).to_json()


def test_known_images_calibrate_the_promises_and_their_number_is_kept():
    images, truth = _unsure_pool()
    control = {name: truth[name] for name in list(truth)[:200]}
    bare = fit_reliability(images)
    taught = fit_reliability(images, known=control)
    assert bare.image == Calibration()
    assert taught.image.count == 200
    assert _brier(images[200:], truth, taught) < _brier(images[200:], truth, replace(taught, image=Calibration()))
    kept = fit_reliability(images[:10], state=taught)
    assert kept.image == taught.image


def _unsure_pool():
    careless = tuple(Person(f"c{number}", finds=0.6, invents=0.5, noise=0.12) for number in range(8))
    return pool(careless, 400, 3, seed=2)


def _brier(images, truth, state: ReliabilityState) -> float:
    results = resolve_reliability(images, state, BoxSettings(accept=0, label_count=len(LABELS)))
    return float(np.mean([(result.confidence - _exact(result, truth[result.image])) ** 2 for result in results]))


def test_only_a_random_sample_of_the_judged_images_teaches_the_promises():
    images, truth = _unsure_pool()
    state = fit_reliability(images)
    ordered = sorted(resolve_reliability(images, state, BoxSettings(accept=0)), key=lambda result: result.confidence)
    doubtful = {result.image: truth[result.image] for result in ordered[:100]}
    drawn = {image.image: truth[image.image] for image in images[::4]}
    both = {**doubtful, **drawn}
    everything, some = fit_reliability(images, known=both), fit_reliability(images, known=both, sampled=drawn)
    assert everything.image.count == len(both)
    assert some.image.count == len(drawn)
    assert some.finding.found.tolist() == everything.finding.found.tolist()
    assert fit_reliability(images, known=both, sampled=both).to_json() == everything.to_json()


def test_with_nothing_drawn_at_random_the_promises_stay_as_they_were():
    images, truth = _unsure_pool()
    before = fit_reliability(images[:100], known=truth)
    after = fit_reliability(images[100:], state=before, known=truth, sampled=["i0001"], refuted=["i0101"])
    assert (after.box, after.box_75, after.image) == (before.box, before.box_75, before.image)


def test_a_rejected_image_lowers_the_promise_of_an_image_and_says_nothing_of_its_boxes():
    images, truth = pool(GOOD, 200, 5, seed=3)
    known = {name: truth[name] for name in sorted(truth)[:60]}
    refuted = sorted(truth)[60:100]
    accepted, honest = fit_reliability(images, known=known), fit_reliability(images, known=known, refuted=refuted)
    assert honest.image(np.array([0.95])) < accepted.image(np.array([0.95])) - 0.1
    assert (honest.box, honest.box_75) == (accepted.box, accepted.box_75)
    assert honest.finding.found.tolist() == accepted.finding.found.tolist()
    assert fit_reliability(images, known=known, refuted=sorted(known)).to_json() == accepted.to_json()


def _exact(result, truth) -> bool:
    overlaps = [
        max((iou_of(b.corners, corners_of(t)) for t in truth if t.label == b.label), default=0.0) for b in result.boxes
    ]
    return len(result.boxes) == len(truth) and all(overlap >= 0.5 for overlap in overlaps)


def test_few_known_cases_move_a_promise_a_little_and_many_make_a_monotone_map():
    rng = np.random.default_rng(0)
    said = rng.uniform(0.5, 1.0, 2000)
    right = rng.random(2000) < said**3
    few, many = calibrate(said[:50], right[:50]), calibrate(said, right)
    assert few.points == ()
    assert few.slope > 0
    grid = np.linspace(0, 1, 101)
    assert np.all(np.diff(many(grid)) >= 0)
    assert np.abs(many(np.array([0.6, 0.8, 0.95])) - np.array([0.6, 0.8, 0.95]) ** 3).max() < 0.1
    assert np.all((many(grid) >= 0) & (many(grid) <= 1))


def test_without_known_cases_a_promise_stays_as_it_is():
    assert calibrate([], [])(np.array([0.2, 0.7])).tolist() == [0.2, 0.7]


def test_chances_and_outcomes_of_different_length_are_refused():
    with pytest.raises(BadInput, match="expected two lists of one length"):
        calibrate([0.5, 0.6], [1.0])


@some
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=260))
def test_a_calibrated_promise_is_a_chance_and_comes_back_from_json(cases):
    learnt = calibrate([said for said, _ in cases], [right for _, right in cases])
    assert Calibration.from_json(learnt.to_json()) == learnt
    chances = learnt(np.linspace(0, 1, 11))
    assert np.all((chances >= 0) & (chances <= 1))
    assert np.all(np.diff(chances) >= -1e-12)


def test_sizes_that_most_people_skip_count_little_in_the_promise():
    tiny = Box(900, 900, 20, 20, "x")
    images = [replace(seen([A, tiny], *crowd(4, A)), image=f"i{number}") for number in range(40)]
    state = fit_reliability(images)
    small, large = state.sharing.weights(np.array([20.0, 200.0]))
    assert small < 0.25
    assert 0.9 < large <= 1
    assert Sharing.nothing().weights(np.array([5.0, 500.0])).tolist() == [1, 1]
    result = resolve_reliability(images[:1], state)[0]
    assert result.trace[-1].text.endswith("1 candidate too small to count")
