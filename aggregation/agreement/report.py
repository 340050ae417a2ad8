"""Figures of agreement, as one document or as a table to read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from aggregation.agreement.bootstrap import Interval
from aggregation.core.answers import probability

Figures = Mapping[str, float | None]
Intervals = Mapping[str, Interval | None]


@dataclass(slots=True)
class Share:
    """Counts how many of how many."""

    yes: int = 0
    of: int = 0

    def add(self, yes: int, of: int) -> None:
        self.yes += yes
        self.of += of

    @property
    def value(self) -> float | None:
        return self.yes / self.of if self.of else None


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of a pool, its annotators and its classes; intervals hold 95 % of redrawn pools."""

    counts: Mapping[str, int]
    pool: Figures
    alpha: Figures
    per_worker: Mapping[str, Figures]
    per_class: Mapping[str, Figures]
    pool_interval: Intervals = field(default_factory=dict)
    alpha_interval: Intervals = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Return one document for a page or a file: figures rounded, people and classes sorted by name."""
        return {
            **self.counts,
            **_rounded(self.pool),
            "interval": _rounded_intervals(self.pool_interval),
            "alpha": _rounded(self.alpha),
            "alpha_interval": _rounded_intervals(self.alpha_interval),
            "per_worker": [{"worker": name, **_rounded(figures)} for name, figures in self.per_worker.items()],
            "per_class": [{"label": name, **_rounded(figures)} for name, figures in self.per_class.items()],
        }

    def lines(self) -> Iterator[str]:
        """Yield the report for a reader."""
        yield ", ".join(f"{count} {name}" for name, count in self.counts.items())
        yield ", ".join(_said(self.pool, self.pool_interval))
        yield "Krippendorff's alpha: " + ", ".join(_said(self.alpha, self.alpha_interval))
        for title, rows in (("worker", self.per_worker), ("class", self.per_class)):
            for name, figures in rows.items():
                yield f"{title} {name}: " + ", ".join(_said(figures, {}))


def _rounded(figures: Figures) -> dict[str, float | None]:
    return {name: value if isinstance(value, int) else probability(value) for name, value in figures.items()}


def _rounded_intervals(intervals: Intervals) -> dict[str, list[float | None] | None]:
    return {name: pair and [probability(end) for end in pair] for name, pair in intervals.items()}


def _said(figures: Figures, intervals: Intervals) -> Iterator[str]:
    for name, value in _rounded(figures).items():
        pair = intervals.get(name)
        between = f" ({pair[0]:.4g} to {pair[1]:.4g})" if pair else ""
        yield f"{name.replace('_', ' ')} {'-' if value is None else f'{value:g}'}{between}"
