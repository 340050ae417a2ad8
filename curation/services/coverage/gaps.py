"""A matrix beside its plan: which cells have too few or too many, and how many images are missing where."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, F

from crowd.models import Answer, Assignment, Batch, Task
from curation.models import LabelClass, Pool, Project
from curation.services.coverage.counting import Matrix
from curation.services.coverage.plan import Factor, Wish

STEPS = 6


@dataclass(frozen=True, slots=True)
class Cell:
    """Images or boxes of one class with one value. `missing` counts what the plan lacks there."""

    wish: Wish
    place: int
    n: int
    share: float
    flag: str
    missing: int
    step: int
    query: str


@dataclass(frozen=True, slots=True)
class Line:
    """One class; `rest` has none of the values."""

    label: LabelClass | None
    n: int
    cells: tuple[Cell, ...]
    rest: int
    query: str

    @property
    def name(self) -> str:
        return self.label.name if self.label else "without a class"


@dataclass(frozen=True, slots=True)
class Gap:
    """What is missing of a class under a condition."""

    label: LabelClass
    place: int
    wish: Wish
    missing: int
    n: int
    wanted: int
    coming: int

    @property
    def left(self) -> int:
        """What is missing still when all has come that is on its way."""
        return max(0, self.missing - self.coming)


@dataclass(frozen=True, slots=True)
class Heat:
    """The whole picture of one condition."""

    factor: Factor
    lines: tuple[Line, ...]
    totals: Line
    gaps: tuple[Gap, ...]


def wanted_of_classes(project: Project) -> dict[int | None, int]:
    """Return how many photos the collecting pools of each class are to bring.

    A pool for a gap brings what lacks of that plan and does not make it larger.
    """
    found: Counter[int | None] = Counter()
    pools = Pool.objects.filter(project=project, kind=Pool.Kind.MAIN, label_class__isnull=False, condition="")
    for label, wanted in pools.values_list("label_class_id", "wanted"):
        found[label] += wanted
    return dict(found)


def open_places(project: Project) -> dict[tuple[int | None, str], int]:
    """Return how many photos of each class and condition its pools still bring.

    Places that nobody has begun, and those in somebody's hands: begun and not sent, or sent and not taken in.
    """
    pools = Pool.objects.filter(project=project, kind=Pool.Kind.MAIN, label_class__isnull=False)
    rows = pools.exclude(state=Pool.State.DONE).values_list("pk", "label_class_id", "condition")
    asked = {pk: (label, condition) for pk, label, condition in rows}
    batches = dict(Batch.objects.filter(pool_id__in=asked).values_list("pk", "pool_id"))
    free = Task.objects.filter(batch__in=batches, issued__lt=F("overlap"), cancelled=False, item_id=None)
    in_hand = Answer.objects.filter(
        assignment__batch__in=batches,
        assignment__state__in=[Assignment.State.ACTIVE, Assignment.State.SUBMITTED],
        assignment__processed_at=None,
        task__item_id=None,
    )
    found: Counter[tuple[int | None, str]] = Counter()
    begun = in_hand.order_by().values_list("assignment__batch").annotate(n=Count("pk"))
    for batch, n in free.order_by().values_list("batch").annotate(n=Count("pk")).union(begun, all=True):
        found[asked[batches[batch]]] += n
    return dict(found)


def coming(
    *, found: Matrix, kept: Matrix, places: Mapping[tuple[int | None, str], int]
) -> dict[tuple[int | None, int], int]:
    """Return how many more images of each cell may be on their way.

    Those under way have a value already; open places are taken to bring what their pool asks for, and where it asks
    for no value, what the plan says.
    """
    at_once = {at: kept.cells[at] - found.cells.get(at, 0) for at in kept.cells}
    wishes = list(enumerate(found.factor.wishes))
    later: Counter[tuple[int | None, int]] = Counter()
    for (of, condition), n in places.items():
        for at, one in wishes:
            if not condition:
                later[of, at] += math.floor(round(one.share * n / 100, 6))
            elif condition == found.factor.condition(one.value):
                later[of, at] += n
    return {at: max(0, at_once.get(at, 0)) + later[at] for at in {*at_once, *later}}


def heat(
    *,
    found: Matrix,
    classes: Sequence[LabelClass],
    wanted: Mapping[int | None, int],
    among: str,
    boxes: bool,
    on_its_way: Mapping[tuple[int | None, int], int] | None = None,
) -> Heat:
    """Put a matrix beside its plan. A class is planned for what its pools want, or for what is there if that is more.

    Gaps are counted in images, so there are none in a matrix of boxes.
    """
    known: list[LabelClass | None] = [one for one in classes if one.retired_at is None or found.whole.get(one.pk)]
    if found.whole.get(None):
        known.append(None)
    lines = tuple(_line(one, found, _planned(one, found, {} if boxes else wanted), among) for one in known)
    whole = Matrix(found.factor, {(0, place): found.total(place) for place in _places(found)}, {0: found.all})
    totals = _line(None, whole, found.all, among, key=0)
    gaps = [] if boxes else [gap for line in lines for gap in _gaps(line, wanted, on_its_way or {})]
    gaps.sort(key=lambda gap: (-gap.left, -gap.missing, gap.label.index, gap.place))
    return Heat(found.factor, lines, totals, tuple(gaps))


def _places(found: Matrix) -> range:
    return range(len(found.factor.wishes))


def _planned(label: LabelClass | None, found: Matrix, wanted: Mapping[int | None, int]) -> int | None:
    """Return how many of a class are planned.

    None where no plan is meant: of what is no sign, without a class, not asked for any more, or not yet.
    """
    if label is None or label.is_negative or label.retired_at is not None:
        return None
    return max(found.whole.get(label.pk, 0), wanted.get(label.pk, 0)) or None


def _line(label: LabelClass | None, found: Matrix, planned: int | None, among: str, key: int | None = None) -> Line:
    at = label.pk if label else key
    whole = found.whole.get(at, 0)
    own = "" if key is not None else f"{_class_query(label)} "
    asked = f"{own}{among}"
    cells = tuple(_cell(found, (at, place), planned, asked) for place in _places(found))
    return Line(label, whole, cells, max(0, whole - sum(cell.n for cell in cells)), asked)


def _class_query(label: LabelClass | None) -> str:
    return f'class:"{label.name}"' if label else "class:none"


def _cell(found: Matrix, at: tuple[int | None, int], planned: int | None, asked: str) -> Cell:
    wish, n, whole = found.factor.wishes[at[1]], found.cells.get(at, 0), found.whole.get(at[0], 0)
    share = n / whole if whole else 0.0
    flag, missing = "", 0
    if found.factor.is_wanted and planned is not None:
        if n < (wish.share - wish.tolerance) * max(1, planned) / 100:
            missing = math.ceil(round(wish.share * max(1, planned) / 100, 6)) - n
        flag = "under" if missing else "over" if 100 * share > wish.share + wish.tolerance else ""
    return Cell(wish, at[1], n, share, flag, missing, round(STEPS * share), f"{asked} {found.factor.query(wish.value)}")


def _gaps(line: Line, wanted: Mapping[int | None, int], on_its_way: Mapping[tuple[int | None, int], int]) -> list[Gap]:
    if line.label is None:
        return []
    label, planned = line.label, max(line.n, wanted.get(line.label.pk, 0))
    return [
        Gap(
            label=label,
            place=cell.place,
            wish=cell.wish,
            missing=cell.missing,
            n=cell.n,
            wanted=planned,
            coming=min(cell.missing, on_its_way.get((label.pk, cell.place), 0)),
        )
        for cell in line.cells
        if cell.missing
    ]
