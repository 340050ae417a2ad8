"""The frozen goals, and how far the measured figures reach."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Goal:
    """One number to reach; `reached` is null when nothing measured it."""

    name: str
    wanted: float
    reached: float | None
    at_most: bool = False
    binding: bool = False  # the run fails under half of it

    @property
    def met(self) -> bool:
        if self.reached is None:
            return False
        return self.reached <= self.wanted if self.at_most else self.reached >= self.wanted

    @property
    def failed(self) -> bool:
        return self.binding and (self.reached or 0.0) < self.wanted / 2


def best_row(rows: Rows, method: str, k: int = 5) -> Mapping[str, Any]:
    return next((row for row in rows if row["method"] == method and row["k"] == k), {})


def goals(figures: Mapping[str, Rows], speed: Mapping[str, float], bought: float | None, method: str) -> list[Goal]:
    """Return all goals with what `method` reached."""
    people = best_row(figures.get("pedestrians", ()), method)
    return [
        Goal("exact@.5 on the most confident 90 %, pedestrians", 0.995, people.get("exact90")),
        Goal("F1@.75, pedestrians", 0.87, people.get("f1_75")),
        Goal("answers an image for the quality of a median of 5", 3.0, bought, at_most=True),
        *(goal for name, rows in figures.items() for goal in _promises(name, best_row(rows, method))),
        Goal("images a second, hard path", 50_000, speed.get("hard path"), binding=True),
        Goal("images a second, reliability with EM", 5_000, speed.get("method reliability"), binding=True),
    ]


def _promises(name: str, row: Mapping[str, Any]) -> Iterable[Goal]:
    if not row:
        return
    for key, most in (("confidence", 0.02), ("confidence_75", 0.04)):
        kept = row[key] or {}
        yield Goal(f"ECE of {key}, {name}", most, kept.get("ece"), at_most=True)
        yield Goal(
            f"Brier of {key} below the constant, {name}", kept.get("constant", 0), kept.get("brier"), at_most=True
        )
    image = row["image"] or {}
    most = 0.02 if name == "pedestrians" else 0.04
    yield Goal(f"ECE of the image's confidence, {name}", most, image.get("ece"), at_most=True)
