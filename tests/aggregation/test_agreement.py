"""How far people agree, before anybody decides who is right."""

import numpy as np
import pytest

from aggregation import Vote, aggregate_boxes
from aggregation.agreement import (
    BoxAgreement,
    agreement_with_others,
    label_agreement,
    nominal_alpha,
    pair_agreement,
)
from tests.aggregation.drawing import A, B, moved, seen

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
    assert document["workers"][2] == {"worker": "u3", "n": 2, "mean_iou": 0.5, "label_agreement": 0.0}
    assert document["classes"] == [
        {"label": "x", "label_agreement": round(4 / 6, 4), "pairs": 6},
        {"label": "y", "label_agreement": 0.0, "pairs": 2},
    ]


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
    assert document["workers"] == [
        {"worker": "w1", "n": 2, "label_agreement": 0.5},
        {"worker": "w2", "n": 2, "label_agreement": 0.5},
    ]
    assert document["alpha"]["labels"] == pytest.approx(0.0, abs=1e-9)
