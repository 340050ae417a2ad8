"""Where blur and light are cut: measured on the project's own pictures, looked at, applied as a job, taken back."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from django.db.models import CharField, Count, Q, QuerySet, Value

from crowd.errors import CrowdError
from crowd.models import Assignment
from curation.models import Asset, BulkDrop, Project, Stage, User
from curation.preprocessing.quality import BLUR_DEVIATIONS, MAD_TO_SD, folder_threshold
from curation.services import bulk_drops
from curation.services.bulk_drops import Planned

ENOUGH_ACCEPTED = 100
PERCENTILE = 2.0
MOST_MEASURED = 50_000
LEAST_REACH = 40.0
"""A picture within 40 grey levels of the usual one is never called too dark or too bright."""
SHOWN = 12
SIDES: Final = ("beyond", "within")


@dataclass(frozen=True, slots=True)
class Cut:
    """One limit: what is under it (or over it) is dropped with the reason. `setting` is the stage's."""

    setting: str
    column: str
    reason: str
    title: str
    over: bool
    top: float

    def beyond(self, value: float) -> Q:
        return Q(**{f"{self.column}__{'gt' if self.over else 'lt'}": value})

    def is_beyond(self, measured: float, value: float) -> bool:
        return measured > value if self.over else measured < value


CUTS: Final = (
    Cut("min_sharpness", "sharpness", "blurred", "Blurred", over=False, top=100_000.0),
    Cut("min_brightness", "brightness", "too_dark", "Too dark", over=False, top=255.0),
    Cut("max_brightness", "brightness", "too_bright", "Too bright", over=True, top=255.0),
)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Where the project's own pictures say that a cut belongs, and from how many of which."""

    value: float
    accepted: int
    measured: int

    @property
    def from_accepted(self) -> bool:
        return self.accepted >= ENOUGH_ACCEPTED


def stage_of(project: Project) -> Stage | None:
    return next((stage for stage in project.stages.all() if stage.kind == "checks"), None)


def live(project: Project) -> QuerySet[Asset]:
    """Return the measured pictures that are in the project."""
    return Asset.objects.filter(project=project, sharpness__isnull=False).exclude(state=Asset.State.DROPPED)


def accepted(project: Project) -> QuerySet[Asset]:
    paid = Q(answer__assignment__state=Assignment.State.ACCEPTED)
    return live(project).filter(Q(state=Asset.State.PUBLISHED) | paid)


def suggestions(project: Project) -> dict[str, Suggestion | None]:
    """Return for each cut the 2nd percentile of 100 accepted pictures or more (98th for an upper one), else 3 MAD.

    The newest 50,000 are read. None = nothing has been measured. Rules: preprocessing.quality.folder_threshold.
    """
    good = _columns(accepted(project))
    few = any(len(good[cut.column]) < ENOUGH_ACCEPTED for cut in CUTS)
    every = _columns(live(project)) if few else good
    return {cut.setting: _suggestion(cut, good[cut.column], every[cut.column]) for cut in CUTS}


def _suggestion(cut: Cut, good: Sequence[float], every: Sequence[float]) -> Suggestion | None:
    if len(good) >= ENOUGH_ACCEPTED:
        share = 100 - PERCENTILE if cut.over else PERCENTILE
        return Suggestion(round(float(np.percentile(good, share)), 2), len(good), len(good))
    return Suggestion(round(_by_spread(every, cut), 2), len(good), len(every)) if every else None


def _columns(rows: QuerySet[Asset]) -> dict[str, list[float]]:
    """Return what was measured of the newest pictures, by column."""
    columns = tuple(dict.fromkeys(cut.column for cut in CUTS))
    found = list(rows.order_by("-id").values_list(*columns)[:MOST_MEASURED])
    return {column: [row[at] for row in found if row[at] is not None] for at, column in enumerate(columns)}


