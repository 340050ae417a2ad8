"""How far people agree, before anybody decides who is right."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregation import Box, BoxSettings, ImageAnswers, Vote, aggregate_boxes
from aggregation.agreement import (
    Agreement,
    BoxAgreement,
    agreement_with_others,
    label_agreement,
    nominal_alpha,
    pair_agreement,
)
from aggregation.agreement.alpha import NominalAlpha
from tests.aggregation.drawing import A, B, answered_images, moved, seen

# four coders on twelve units, a textbook example
CODERS = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)


def test_alpha_of_the_textbook_example():
    units = [[value for value in unit if value != "."] for unit in zip(*map(str.split, CODERS), strict=True)]
    assert nominal_alpha(units) == pytest.approx(0.7434, abs=5e-5)


def test_alpha_of_three_units():
    assert nominal_alpha(["xxx", "xxy", "yyy"]) == pytest.approx(0.6)


def test_alpha_is_one_when_all_agree_on_two_classes_and_nothing_on_one():
    assert nominal_alpha(["xxx", "yyy"]) == 1
    assert nominal_alpha(["xxx", "xxx"]) is None
    assert nominal_alpha([]) is None


def test_alpha_of_random_labels_is_near_zero():
    rng = np.random.default_rng(5)
    assert abs(nominal_alpha(rng.choice(["x", "y", "z"], (2000, 3)).tolist())) < 0.03


def test_two_people_on_one_image():
    box, shifted = (0, 0, 10, 10), (0, 0, 10, 5)
    assert pair_agreement([], []) == 1
    assert pair_agreement([box], []) == 0
    assert pair_agreement([box], [shifted]) == 0.5
    assert pair_agreement([box, (50, 50, 60, 60)], [shifted]) == pair_agreement([shifted], [box, (50, 50, 60, 60)])
    assert pair_agreement([box, (50, 50, 60, 60)], [shifted]) == 0.25


def test_a_pool_of_boxes_is_measured_by_worker_and_class():
    collected = BoxAgreement()
    collected.add(seen([A], [A], [moved(A, 0, label="y")]))
    collected.add(seen([A], [A], []))
    document = collected.report().to_json()
    assert (document["images"], document["answers"]) == (2, 6)
    assert document["mean_iou"] == round((1 + 1 / 3) / 2, 4)
    assert document["per_worker"][2] == {
        "worker": "u3",
        "n": 2,
        "mean_iou": 0.5,
        "existence_agreement": 0.5,
        "label_agreement": 0.0,
        "placement_iou": 1.0,
    }
    assert [(row["label"], row["label_agreement"], row["pairs"]) for row in document["per_class"]] == [
        ("x", round(4 / 6, 4), 6),
        ("y", 0.0, 2),
    ]
    assert {row["placement_iou"] for row in document["per_class"]} == {1.0}


def test_nothing_drawn_by_anybody_is_agreement_on_existence():
    collected = BoxAgreement()
    collected.add(seen([], [], []))
    collected.add(seen([A], [A], [A]))
    report = collected.report()
    assert report.alpha["existence"] == 1
    assert report.alpha["labels"] is None


def test_the_order_of_the_images_does_not_show():
    images = [seen([A], [moved(A, 7)], [B]), seen([A, B], [A], []), seen([moved(A, 3)], [A], [A])]
    first, second = BoxAgreement(), BoxAgreement()
    for image, other in zip(images, images[::-1], strict=True):
        first.add(image)
        second.add(other)
    assert first.report() == second.report()


def test_each_answer_against_the_consensus_of_the_others():
    image = seen([A], [A], [B])
    assert agreement_with_others(image) == {"u1": 0.0, "u2": 0.0, "u3": 0.0}
    assert agreement_with_others(seen([A], [A], [A], [])) == {"u1": 1.0, "u2": 1.0, "u3": 1.0, "u4": 0.0}
    assert aggregate_boxes(image).status == "soft"


def test_labels_are_measured_by_worker_and_class():
    votes = [Vote("t1", "w1", "x"), Vote("t1", "w2", "x"), Vote("t2", "w1", "x"), Vote("t2", "w2", "y")]
    document = label_agreement(votes).to_json()
    assert document["label_agreement"] == 0.5
    assert document["per_worker"] == [
        {"worker": "w1", "n": 2, "label_agreement": 0.5},
        {"worker": "w2", "n": 2, "label_agreement": 0.5},
    ]
    assert document["alpha"]["labels"] == pytest.approx(0.0, abs=1e-9)


def measured(*images: ImageAnswers, match_iou: float = 0.5) -> Agreement:
    collected = BoxAgreement(BoxSettings(match_iou=match_iou))
    for number, image in enumerate(images):
        collected.add(replace(image, image=f"i{number}"))
    return collected.report()


def spread_out(shift: float) -> list:
    """Ten images with one object each, all in different places, drawn by three people `shift` pixels apart."""
    corners = [Box(90 * number, 80 * number, 80, 80, "x") for number in range(10)]
    return [seen([box], [moved(box, shift)], [moved(box, 0, shift)]) for box in corners]


def test_places_agree_wholly_when_all_draw_the_same_and_less_the_farther_apart():
    alphas = [measured(*spread_out(shift)).alpha["placement"] for shift in (0, 5, 20)]
    assert alphas[0] == 1
    assert 1 > alphas[1] > alphas[2] > 0


def test_places_that_are_no_closer_than_those_of_other_images_are_chance():
    rng = np.random.default_rng(4)
    boxes = [[Box(*rng.uniform(0, 60, 2), 100, 100, "x") for _ in range(3)] for _ in range(200)]
    images = [seen(*([box] for box in three)) for three in boxes]
    assert abs(measured(*images, match_iou=0.01).alpha["placement"]) < 0.05


def test_the_alpha_of_places_needs_objects_on_two_images():
    assert measured(seen([A], [A])).alpha["placement"] is None
    assert measured(seen([A], []), seen([], [B])).alpha["placement"] is None
    assert measured().alpha == {"labels": None, "existence": None, "both": None, "placement": None}


def test_the_interval_holds_the_figure_and_narrows_with_more_images():
    def width(count: int) -> float:
        report = measured(*([seen([A], [A], [moved(A, 40)]), seen([A], [A], [A])] * count))
        low, high = report.pool_interval["mean_iou"]
        assert low < report.pool["mean_iou"] < high
        return high - low

    assert width(50) < width(5)


def test_an_interval_covers_the_truth_about_as_often_as_it_says():
    covered = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        alpha = NominalAlpha()
        for _ in range(150):
            true = rng.integers(2)
            alpha.add([str(true if rng.random() < 0.9 else 1 - true) for _ in range(3)])
        low, high = alpha.interval(200, 0)
        covered += low <= 0.64 <= high  # two voters agree in 82 % of tasks, by chance in 50 %
    assert covered >= 51


def test_alpha_of_a_class_is_that_of_the_class_against_the_rest():
    rng = np.random.default_rng(2)
    units = [rng.choice(["x", "y", "z"], size=3, p=p).tolist() for p in ([0.8, 0.1, 0.1], [0.1, 0.8, 0.1]) * 40]
    votes = [Vote(f"t{n}", f"w{i}", label) for n, unit in enumerate(units) for i, label in enumerate(unit)]
    rows = label_agreement(votes).per_class
    for label in "xyz":
        against = [["yes" if value == label else "no" for value in unit] for unit in units]
        assert rows[label]["alpha"] == pytest.approx(nominal_alpha(against))


@settings(max_examples=40, deadline=None)
@given(images=st.lists(answered_images(), max_size=5), data=st.data())
def test_every_figure_is_in_bounds_and_no_order_shows(images, data):
    named = [replace(image, image=f"i{number}") for number, image in enumerate(images)]
    documents = []
    for order in (named, data.draw(st.permutations(named))):
        collected = BoxAgreement(seed=3)
        for image in order:
            turned = tuple(replace(a, boxes=a.boxes[::-1]) for a in image.annotations[::-1])
            collected.add(replace(image, annotations=turned) if order is not named else image)
        documents.append(collected.report(draws=20).to_json())
    assert documents[0] == documents[1]
    for row in documents[0]["per_worker"]:
        assert all(value is None or 0 <= value <= 1 for key, value in row.items() if key not in ("worker", "n"))
    assert all(value is None or value <= 1 for value in documents[0]["alpha"].values())
