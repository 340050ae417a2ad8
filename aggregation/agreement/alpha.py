"""Krippendorff's alpha for nominal values, with an interval.

Source: Krippendorff, "Content Analysis", chapter on reliability, coincidence matrices. The interval resamples whole
images (or tasks), because the units of one image are not independent.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from aggregation.agreement.bootstrap import Interval, interval_of, redrawn
from aggregation.core.arrays import Floats

Value = str | None
Unit = tuple[tuple[Value, int], ...]  # how often each value was said, sorted


@dataclass(slots=True)
class NominalAlpha:
    """Collects images one by one; equal images are counted together, so their order cannot show."""

    _images: Counter[tuple[Unit, ...]] = field(default_factory=Counter)

    def add(self, *units: Sequence[Value]) -> None:
        """Count the units of one image: what those who were asked said. Units of fewer than two do not count."""
        seen = [tuple(sorted(Counter(values).items(), key=_order)) for values in units if len(values) > 1]
        if seen:
            self._images[tuple(sorted(seen, key=_unit_order))] += 1

    @property
    def value(self) -> float | None:
        """Return alpha, or nothing when only one value was ever used: then there is nothing to agree about."""
        sums, counts = self._table()
        return _alpha((sums * counts[:, None]).sum(axis=0))

    def interval(self, draws: int, seed: int) -> Interval | None:
        """Return where 95 % of the alphas of redrawn images lie."""
        sums, counts = self._table()
        return interval_of([_alpha((sums * w[:, None]).sum(axis=0)) for w in redrawn(counts, draws, seed)])

    def _table(self) -> tuple[Floats, NDArray[np.int64]]:
        """Return disagreement and how often each value was said, by kind of image, and how many there are of each."""
        kinds = sorted(self._images, key=lambda units: [_unit_order(unit) for unit in units])
        column = {value: i for i, value in enumerate(sorted({v for k in kinds for u in k for v, _ in u}, key=_rank), 1)}
        table = np.zeros((len(kinds), len(column) + 1))
        for row, units in enumerate(kinds):
            for unit in units:
                table[row, 0] += _disagreement(unit)
                for value, times in unit:
                    table[row, column[value]] += times
        return table, np.array([self._images[kind] for kind in kinds], np.int64)


def nominal_alpha(units: Iterable[Sequence[Value]]) -> float | None:
    """Return Krippendorff's alpha of units, each the values of those who were asked."""
    alpha = NominalAlpha()
    for values in units:
        alpha.add(values)
    return alpha.value


def _disagreement(unit: Unit) -> float:
    """Return the ordered pairs of unequal values, the unit weighing its number of values."""
    size = sum(times for _, times in unit)
    return sum(times * (size - times) for _, times in unit) / (size - 1)


def _alpha(sums: Floats) -> float | None:
    observed, totals = float(sums[0]), sums[1:]
    n = float(totals.sum())
    expected = n * n - float((totals * totals).sum())
    return 1 - (n - 1) * observed / expected if expected > 0 else None


def _rank(value: Value) -> tuple[bool, str]:
    return value is not None, value or ""


def _order(item: tuple[Value, int]) -> tuple[bool, str]:
    return _rank(item[0])


def _unit_order(unit: Unit) -> list[tuple[bool, str, int]]:
    return [(*_rank(value), times) for value, times in unit]