def _by_spread(values: Sequence[float], cut: Cut) -> float:
    if cut.column == "sharpness":
        return folder_threshold(values)
    middle = float(np.median(values))
    reach = max(BLUR_DEVIATIONS * MAD_TO_SD * float(np.median(np.abs(np.array(values) - middle))), LEAST_REACH)
    return min(max(middle + reach if cut.over else middle - reach, 0.0), cut.top)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a cut would do: how many go, and pictures on both sides of it, the nearest first."""

    goes: int
    of: int
    beyond: tuple[Asset, ...]
    within: tuple[Asset, ...]


def previews(project: Project, values: Mapping[str, float]) -> dict[str, Preview]:
    """Return what each of these cuts would do: three statements, however many there are."""
    shown = [cut for cut in CUTS if cut.setting in values]
    if not shown:
        return {}
    goes = {cut.setting: Count("pk", filter=cut.beyond(values[cut.setting])) for cut in shown}
    of = {f"of_{cut.setting}": Count(cut.column) for cut in shown}
    counts = live(project).aggregate(**goes, **of)
    sides = [_nearest(project, cut, values[cut.setting], side) for cut in shown for side in SIDES]
    places: dict[str, list[int]] = {}
    for where, pk in sides[0].union(*sides[1:], all=True):
        places.setdefault(where, []).append(pk)
    assets = Asset.objects.in_bulk([pk for pks in places.values() for pk in pks])

    def pictures(cut: Cut, side: str) -> tuple[Asset, ...]:
        found = [assets[pk] for pk in places.get(f"{cut.setting}:{side}", [])]
        return tuple(sorted(found, key=lambda one: abs(getattr(one, cut.column) - values[cut.setting])))

    return {
        cut.setting: Preview(
            counts[cut.setting], counts[f"of_{cut.setting}"], pictures(cut, "beyond"), pictures(cut, "within")
        )
        for cut in shown
    }


def _nearest(project: Project, cut: Cut, value: float, side: str) -> Any:
    """Return the pictures on one side of a cut that are nearest to it, with where they belong."""
    rows = live(project).filter(**{f"{cut.column}__isnull": False})
    is_beyond = side == "beyond"
    rows = rows.filter(cut.beyond(value)) if is_beyond else rows.exclude(cut.beyond(value))
    upwards = cut.over == is_beyond
    where = Value(f"{cut.setting}:{side}", output_field=CharField())
    ordered = rows.order_by(cut.column if upwards else f"-{cut.column}", "id")
    return ordered.annotate(where=where).values_list("where", "pk")[:SHOWN]


def read(typed: Mapping[str, str]) -> dict[str, float | None]:
    """Return the cuts as typed; empty = no cut. Raises CrowdError naming the value that is wrong."""
    found: dict[str, float | None] = {}
    for cut in CUTS:
        text = typed.get(cut.setting, "").strip().replace(",", ".")
        found[cut.setting] = _number(cut, text) if text else None
    low, high = found["min_brightness"], found["max_brightness"]
    if low is not None and high is not None and low >= high:
        raise CrowdError(f"“Too dark” must be under “Too bright”, not {low:g} and {high:g}.")
    return found


def _number(cut: Cut, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise CrowdError(f"“{cut.title}” must be a number, not {text[:20]!r}.") from None
    if not math.isfinite(value) or not 0 <= value <= cut.top:
        raise CrowdError(f"“{cut.title}” is 0 to {cut.top:,.0f}, not {text[:20]}.")
    return value


def apply(*, project: Project, values: Mapping[str, float | None], by: User, now: datetime) -> BulkDrop:
    """Let these cuts hold for what comes, and take out what is beyond them already. Can be undone."""
    stage = stage_of(project)
    if stage is None:
        raise CrowdError("This project has no stage of checks, so nothing could be cut.")
    before = {cut.setting: stage.settings.get(cut.setting) for cut in CUTS}
    changed = {name: {"before": before[name], "after": values[name]} for name in before if before[name] != values[name]}
    settings: dict[str, Any] = {"cuts": dict(values), "stage_id": stage.pk, "stage_settings": changed}
    return bulk_drops.start(project=project, kind="cuts", settings=settings, by=by, now=now)


def plan(drop: BulkDrop) -> Iterator[Planned]:
    values = drop.settings["cuts"]
    taken: set[int] = set()
    for cut in CUTS:
        value = values.get(cut.setting)
        if value is None:
            continue
        rows = live(drop.project).filter(cut.beyond(value)).order_by("id").values_list("id", cut.column)
        for asset_id, measured in rows.iterator(5_000):
            if asset_id not in taken:
                taken.add(asset_id)
                yield Planned(asset_id, cut.reason, evidence={cut.column: round(measured, 2), "cut": value})
