"""Krippendorff's alpha for nominal values."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

Value = str | None


@dataclass(slots=True)
class NominalAlpha:
    """Collects units one by one; counts are whole numbers, so the order of the units cannot show.

    Source: Krippendorff, "Content Analysis", chapter on reliability, coincidence matrices.
    """

    _pairs: Counter[tuple[int, Value, Value]] = field(default_factory=Counter)

    def add(self, values: Sequence[Value]) -> None:
        """Count one unit: what those who were asked said. Units of fewer than two values do not count."""
        counts = Counter(values)
        size = len(values)
        if size < 2:
            return
        for one, times in counts.items():
            for other, again in counts.items():
                self._pairs[size, one, other] += times * (again - (one == other))

    def coincidences(self) -> dict[tuple[Value, Value], float]:
        """Return o_ck: ordered pairs of values, each unit weighing its number of values."""
        table: dict[tuple[Value, Value], float] = {}
        for size, one, other in sorted(self._pairs, key=_order):
            table[one, other] = table.get((one, other), 0.0) + self._pairs[size, one, other] / (size - 1)
        return table

    @property
    def value(self) -> float | None:
        """Return alpha, or nothing when only one value was ever used: then there is nothing to agree about."""
        table = self.coincidences()
        totals: dict[Value, float] = {}
        for (one, _), count in table.items():
            totals[one] = totals.get(one, 0.0) + count
        n = sum(totals.values())
        expected = n * n - sum(count * count for count in totals.values())
        if expected <= 0 or len(totals) < 2:
            return None
        observed = sum(count for (one, other), count in table.items() if one != other)
        return 1 - (n - 1) * observed / expected


def nominal_alpha(units: Iterable[Sequence[Value]]) -> float | None:
    """Return Krippendorff's alpha of units, each the values of those who were asked."""
    alpha = NominalAlpha()
    for values in units:
        alpha.add(values)
    return alpha.value


def _order(key: tuple[int, Value, Value]) -> tuple[int, bool, str, bool, str]:
    size, one, other = key
    return size, one is not None, one or "", other is not None, other or ""
