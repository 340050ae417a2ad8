"""Where edges are placed: people who draw well count more, strays little, and each box depends on its own group."""

import json

import numpy as np
import pytest

from aggregation.boxes.reliability.placing import fit_noise, place
from aggregation.boxes.reliability.placing_noise import WorkerNoise
from aggregation.boxes.reliability.table import NOBODY, Table

PEOPLE = ("u1", "u2", "u3", "u4", "u5")
SPREAD = np.array([0.02, 0.03, 0.05, 0.08, 0.15])  # of the box's side


def table(corners, drawn=None, workers=PEOPLE, truth=None, frame=np.inf):
    """One image a group, (G, A, 4): slot a is worker a."""
    groups, slots = corners.shape[:2]
    drawn = np.ones((groups, slots), bool) if drawn is None else drawn
    return Table(
        images=tuple(f"i{number:06}" for number in range(groups)),
        workers=workers,
        labels=("x",),
        frame=np.full((groups, 2), frame),
        worker=np.tile(np.arange(slots), (groups, 1)),
        image=np.arange(groups),
        corners=np.where(drawn[..., None], corners, 0.0),
        label=np.where(drawn, 0, NOBODY),
        truth=np.full((groups, 4), np.nan) if truth is None else truth,
        real=np.full(groups, np.nan) if truth is None else np.ones(groups),
        true_label=np.full(groups, NOBODY),
    )


def objects(count, seed):
    rng = np.random.default_rng(seed)
    sides = rng.uniform(50, 300, (count, 2))
    return np.hstack([(corner := rng.uniform(0, 1000, (count, 2))), corner + sides])


