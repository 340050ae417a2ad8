"""The goals of the doors, and whether the last figures meet them: a table, a line a goal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Result = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure of the results and its bound; `theirs` is the same of Label Studio where it has one."""

    name: str
    bound: float
    figure: Callable[[Result], float]
    at_least: bool = False
    theirs: Callable[[Result], float] | None = None

    def is_met(self, figure: float) -> bool:
        return figure >= self.bound if self.at_least else figure <= self.bound


def _pages(rows: str, cell: str, which: str, worst: Callable[..., float] = max) -> Callable[[Result], float]:
    """Return the worst page of one size among all filters; a list too short for a deep page has none."""

    def figure(result: Result) -> float:
        return worst(row[which][cell] for row in result["pages"][rows].values() if row[which])

    return figure


def _of(part: str, *path: str) -> Callable[[Result], float]:
    def figure(result: Result) -> float:
        found: Any = result[part]
        for name in path:
            found = found[name]
        return float(found)

    return figure


def _their_import(result: Result) -> float:
    """Return what 100,000 of their tasks would take at the rate of those that were imported."""
    told = result["label_studio"]["import"]
    return round(told["processor seconds"] * 100_000 / told["tasks"], 1)


def _their_page(which: str, cell: str) -> Callable[[Result], float]:
    return _of("label_studio", which, cell)


FIRST, DEEP = "filtered page of 30", "the same, deep"
SIZES = ("100,000 rows", "1,000,000 rows")
GOALS = (
    Goal("100,000 rows imported, CPU s", 20, _of("data_sets", "import", "first", "CPU s"), theirs=_their_import),
    Goal("the same again, labels changed", 0, _of("data_sets", "import", "changed by the second")),
    Goal("1 line of them broken, lines refused", 1, _of("data_sets", "import", "first", "refused")),
    Goal("the others arrived, boxes missing", 0, _of("data_sets", "import", "boxes missing")),
    *(
        Goal(f"page of 30 of {rows}, {name}, {words}", bound, _pages(rows, cell, name), theirs=_their_page(at, cell))
        for rows in SIZES
        for name, at in (("first", FIRST), ("deep", DEEP))
        for cell, words, bound in (("cpu_ms", "CPU ms", 15), ("p95_ms", "p95 ms", 100))
    ),
    Goal("COCO of 100,000 images, 30,000 boxes, CPU s", 10, _of("data_sets", "coco", "CPU s")),
    Goal("the same, memory grew by MiB", 50, _of("data_sets", "coco", "memory grew by MiB")),
    Goal("COCO of 500,000 images, 750,000 boxes, CPU s", 30, _of("data_sets", "large coco", "CPU s")),
    Goal("the same, memory grew by MiB", 150, _of("data_sets", "large coco", "memory grew by MiB")),
    Goal("bulk insert, rows/s", 20_000, _of("data_sets", "insert", "rows a second"), at_least=True),
    Goal("upload of small JPEGs, pictures/s", 200, _of("uploads", "first", "pictures a second"), at_least=True),
)


def table(result: Result) -> Iterator[str]:
    """Say of each goal what was measured and whether that meets it."""
    yield f"{'':<52}{'measured':>12}{'goal':>12}  {'':<14}{'Label Studio':>12}"
    for goal in GOALS:
        sign = "≥" if goal.at_least else "≤"
        figure, theirs = _try(goal.figure, result), _try(goal.theirs, result) if goal.theirs else None
        verdict = "not measured" if figure is None else "met" if goal.is_met(figure) else "NOT MET"
        bound = f"{sign} {goal.bound:,}"
        yield f"{goal.name:<52}{_shown(figure):>12}{bound:>12}  {verdict:<14}{_shown(theirs):>12}"
    skipped = result.get("label_studio", {}).get("skipped")
    if skipped:
        yield f"Label Studio: {skipped}"


def missed(result: Result) -> list[str]:
    """Return the goals that were measured and not met."""
    figures = {goal: _try(goal.figure, result) for goal in GOALS}
    return [goal.name for goal, figure in figures.items() if figure is not None and not goal.is_met(figure)]


def _try(figure: Callable[[Result], float], result: Result) -> float | None:
    try:
        return figure(result)
    except (KeyError, ValueError):  # that part did not run, or has failed
        return None


def _shown(figure: float | None) -> str:
    return "" if figure is None else f"{figure:,.10g}"
