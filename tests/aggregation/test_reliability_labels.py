"""Labels where several people are drawn to the same wrong one."""

from itertools import product

import numpy as np
import pytest

from aggregation import Box, BoxAnswer, BoxSettings, ImageAnswers, fit_reliability, resolve_reliability
from aggregation.boxes.reliability import lures
from aggregation.boxes.reliability.lures import PULL, TRAPS, Lures, Said

NAMES = ("fist", "palm", "stop", "wave")
LURE = {"fist": "wave", "wave": "fist", "palm": "stop", "stop": "palm"}
SETTINGS = BoxSettings(accept=0, label_count=len(NAMES))
SKILL = 0.95


def answered(name: str, labels: list[tuple[str, str]]) -> ImageAnswers:
    answers = [BoxAnswer(who, (Box(100, 100, 200, 200, label),)) for who, label in labels]
    return ImageAnswers(name, tuple(answers), 1000, 1000)


def trapped_pool(count: int, seed: int, traps: float) -> tuple[list[ImageAnswers], list[str]]:
    """Images of one object, five of twelve people each; a trap draws half of them to one other label."""
    rng = np.random.default_rng(seed)
    images, truth = [], []
    for number in range(count):
        true = str(rng.choice(NAMES))
        trap = rng.random() < traps
        labels = []
        for who in rng.choice(12, 5, replace=False):
            mistake = LURE[true] if rng.random() < 0.7 else str(rng.choice([name for name in NAMES if name != true]))
            own = true if rng.random() < SKILL else mistake
            labels.append((f"w{who:02}", LURE[true] if trap and rng.random() < 0.5 else own))
        images.append(answered(f"i{number:04}", labels))
        truth.append(true)
    return images, truth


def surprise(images: list[ImageAnswers], truth: list[str]) -> float:
    """Return the mean of −ln of what was promised for what came true."""
    results = resolve_reliability(images, fit_reliability(images, SETTINGS), SETTINGS)
    pairs = [(result.boxes[0], true) for result, true in zip(results, truth, strict=True)]
    came = [box.confidence if box.label == true else 1 - box.confidence for box, true in pairs]
    return float(-np.log(np.maximum(came, 1e-9)).mean())


def test_promises_are_kept_better_where_traps_are_thought_of(monkeypatch):
    images, truth = trapped_pool(500, 0, traps=0.08)
    thought_of = surprise(images, truth)
    monkeypatch.setattr(lures, "TRAPS", 0.0)
    assert thought_of < 0.9 * surprise(images, truth)


def test_a_vote_drawn_by_a_trap_says_little_against_its_author(monkeypatch):
    images, _ = trapped_pool(500, 3, traps=0.08)
    mine = np.mean([skill.accuracy for skill in fit_reliability(images, SETTINGS).skills()])
    monkeypatch.setattr(lures, "TRAPS", 0.0)
    blamed = np.mean([skill.accuracy for skill in fit_reliability(images, SETTINGS).skills()])
    assert blamed < mine < SKILL


def test_three_against_two_prove_less_where_traps_are_thought_of(monkeypatch):
    images, _ = trapped_pool(200, 4, traps=0.0)
    state = fit_reliability(images, SETTINGS)
    split = answered("split", [(f"w{number:02}", "stop" if number < 3 else "palm") for number in range(5)])
    mine = resolve_reliability([split], state, SETTINGS)[0].boxes[0]
    monkeypatch.setattr(lures, "TRAPS", 0.0)
    blind = resolve_reliability([split], state, SETTINGS)[0].boxes[0]
    assert (mine.label, blind.label) == ("stop", "stop")
    assert mine.confidence < blind.confidence


def test_the_likelihood_of_a_trap_is_the_sum_over_everything_that_can_have_happened():
    votes, accuracy = np.array([0, 1, 1, 2]), np.array([0.9, 0.8, 0.6, 0.7])
    shares = np.array([0.0, 0.7, 0.3])
    mistaken = (1 - accuracy) * np.where(votes == 0, 1, shares[votes])
    plain = np.where(votes == 0, accuracy, mistaken)
    said = Said.of(np.zeros(4, np.intp), votes, 1)
    found = Lures.of(said, mistaken, shares).factor[0] * plain.prod()
    every = (1 - TRAPS) * plain.prod()
    for lure, drawn in product((1, 2), product((False, True), repeat=4)):
        each = np.where(drawn, PULL * (votes == lure), (1 - PULL) * plain)
        every += TRAPS * shares[lure] * each.prod()
    assert found == pytest.approx(every)


def test_very_many_equal_votes_stay_a_chance():
    crowd = [(f"w{number:03}", "stop" if number < 300 else "palm") for number in range(450)]
    result = resolve_reliability([answered("i", crowd)], fit_reliability([], SETTINGS), SETTINGS)[0]
    assert (result.boxes[0].label, 0.5 < result.boxes[0].confidence <= 1) == ("stop", True)
