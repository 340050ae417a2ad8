"""How many assets a query means, by every value of its facets. A big project is counted by a job, never in a request.

What a picture *is* and where it stands (state, stage, class, reason, light, blur, resolution) is counted once into a
cube, from which any choice of those values is added up in memory. Sources, workers, tags, splits and days are counted
for each query, every one without its own filter.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from django.core.cache import cache
from django.db.models import Case, CharField, Count, F, Q, Subquery, TextField, Value, When
from django.db.models.functions import Cast, Concat, TruncDate
from django.utils import timezone

from crowd.models import Worker
from curation.models import AssetTag, DatasetItem, DatasetVersion, Job, Project
from curation.models.asset import AssetQuerySet
from curation.services import jobs, shared_cache
from curation.services.asset_query.fields import BLUR, LIGHT, NONE, RESOLUTIONS
from curation.services.asset_query.filters import at_least, banded, matching, origin
from curation.services.asset_query.grammar import Query, Term
from curation.services.asset_query.parser import parse
from curation.services.jobs import Again
from curation.services.overview.counts import AssetCounts, Place

KIND: Final = "count_assets"
BIG: Final = 50_000
"""From so many assets on nothing is counted in a request."""
FRESH: Final = timedelta(minutes=1)
ROUGH: Final = timedelta(minutes=5)
KEPT_SECONDS: Final = 6 * 3600
MOST_OF_A_SIDE: Final = 40
MOST_AT_ONCE: Final = 3
"""So many queries of a project are counted at once."""
PLACES: Final = ("state", "stage", "class", "reason")
"""What the kept counts of assets tell exactly."""
CUBE: Final = ("state", "stage", "class", "reason", "light", "blur", "resolution")
SIDES: Final = ("source", "worker", "tag", "split")


@dataclass(frozen=True, slots=True)
class Cube:
    """Counts for every combination of values that occurs: one row of codes and one number each."""

    names: Mapping[str, tuple[str, ...]]
    """Fields in the order of the columns, each with its values in the order of their codes."""
    codes: npt.NDArray[np.int32]
    n: npt.NDArray[np.int64]

    def total(self, query: Query) -> int:
        return int(self.n[self._fits(query.terms)].sum())

    def by(self, name: str, query: Query) -> dict[str, int]:
        """Return the counts of each value of a field under the other fields' conditions."""
        others = [term for term in query.terms if term.field != name]
        place, fits = list(self.names).index(name), self._fits(others)
        sums = np.bincount(self.codes[fits, place], weights=self.n[fits], minlength=len(self.names[name]))
        return {word: int(n) for word, n in zip(self.names[name], sums, strict=True) if n}

    def _fits(self, terms: Iterable[Term]) -> npt.NDArray[np.bool_]:
        fits, columns = np.ones(len(self.n), dtype=np.bool_), list(self.names)
        for term in terms:
            if term.field in self.names:
                wanted = set(term.words)
                codes = [code for code, word in enumerate(self.names[term.field]) if word in wanted]
                fits &= np.isin(self.codes[:, columns.index(term.field)], codes, invert=term.negated)
        return fits


@dataclass(frozen=True, slots=True)
class Sides:
    """Values of the facets that are counted for each query, commonest first; and the days, in order."""

    values: Mapping[str, tuple[tuple[str, int], ...]]
    days: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Counted:
    """All counts of a query. None = not counted yet; a job is at it."""

    query: Query
    cube: Cube | None
    sides: Sides | None
    whole: Cube | None = None
    places: Cube | None = None
    at: datetime | None = None
    now: datetime | None = field(default=None, compare=False)

    @property
    def total(self) -> int | None:
        """Return how many the query means: exact where it asks for places only."""
        exact = self._exact(self.query)
        return exact if exact is not None or self.cube is None else self.cube.total(self.query)

    @property
    def all(self) -> int | None:
        return self.of(Query())

    def of(self, query: Query) -> int | None:
        """Return how many another query means, or nothing where that would have to be counted."""
        exact = self._exact(query)
        if exact is not None or self.whole is None or query.without(CUBE):
            return exact
        return self.whole.total(query)

    def by(self, name: str) -> dict[str, int]:
        """Return the counts of a field's values."""
        if self.places is not None and name in PLACES and not self.query.without(PLACES):
            return self.places.by(name, self.query)
        return self.cube.by(name, self.query) if self.cube is not None else {}

    def _exact(self, query: Query) -> int | None:
        return None if self.places is None or query.without(PLACES) else self.places.total(query)

    @property
    def pending(self) -> bool:
        return self.cube is None or self.sides is None

    @property
    def rough(self) -> bool:
        """Whether the counts are older than five minutes."""
        return self.at is not None and self.now is not None and self.now - self.at > ROUGH


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Any
    at: datetime
    version: int


