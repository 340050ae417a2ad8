"""How many images and boxes there are of every class under every value of a condition."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from django.core.cache import cache
from django.db.models import Count, Q, QuerySet

from crowd.models import Account, Batch, Worker
from curation.models import Asset, AssetTag, ConsensusBox, Project
from curation.services.asset_query import matching, parse
from curation.services.asset_query.boxes import standing_boxes
from curation.services.asset_query.counting import BIG
from curation.services.asset_query.fields import BLUR, LIGHT, NONE, RESOLUTIONS
from curation.services.asset_query.filters import CROWD, TESTS, origin
from curation.services.coverage.plan import Factor, Wish

AMONG: Final = {"published": "state:published -media:video", "kept": "-state:dropped -media:video"}
"""Which images are counted: those that are ready, or all that may still become it. Videos count as their frames."""
SHOWN: Final = 8
SHOWN_KEYS: Final = 12
MINUTE, FIVE_MINUTES = 60, 300
T = TypeVar("T")
FIXED: Final = {
    "light": (*LIGHT, NONE),
    "blur": (*BLUR, NONE),
    "resolution": (*RESOLUTIONS, NONE),
    "media": tuple(Asset.Media.values),
}


@dataclass(frozen=True, slots=True)
class Matrix:
    """Counts by class (None = without one) and value; `whole` counts a class whatever its value."""

    factor: Factor
    cells: dict[tuple[int | None, int], int]
    whole: dict[int | None, int]

    def total(self, value: int) -> int:
        return sum(n for (_, place), n in self.cells.items() if place == value)

    @property
    def all(self) -> int:
        return sum(self.whole.values())


def kept(key: str, count: Callable[[], T], size: Callable[[T], int]) -> T:
    """Return what was counted a moment ago, or count: big projects are counted rarely."""
    found: T | None = cache.get(key)
    if found is None:
        found = count()
        cache.set(key, found, MINUTE // 6 if size(found) <= BIG else FIVE_MINUTES)
    return found


def tag_keys(project: Project) -> list[str]:
    """Return the first keys of the project's tags by name."""
    tags = AssetTag.objects.filter(project_id=project.pk, run__is_current=True).order_by()
    rows = tags.values_list("key").annotate(n=Count("pk"))
    counts = kept(f"coverage-keys:{project.pk}", lambda: dict(rows), lambda found: sum(found.values()))
    return sorted(counts)[:SHOWN_KEYS]


def usual_factor(project: Project, name: str) -> Factor | None:
    """Return a condition nobody has planned, with the values that are there: only to be looked at."""
    values = FIXED.get(name) or _found_values(project, name)
    return Factor(name, tuple(Wish(value, 0) for value in values), is_wanted=False) if values else None


def _found_values(project: Project, name: str) -> tuple[str, ...]:
    """Return the commonest values of workers, platforms, sources or a tag."""
    if name == "platform":
        mine = Account.objects.filter(pk__in=Batch.objects.filter(project_id=project.pk).values("account_id"))
        return (*mine.order_by("slug").values_list("slug", flat=True), NONE)
    key = hashlib.sha256(name.encode()).hexdigest()[:32]
    rows = kept(
        f"coverage-values:{project.pk}:{key}",
        lambda: list(_commonest(project, name)[:SHOWN]),
        lambda found: sum(n for _, n in found),
    )
    if name == "worker":
        workers = Worker.objects.in_bulk([pk for pk, _ in rows])
        return tuple(workers[pk].short_id for pk, _ in rows if pk in workers)
    values = tuple(value for value, _ in rows)
    return (CROWD, *values, NONE) if name == "source" else values


def _commonest(project: Project, name: str) -> Any:
    """Return workers, sources or values of a tag with how many images each has, most first."""
    if name == "worker":
        sent = Asset.objects.filter(project=project, worker_id__isnull=False).order_by()
        return sent.values_list("worker_id").annotate(n=Count("pk")).order_by("-n")
    if name == "source":
        sources = Asset.objects.filter(project=project, worker_id=None).exclude(source="").order_by()
        return sources.values_list("source").annotate(n=Count("pk")).order_by("-n")
    tags = AssetTag.objects.filter(project_id=project.pk, run__is_current=True, key=name).order_by()
    return tags.values_list("value").annotate(n=Count("asset", distinct=True)).order_by("-n", "value")


def matrix(*, project: Project, factor: Factor, among: str, boxes: bool = False) -> Matrix:
    """Count one condition: one statement for images, or for the boxes in them."""
    count = _boxes if boxes else _images
    key = f"coverage:{project.pk}:{among}:{boxes}:{fingerprint([factor])}"
    found = kept(key, lambda: count(project, factor, among), lambda matrix: matrix.all)
    return replace(found, factor=factor)


def fingerprint(factors: Sequence[Factor]) -> str:
    text = repr([(one.name, one.queries) for one in factors])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def assets_among(project: Project, among: str) -> QuerySet[Asset]:
    return matching(parse(AMONG[among]), project=project).order_by()


def tests_of(project: Project, factor: Factor) -> list[Q]:
    """Return what an asset must fulfil for each value: the same tests as a query."""
    return [_test(project, query) for query in factor.queries]


def _test(project: Project, query: str) -> Q:
    (term,) = parse(query).terms
    return TESTS[term.field](project, term)


def _images(project: Project, factor: Factor, among: str) -> Matrix:
    rows: Any = assets_among(project, among).alias(origin=origin())
    counts = {f"v{place}": Count("pk", filter=test) for place, test in enumerate(tests_of(project, factor))}
    return _read(factor, rows.values("label_class_id").annotate(whole=Count("pk"), **counts), "label_class_id")


def _boxes(project: Project, factor: Factor, among: str) -> Matrix:
    of_class = "consensus__asset__label_class_id"
    rows: Any = boxes_among(project, among)
    counts = {
        f"v{place}": Count("pk", filter=Q(consensus__asset__in=_having(project, query)))
        for place, query in enumerate(factor.queries)
    }
    return _read(factor, rows.values(of_class).annotate(whole=Count("pk"), **counts), of_class)


def _having(project: Project, query: str) -> Any:
    return matching(parse(query), project=project).order_by().values("pk")


def boxes_among(project: Project, among: str) -> QuerySet[ConsensusBox]:
    """Return the boxes that stand of these images."""
    return standing_boxes(project).filter(consensus__asset__in=assets_among(project, among).values("pk"))


def _read(factor: Factor, rows: Any, of_class: str) -> Matrix:
    cells: dict[tuple[int | None, int], int] = {}
    whole: dict[int | None, int] = {}
    for row in rows:
        whole[row[of_class]] = row["whole"]
        for place in range(len(factor.wishes)):
            cells[row[of_class], place] = row[f"v{place}"]
    return Matrix(factor, cells, whole)
