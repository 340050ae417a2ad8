"""What the steps of an aggregation are called on the review screen."""

import pytest

from curation.services.traces import changes, in_words, sentence


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("hard.enough: no, 2 answers, at least 3 needed", "Only 2 answers, at least 3 needed."),
        ("hard.count: no, 1 2 1 boxes (A w_9b9787 B w_b9e27d C w_79d063)", "3 annotators: 2 × 1 box, 1 × 2 boxes."),
        ("hard.labels: yes, equal in every group", "Labels are equal."),
        (
            "hard.labels: no, labels differ: A w_79d063=gesture B w_b9e27d=fist",
            "Labels differ: A says gesture B says fist.",
        ),
        (
            "hard.iou: no, lowest pair 0.583, at least 0.7 needed",
            "The two least alike boxes overlap by IoU 0.58, under the 0.70 asked for.",
        ),
        (
            "soft.duplicates: removed 1 box: gesture at 898.6,748.7 81.3x155.5 by C w_79d063",
            "Removed 1 box drawn twice by the same person: gesture by C.",
        ),
        (
            "soft.labels: replaced 1 label: gesture at 1,2 3x4 by no gesture for B w_b9e27d",
            "Replaced 1 label: gesture → no gesture of B.",
        ),
        ("soft.missing: added 1 box for C w_79d063", "Filled in 1 box for C."),
        ("drop.few: 2 valid answers, at least 3 needed", "Not resolved: 2 valid answers, at least 3 needed."),
        (
            "soft.labels: label of box 2 changed from B w_b9e27d's 'gesture' to 'no gesture' by 2 to 1; IoU 0.90",
            "Label of box 2 changed from B's 'gesture' to 'no gesture' by 2 to 1; IoU 0.90.",
        ),
        (
            "soft.outliers: left out gesture at 1502,318 90x101 by C w_79d063: an object with a chance of 0.04",
            "Left out gesture by C: an object with a chance of 0.04.",
        ),
        (
            "soft.outliers: no, 2 of 3 answers would lose a box (B w_b9e27d C w_79d063)",
            "2 of 3 answers would lose a box (B C).",
        ),
        (
            "reliability.weight: C w_79d063 weighs 0.3 in finding: missed 21 of 60 objects",
            "C weighs 0.3 in finding: missed 21 of 60 objects.",
        ),
        ("soft.missing: added 1 box for C w_" + "79d063" * 4, "Filled in 1 box for C."),
        ("newer.step: weighs A w_9b9787 by half", "Weighs A by half."),
        ("Rita fixed the boxes: 2 in the end.", "Rita fixed the boxes: 2 in the end."),
    ],
)
def test_a_step_reads_as_a_sentence_without_pixels_and_pseudonyms(step, words):
    assert sentence(step) == words


def test_only_what_changed_the_answers_counts_as_a_change():
    steps = ["hard.count: no, 1 2 boxes (A w_9b9787 B w_b9e27d)", "soft.missing: added 1 box for A w_9b9787"]
    steps += ["soft.iou: yes, lowest pair 0.9, at least 0.7 needed"]
    assert changes(steps) == ["Filled in 1 box for A."]
    assert len(in_words(steps)) == 3
