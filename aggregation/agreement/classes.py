"""How far people agree about one class against all others."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from aggregation.agreement.report import Share


@dataclass(slots=True)
class ClassTally:
    """Collects units by how many named something and how many of them this class; whole numbers, so in any order."""

    _units: dict[str, Counter[tuple[int, int]]] = field(default_factory=dict)
    _values: int = 0

    def add(self, counts: Mapping[str, int]) -> None:
        """Count one unit: how often each label was given."""
        size = sum(counts.values())
        if size < 2:
            return
        self._values += size
        for label, times in counts.items():
            self._units.setdefault(label, Counter())[size, times] += 1

    def figures(self) -> dict[str, dict[str, float | None]]:
        """Return, by label, the share of equal pairs, how many pairs there were and alpha against all other labels."""
        return {
            label: {"label_agreement": self._share(label).value, "pairs": self._share(label).of, "alpha": alpha}
            for label in sorted(self._units)
            for alpha in [self._alpha(label)]
        }

    def _share(self, label: str) -> Share:
        share = Share()
        for (size, times), units in self._units[label].items():
            share.add(units * times * (times - 1), units * times * (size - 1))
        return share

    def _alpha(self, label: str) -> float | None:
        units = sorted(self._units[label].items())
        named = sum(count * times for (_, times), count in units)
        rest = self._values - named
        if not rest:
            return None
        observed = sum(count * 2 * times * (size - times) / (size - 1) for (size, times), count in units)
        return 1 - (self._values - 1) * observed / (2 * named * rest)