def counted(project: Project, query: Query, counts: AssetCounts) -> Counted:
    """Return the counts: of a small project now; of a big one what is kept, and a job renews what is older.

    `counts` tells where the project's assets stand.
    """
    now = timezone.now()
    if counts.total <= BIG:
        return _counted_now(project, query, now)
    rest = query.without(CUBE)
    keys = {"whole": _key(project, "cube", Query()), "cube": _key(project, "cube", rest)}
    keys["sides"] = _key(project, "sides", query)
    kept: dict[str, _Kept] = shared_cache.found(set(keys.values()))
    found = {name: kept.get(key) for name, key in keys.items()}
    if any(one is None or (one.version != project.version and now - one.at > FRESH) for one in found.values()):
        _ask(project, query)
    whole, cube, sides = found["whole"], found["cube"], found["sides"]
    return Counted(
        query,
        cube.value if cube else None,
        sides.value if sides else None,
        whole=whole.value if whole else None,
        places=_places(project, counts.places),
        at=min((one.at for one in (cube, sides) if one), default=None),
        now=now,
    )


def _places(project: Project, places: Iterable[Place]) -> Cube:
    """Read the kept counts as a cube."""
    stages = {stage.pk: stage.name for stage in project.stages.all()}
    classes = {one.pk: one.name for one in project.classes.all()}
    rows: list[tuple[Any, ...]] = [
        (one.state, stages.get(one.stage_id, ""), classes.get(one.class_id or 0, NONE), one.reason or NONE, one.n)
        for one in places
    ]
    return _packed(rows, PLACES)


def _counted_now(project: Project, query: Query, now: datetime) -> Counted:
    key = f"{_key(project, 'now', query)}:{project.version}"
    kept: tuple[Cube, Cube, Sides] | None = cache.get(key)
    if kept is None:
        rest = query.without(CUBE)
        whole = cube_of(project, Query())
        kept = whole, cube_of(project, rest) if rest else whole, sides_of(project, query)
        cache.set(key, kept, 60)
    whole, cube, sides = kept
    return Counted(query, cube, sides, whole=whole, at=now, now=now)


def _key(project: Project, what: str, query: Query) -> str:
    return f"assets-{what}:{project.pk}:{hashlib.sha256(str(query).encode()).hexdigest()[:32]}"


def _ask(project: Project, query: Query) -> None:
    """Have the job count the whole project and this query, once at a time; when there is no room, at a later look."""
    key = f"{project.pk}:{hashlib.sha256(str(query).encode()).hexdigest()[:32]}"
    if jobs.is_room(kind=KIND, key=key, project_id=project.pk, most=MOST_AT_ONCE):
        jobs.wake(kind=KIND, key=key, project_id=project.pk, payload={"q": str(query)})


def run_count(job: Job, now: datetime) -> Again | None:
    """Job: count the whole project when its counts are old, then the query."""
    project = Project.objects.get(pk=job.project_id or 0)
    query = parse(str(job.payload["q"]))
    rest = query.without(CUBE)
    for one in dict.fromkeys([Query(), rest]):
        key = _key(project, "cube", one)
        kept: _Kept | None = shared_cache.found([key]).get(key)
        if kept is None or (kept.version != project.version and now - kept.at > FRESH / 2):
            shared_cache.keep(key, _Kept(cube_of(project, one), now, project.version), KEPT_SECONDS)
    sides = _Kept(sides_of(project, query), now, project.version)
    shared_cache.keep(_key(project, "sides", query), sides, KEPT_SECONDS)
    return None


