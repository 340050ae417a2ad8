"""Figures of agreement, as one document or as a table to read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from aggregation.core.answers import probability

Figures = Mapping[str, float | None]


@dataclass(slots=True)
class Share:
    """Counts how many of how many."""

    yes: int = 0
    of: int = 0

    def add(self, *, yes: bool) -> None:
        self.yes += yes
        self.of += 1

    @property
    def value(self) -> float | None:
        return self.yes / self.of if self.of else None


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of a pool, its annotators and its classes."""

    counts: Mapping[str, int]
    pool: Figures
    alpha: Figures
    workers: Mapping[str, Figures]
    classes: Mapping[str, Figures]

    def to_json(self) -> dict[str, object]:
        return {
            **self.counts,
            **_rounded(self.pool),
            "alpha": _rounded(self.alpha),
            "workers": [{"worker": name, **_rounded(figures)} for name, figures in self.workers.items()],
            "classes": [{"label": name, **_rounded(figures)} for name, figures in self.classes.items()],
        }

    def lines(self) -> Iterator[str]:
        """Yield the report for a reader."""
        yield ", ".join(f"{count} {name}" for name, count in self.counts.items())
        yield ", ".join(_said(self.pool))
        yield "Krippendorff's alpha: " + ", ".join(_said(self.alpha))
        for title, rows in (("worker", self.workers), ("class", self.classes)):
            for name, figures in rows.items():
                yield f"{title} {name}: " + ", ".join(_said(figures))


def _rounded(figures: Figures) -> dict[str, float | None]:
    return {name: value if isinstance(value, int) else probability(value) for name, value in figures.items()}


def _said(figures: Figures) -> Iterator[str]:
    for name, value in _rounded(figures).items():
        yield f"{name.replace('_', ' ')} {'-' if value is None else f'{value:g}'}"