def drawn_by(boxes, seed, spread=SPREAD, lean=0.0):
    """What people of such spread draw who are too large by such lean, both in units of the box's sides."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_t(5, (len(boxes), len(spread), 4)) * np.asarray(spread)[:, None]
    outwards = np.array([-1, -1, 1, 1]) * np.broadcast_to(lean, (len(spread),))[:, None]
    return boxes[:, None] + (noise + outwards) * np.tile(boxes[:, 2:] - boxes[:, :2], 2)[:, None]


def off(corners, boxes):
    return float(np.abs((corners - boxes) / np.tile(boxes[:, 2:] - boxes[:, :2], 2)).mean())


@pytest.fixture(scope="module")
def crowd():
    boxes = objects(400, 1)
    answers = table(drawn_by(boxes, 2))
    return boxes, answers, fit_noise(answers, np.ones(400))


def test_the_spread_of_each_worker_is_found_without_truth(crowd):
    _, _, noise = crowd
    found = noise.spread.mean(axis=1)
    assert list(np.argsort(found)) == [0, 1, 2, 3, 4]
    assert found[4] / found[0] > 3


def test_boxes_lie_nearer_to_the_truth_than_the_median_does(crowd):
    boxes, answers, noise = crowd
    assert off(place(answers, noise).corners, boxes) < 0.8 * off(np.median(answers.corners, axis=1), boxes)


def test_a_box_depends_on_its_own_group_alone(crowd):
    _, answers, noise = crowd
    whole = place(answers, noise)
    alone = place(table(answers.corners[7:8]), noise)
    assert whole.corners[7].tobytes() == alone.corners[0].tobytes()
    assert whole.p75[7] == alone.p75[0]
    assert whole.weights[7].tobytes() == alone.weights[0].tobytes()


def test_padding_changes_no_bit(crowd):
    _, answers, noise = crowd
    few = np.arange(5) < 3
    drawn = np.tile(few, (400, 1))
    padded = place(table(answers.corners, drawn), noise)
    exact = place(table(answers.corners[:, :3]), noise)
    assert padded.corners.tobytes() == exact.corners.tobytes()


def test_every_edge_lies_between_those_drawn(crowd):
    _, answers, noise = crowd
    corners = place(answers, noise).corners
    assert np.all(corners >= answers.corners.min(axis=1) - 1e-9)
    assert np.all(corners <= answers.corners.max(axis=1) + 1e-9)


def test_an_edge_that_most_drew_at_the_border_lies_there(crowd):
    _, _, noise = crowd
    corners = np.array(
        [[[0, 50, 300, 400], [0, 52, 310, 400], [0, 49, 305, 400], [9, 51, 301, 391], [8, 50, 299, 393]]]
    )
    x1, _, x2, y2 = place(table(corners.astype(float), frame=400.0), noise).corners[0]
    assert (x1, y2) == (0, 400)
    assert 299 < x2 < 310


def test_one_annotator_alone_is_taken_as_drawn(crowd):
    _, answers, noise = crowd
    placed = place(table(answers.corners[:, :1]), noise)
    assert np.allclose(placed.corners, answers.corners[:, 0])
    assert np.all(placed.weights == 1)


def test_the_same_answers_measured_twice_in_parts_add_up(crowd):
    _, answers, noise = crowd
    again = fit_noise(answers, np.ones(400), noise)
    assert again.boxes == pytest.approx(2 * noise.boxes)
    assert again.spread == pytest.approx(noise.spread, rel=0.1)


def test_a_worker_who_draws_too_large_is_corrected():
    boxes = objects(400, 3)
    answers = table(drawn_by(boxes, 4, spread=np.full(5, 0.03), lean=(0, 0, 0, 0, 0.2)))
    noise = fit_noise(answers, np.ones(400))
    assert noise.lean[4].mean() - noise.lean[:4].mean() == pytest.approx(0.2, abs=0.04)


def test_noise_that_grows_with_the_box_is_told_from_noise_of_so_many_pixels():
    boxes = objects(600, 7)
    relative = fit_noise(table(drawn_by(boxes, 8, spread=np.full(5, 0.05))), np.ones(600))
    pixels = np.random.default_rng(8).standard_t(5, (600, 5, 4)) * 6
    absolute = fit_noise(table(boxes[:, None] + pixels), np.ones(600))
    assert np.all(relative.power > 0.8)
    assert np.all(absolute.power < 0.3)


def test_margins_left_by_all_show_in_the_skew_and_do_not_move_the_box_as_far_as_the_median():
    boxes = objects(600, 9)
    rng = np.random.default_rng(10)
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)[:, None]
    margins = rng.exponential(0.06, (600, 5, 4)) * (1, 1, 1, 0)  # nobody leaves a margin below
    noise = rng.normal(0, 0.02, (600, 5, 4))
    answers = table(boxes[:, None] + (margins + noise) * (-1, -1, 1, 1) * sides)
    fitted = fit_noise(answers, np.ones(600))
    assert np.all(fitted.skew[:3] > 0.05)
    assert abs(fitted.skew[3]) < 0.05
    assert off(place(answers, fitted).corners, boxes) < 0.8 * off(np.median(answers.corners, axis=1), boxes)


def test_a_spread_is_the_same_whether_two_or_five_people_answered():
    boxes = objects(1500, 11)
    spreads = []
    for count in (2, 5):
        drawn = np.zeros((1500, 5), bool)
        order = np.random.default_rng(12).permuted(np.tile(np.arange(5), (1500, 1)), axis=1)[:, :count]
        np.put_along_axis(drawn, order, values=True, axis=1)
        answers = table(drawn_by(boxes, 13, spread=np.full(5, 0.05)), drawn)
        spreads.append(fit_noise(answers, np.ones(1500)).spread.mean())
    assert spreads[0] == pytest.approx(spreads[1], rel=0.15)


def test_what_is_unlikely_to_exist_tells_nothing_of_its_authors():
    boxes = objects(400, 14)
    corners = drawn_by(boxes, 15, spread=np.full(5, 0.03))
    wild = np.arange(400) % 2 == 1
    corners[wild, 4] += 40
    exists = np.where(wild, 0.02, 1.0)
    assert fit_noise(table(corners), exists).spread[4].mean() < 0.05
    assert fit_noise(table(corners), np.ones(400)).spread[4].mean() > 0.06


def test_a_worker_known_from_another_pool_counts_at_once(crowd):
    _, _, noise = crowd
    few = table(drawn_by(objects(3, 16), 17))
    fresh, kept = fit_noise(few, np.ones(3)), fit_noise(few, np.ones(3), noise)
    assert kept.spread[4].mean() > 3 * kept.spread[0].mean()
    assert fresh.spread[4].mean() < 3 * fresh.spread[0].mean()


@pytest.mark.parametrize("count", [0, 1])
def test_hardly_any_groups_give_finite_noise(count):
    answers = table(drawn_by(objects(count, 18), 19))
    noise = fit_noise(answers, np.ones(count))
    assert np.isfinite(noise.spread).all()
    assert np.isfinite(noise.lean).all()
    assert np.isfinite(place(answers, noise).corners).all()


def test_people_who_draw_the_very_same_box_agree_to_the_pixel():
    boxes = objects(50, 20)
    answers = table(np.tile(boxes[:, None], (1, 5, 1)))
    placed = place(answers, fit_noise(answers, np.ones(50)))
    assert placed.corners == pytest.approx(boxes, abs=1e-9)
    assert np.all(placed.p75 > 0.99)


def test_one_who_draws_precisely_but_unlike_all_others_is_not_the_measure():
    boxes = objects(400, 21)
    answers = table(drawn_by(boxes, 22, spread=(0.05, 0.05, 0.05, 0.05, 0.005), lean=(0, 0, 0, 0, -0.2)))
    noise = fit_noise(answers, np.ones(400))
    assert noise.lean[:4].mean() == pytest.approx(0, abs=0.02)
    assert noise.lean[4].mean() == pytest.approx(-0.2, abs=0.03)


def test_known_boxes_show_a_lean_that_the_whole_crowd_shares():
    boxes = objects(400, 5)
    corners = drawn_by(boxes, 6, lean=np.full(5, 0.1))
    blind = table(corners)
    known = table(corners, truth=np.where(np.arange(400)[:, None] < 100, boxes, np.nan))
    without, with_known = (fit_noise(answers, np.ones(400)) for answers in (blind, known))
    assert off(place(blind, with_known).corners, boxes) < 0.5 * off(place(blind, without).corners, boxes)


def test_noise_survives_json_to_the_bit(crowd):
    _, answers, noise = crowd
    read = WorkerNoise.from_json(json.loads(json.dumps(noise.to_json(), sort_keys=True)))
    assert place(answers, read).corners.tobytes() == place(answers, noise).corners.tobytes()


def test_probabilities_are_probabilities_and_fall_with_disagreement(crowd):
    _, answers, noise = crowd
    placed = place(answers, noise)
    assert np.all((placed.p75 > 0) & (placed.p75 <= placed.p50) & (placed.p50 < 1))
    wild = answers.corners + np.random.default_rng(9).normal(0, 60, answers.corners.shape)
    assert place(table(wild), noise).p75.mean() < placed.p75.mean()


def test_an_object_that_nobody_drew_has_no_box(crowd):
    _, answers, noise = crowd
    drawn = np.ones((400, 5), bool)
    drawn[3] = False
    placed = place(table(answers.corners, drawn), noise)
    assert np.isnan(placed.corners[3]).all()
    assert placed.p50[3] == placed.p75[3] == placed.weights[3].sum() == 0