def cube_of(project: Project, query: Query) -> Cube:
    """Count the assets a query means by all values of the cube's fields: one grouped query."""
    rows = (
        matching(query, project=project)
        .order_by()
        .annotate(
            light=_banded("brightness", LIGHT),
            blur=_banded("sharpness", BLUR),
            resolution=_resolution(),
        )
        .values_list("state", "stage_id", "label_class_id", "reason", "light", "blur", "resolution")
        .annotate(n=Count("id"))
    )
    stages = {stage.pk: stage.name for stage in project.stages.all()}
    classes = {one.pk: one.name for one in project.classes.all()}
    named = [
        (state, stages.get(stage, ""), classes.get(label, NONE), reason or NONE, *words, n)
        for state, stage, label, reason, *words, n in rows
    ]
    return _packed(named)


def _packed(rows: list[tuple[Any, ...]], fields: Sequence[str] = CUBE) -> Cube:
    names = {name: tuple(sorted({str(row[place]) for row in rows})) for place, name in enumerate(fields)}
    codes = np.zeros((len(rows), len(fields)), dtype=np.int32)
    for place, name in enumerate(fields):
        code = {word: number for number, word in enumerate(names[name])}
        codes[:, place] = [code[str(row[place])] for row in rows]
    return Cube(names, codes, np.array([row[-1] for row in rows], dtype=np.int64))


def _banded(column: str, bands: Mapping[str, tuple[float | None, float | None]]) -> Case:
    whens = (When(banded(column, bound), then=Value(word)) for word, bound in bands.items())
    return Case(*whens, default=Value(NONE), output_field=CharField())


def _resolution() -> Case:
    unknown = When(Q(width=None) | Q(height=None), then=Value(NONE))
    finest_first = (When(at_least(word), then=Value(word)) for word in RESOLUTIONS)
    return Case(unknown, *finest_first, default=Value(NONE), output_field=CharField())


def sides_of(project: Project, query: Query) -> Sides:
    """Count sources, workers, tags, splits and days, each under all conditions but its own: one statement."""
    parts = [_sources(project, query), _workers(project, query), _tags(project, query), _days(project, query)]
    parts.append(_splits(project, query))
    rows = parts[0].union(*parts[1:], all=True)
    values: dict[str, list[tuple[str, int]]] = {}
    for what, value, n in rows:
        values.setdefault(what, []).append((value, n))
    values["worker"] = _pseudonyms(values.get("worker", []))
    days = values.pop("day", [])
    sides = {what: tuple(sorted(found, key=lambda one: (-one[1], one[0]))) for what, found in values.items()}
    return Sides(sides, tuple(sorted(days)))


def _under(project: Project, query: Query, but: str) -> AssetQuerySet:
    return matching(query.without([but]), project=project).order_by()


def _part(rows: Any, what: str, value: Any, *, most: int | None = MOST_OF_A_SIDE, distinct: str = "pk") -> Any:
    """Return rows (facet, value, how many), the commonest first."""
    counted_rows = (
        rows.annotate(facet=Value(what, output_field=TextField()), found=Cast(value, TextField()))
        .order_by()
        .values_list("facet", "found")
        .annotate(n=Count(distinct, distinct=distinct != "pk"))
    )
    return counted_rows if most is None else counted_rows.order_by("-n", "found")[:most]


def _sources(project: Project, query: Query) -> Any:
    return _part(_under(project, query, "source"), "source", origin())


def _workers(project: Project, query: Query) -> Any:
    return _part(_under(project, query, "worker").filter(worker_id__isnull=False), "worker", F("worker_id"))


def _tags(project: Project, query: Query) -> Any:
    rest = query.without(["tag"])
    tags = AssetTag.objects.filter(project_id=project.pk, run__is_current=True)
    if rest:
        tags = tags.filter(asset__in=matching(rest, project=project).order_by())
    return _part(tags, "tag", Concat("key", Value(": "), "value"), distinct="asset")


def _splits(project: Project, query: Query) -> Any:
    frozen = DatasetVersion.objects.filter(project=project, frozen_at__isnull=False, query="").order_by("-number")
    items = DatasetItem.objects.filter(dataset=Subquery(frozen.values("pk")[:1])).exclude(split="")
    return _part(items.filter(asset__in=_under(project, query, "split")), "split", F("split"))


def _days(project: Project, query: Query) -> Any:
    return _part(_under(project, query, "created"), "day", TruncDate("created_at"), most=None)


def _pseudonyms(found: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Call workers what screens call them; two whose names begin alike are told apart by nothing here."""
    workers = {str(one.pk): one.short_id for one in Worker.objects.filter(pk__in=[int(pk) for pk, _ in found])}
    return [(workers[pk], n) for pk, n in found if pk in workers]
