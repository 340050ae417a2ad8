"""How many votes the stopping rules buy, against worked tables."""

from collections.abc import Iterator

import numpy as np
import pytest

from aggregation import AdaptSettings, LabelSettings, LabelVote, advise_labels, vote
from aggregation.labels.posterior import label_posterior

PRIOR = {"yes": 0.6744, "no": 0.3256}


def expected_votes(most: int, p: float, classes: int) -> tuple[float, float]:
    """Exact mean number of votes and chance of the right label when each is right with chance p."""
    settings = LabelSettings(max_answers=most, label_count=classes)
    bought = right = 0.0
    for said, chance in stopped((), 1.0, settings, p, classes):
        bought += chance * len(said)
        right += chance * (vote(dict(enumerate(said)), settings).label == "0")
    return bought, right


def stopped(
    said: tuple[str, ...], chance: float, settings: LabelSettings, p: float, classes: int
) -> Iterator[tuple[tuple[str, ...], float]]:
    if said and advise_labels(vote(dict(enumerate(said)), settings), labels=settings).next != "buy":
        yield said, chance
        return
    for label in range(classes):
        likely = p if label == 0 else (1 - p) / (classes - 1)
        yield from stopped((*said, str(label)), chance * likely, settings, p, classes)


@pytest.mark.parametrize(
    ("most", "p", "classes", "votes", "right"),
    [
        (3, 0.9, 2, 2.18, 0.972),
        (3, 0.8, 2, 2.32, 0.896),
        (5, 0.9, 2, 3.3186, 0.9914),
        (5, 0.8, 2, 3.6336, 0.9421),
        (7, 0.8, 2, 4.9267, 0.9667),
        (3, 0.8, 5, 2.35, None),
        (3, 0.9, 5, 2.1875, None),
    ],
)
def test_stopping_early_saves_what_the_tables_say(most, p, classes, votes, right):
    bought, correct = expected_votes(most, p, classes)
    assert bought == pytest.approx(votes, abs=5e-5)
    assert right is None or correct == pytest.approx(right, abs=5e-5)


@pytest.mark.parametrize(("clickers", "votes", "right"), [(0.0, 2.67, 0.993), (0.15, 3.31, 0.985)])
def test_twenty_controls_a_worker_buy_better_labels_for_less(clickers, votes, right):
    rng = np.random.default_rng(1)
    workers = 4000
    skill = np.where(rng.random(workers) < clickers, 0.5, rng.beta(18, 2.5 if clickers else 2, workers))
    believed = (rng.binomial(20, skill) + 8) / 30
    bought = correct = 0
    tasks = 3000
    for _ in range(tasks):
        true = rng.random() < PRIOR["yes"]
        asked = rng.integers(workers, size=7)
        result = posterior_stop(rng, skill[asked], believed[asked], true=true)
        bought += sum(result.counts.values())
        correct += result.label == ("yes" if true else "no")
    assert bought / tasks == pytest.approx(votes, abs=0.12)
    assert correct / tasks == pytest.approx(right, abs=0.006)


def posterior_stop(rng: np.random.Generator, skill: np.ndarray, believed: np.ndarray, *, true: bool) -> LabelVote:
    """Buy votes of these workers one by one until the advice is to stop."""
    settings, simple = LabelSettings(stop="posterior", tau=0.97, max_answers=7), AdaptSettings(rule="threshold")
    labels: dict[str, str] = {}
    for worker, able in enumerate(skill):
        says_yes = true == (rng.random() < able)
        labels[str(worker)] = "yes" if says_yes else "no"
        chances = label_posterior(labels, {name: believed[int(name)] for name in labels}, PRIOR)
        best = max(chances, key=chances.get)
        counts = {label: list(labels.values()).count(label) for label in set(labels.values())}
        result = LabelVote(best, chances[best], counts)
        if advise_labels(result, simple, settings).next != "buy":
            break
    return result
