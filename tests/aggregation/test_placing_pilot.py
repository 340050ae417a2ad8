"""In a large pool the first rounds on edges look at a part of it, and the last ones at everything."""

import numpy as np
import pytest

from aggregation import Box, BoxAnswer, ImageAnswers, fit_reliability, resolve_reliability
from aggregation.boxes.reliability import placing_fit

PEOPLE = ("ada", "bo", "cem", "wide")


@pytest.fixture(autouse=True)
def _small_pilot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing_fit, "PILOT_GROUPS", 40)
    monkeypatch.setattr(placing_fit, "PILOT_BOXES", 10)


def pool(count: int = 200) -> list[ImageAnswers]:
    """One object an image; `wide` leaves ten pixels more on every side than the others."""
    rng = np.random.default_rng(0)
    return [ImageAnswers(f"i{number:03}", tuple(answers(rng)), 1000, 1000) for number in range(count)]


def answers(rng: np.random.Generator) -> list[BoxAnswer]:
    x, y = rng.uniform(200, 500, 2).tolist()
    found = []
    for name in PEOPLE:
        more = 10 if name == "wide" else 0
        left, top, right, bottom = (rng.normal(0, 3, 4) + more).tolist()
        found.append(BoxAnswer(name, (Box(x - left, y - top, 200 + left + right, 200 + top + bottom, "x"),)))
    return found


def test_every_box_counts_for_its_author_though_the_first_rounds_see_a_part():
    noise = fit_reliability(pool()).noise
    assert np.all(noise.boxes > 190)
    lean = dict(zip(noise.workers, noise.lean.mean(axis=1) * 100, strict=True))
    assert lean.pop("wide") > max(lean.values()) + 4  # of 100: ten pixels of a box of 205 are nearly five


def test_the_order_of_a_large_pool_changes_no_bit():
    images = pool()
    backwards = [ImageAnswers(i.image, i.annotations[::-1], i.width, i.height) for i in images[::-1]]
    assert fit_reliability(images).to_json() == fit_reliability(backwards).to_json()


def test_the_places_are_near_those_that_learning_on_everything_finds(monkeypatch):
    images = pool()
    quick = resolve_reliability(images, fit_reliability(images))
    monkeypatch.setattr(placing_fit, "PILOT_GROUPS", len(images))
    slow = resolve_reliability(images, fit_reliability(images))
    apart = [
        abs(a - b)
        for one, two in zip(quick, slow, strict=True)
        for a, b in zip(one.boxes[0].corners, two.boxes[0].corners, strict=True)
    ]
    assert 0 < np.mean(apart) < 0.5  # pixels, where people differ by 3; 0 would mean that the pilot was everything
