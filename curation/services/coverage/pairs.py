"""Pairs of values of two conditions: which occur, which are still missing, and how likely something new is."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

from django.db.models import Case, Count, IntegerField, Value, When

from curation.models import Project
from curation.services.asset_query.filters import origin
from curation.services.coverage.counting import assets_among, fingerprint, kept, tests_of
from curation.services.coverage.plan import Factor

ENOUGH: Final = 5
NONE_OF_THEM: Final = -1
Codes = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two values that should occur together; `query` finds what there is."""

    words: tuple[str, str]
    n: int
    query: str


@dataclass(frozen=True, slots=True)
class Pairs:
    """`covered` of `all` pairs have enough images; `new_share` is the chance that the next image is of a new kind."""

    all: int
    covered: int
    missing: tuple[Pair, ...]
    new_share: float | None


def pairs(*, project: Project, factors: Sequence[Factor], among: str, enough: int = ENOUGH) -> Pairs | None:
    """Count all pairs of the planned conditions: one grouped statement. None with fewer than two conditions."""
    if len(factors) < 2:
        return None
    key = f"coverage-pairs:{project.pk}:{among}:{fingerprint(factors)}"
    cells = kept(key, lambda: cells_of(project, factors, among), lambda found: sum(found.values()))
    return covered(factors, cells, enough)


def cells_of(project: Project, factors: Sequence[Factor], among: str) -> dict[Codes, int]:
    """Return how many images have each combination of values that occurs; of two values of a tag the first counts."""
    rows: Any = assets_among(project, among).alias(origin=origin())
    names = [f"f{place}" for place in range(len(factors))]
    for name, factor in zip(names, factors, strict=True):
        whens = (When(test, then=Value(code)) for code, test in enumerate(tests_of(project, factor)))
        rows = rows.annotate(**{name: Case(*whens, default=Value(NONE_OF_THEM), output_field=IntegerField())})
    return {tuple(codes): n for *codes, n in rows.values_list(*names).annotate(n=Count("pk"))}


def covered(factors: Sequence[Factor], cells: dict[Codes, int], enough: int) -> Pairs:
    wanted = [
        (i, a, j, b)
        for i, j in combinations(range(len(factors)), 2)
        for a in range(len(factors[i].wishes))
        for b in range(len(factors[j].wishes))
    ]
    there: Counter[tuple[int, int, int, int]] = Counter()
    for codes, n in cells.items():
        for i, j in combinations(range(len(factors)), 2):
            there[i, codes[i], j, codes[j]] += n
    missing = sorted((one for one in wanted if there[one] < enough), key=lambda one: there[one])
    return Pairs(
        all=len(wanted),
        covered=len(wanted) - len(missing),
        missing=tuple(_pair(factors, one, there[one]) for one in missing),
        new_share=unseen(cells.values()),
    )


def _pair(factors: Sequence[Factor], one: tuple[int, int, int, int], n: int) -> Pair:
    i, a, j, b = one
    sides = ((factors[i], factors[i].wishes[a].value), (factors[j], factors[j].wishes[b].value))
    first, second = (f"{factor.name}: {value}" for factor, value in sides)
    return Pair((first, second), n, " ".join(factor.query(value) for factor, value in sides))


def unseen(cells: Iterable[int]) -> float | None:
    """Return the chance that the next image is of a kind never seen (Good and Turing: kinds seen once over images)."""
    counts = list(cells)
    whole = sum(counts)
    return sum(n == 1 for n in counts) / whole if whole else None
