"""The picture of a comparison: what an image costs, how good it is, and which settings nothing else beats."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 88, 40, 24, 56
TICKS = 4


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    y: float
    letter: str
    on_front: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything in the units of the picture; `line` joins the dots of the front by price."""

    dots: list[Dot]
    line: str
    prices: list[tuple[float, float]]
    qualities: list[tuple[float, float]]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    bottom: int = HEIGHT - BOTTOM
    right: int = WIDTH - RIGHT


def letter_of(number: int) -> str:
    return chr(ord("A") + number)


def chart(rows: Sequence[Mapping[str, Any]]) -> Chart | None:
    """Return the picture of the rows of a comparison; None where fewer than two have a price and a quality."""
    known = [
        (letter_of(number), row["per_delivered_usd"], row["quality"]["right_boxes"], row["on_front"])
        for number, row in enumerate(rows)
        if row["per_delivered_usd"] is not None and row["quality"]["right_boxes"] is not None
    ]
    if len(known) < 2:
        return None
    across = _scale([cost for _, cost, _, _ in known], LEFT, WIDTH - RIGHT)
    upwards = _scale([quality for _, _, quality, _ in known], HEIGHT - BOTTOM, TOP)
    dots = [Dot(across.at(cost), upwards.at(good), letter, front) for letter, cost, good, front in known]
    front = sorted((dot for dot in dots if dot.on_front), key=lambda dot: dot.x)
    line = " ".join(f"{dot.x:.1f},{dot.y:.1f}" for dot in front)
    return Chart(dots, line, across.ticks(), upwards.ticks())


@dataclass(frozen=True, slots=True)
class _Scale:
    """A straight line from values to places in the picture, with some room at both ends."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start), 1)

    def ticks(self) -> list[tuple[float, float]]:
        """Return (place, value) of some round distances."""
        step = (self.high - self.low) / TICKS
        return [(self.at(self.low + n * step), self.low + n * step) for n in range(TICKS + 1)]


def _scale(values: Sequence[float], start: float, end: float) -> _Scale:
    low, high = min(values), max(values)
    room = (high - low) * 0.15 or max(abs(high) * 0.05, 0.001)
    return _Scale(low - room, high + room, start, end)
