"""When a pool will be done, as tables tell it: what was said of it last, at most some hours ago."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject

from curation.models import Outlook, Pool

TOLD: Final = timedelta(hours=3)  # once an hour something is said of each pool at work
ENOUGH: Final = 20  # pages; what rests on fewer holds no longer than the pool had been watched until then
A_MINUTE: Final = 1 / 60


@dataclass(frozen=True, slots=True)
class Eta:
    """Hours until half and until nine in ten of such cases would be done."""

    p50: float
    p90: float

    @property
    def is_range(self) -> bool:
        return self.p90 >= 1.1 * self.p50


def with_said(pools: QuerySet[Pool]) -> QuerySet[Pool]:
    """Read with each pool what was said of it last: no question of its own."""
    told = JSONObject(p50="hours_p50", p90="hours_p90", at="made_at", pages="inputs__pages", watched="inputs__hours")
    latest = Outlook.objects.filter(project=OuterRef("project"), pool=OuterRef("pk")).order_by("-slot")
    return pools.annotate(said=Subquery(latest.values(told=told)[:1]))


def eta_of(pool: Pool, *, now: datetime) -> Eta | None:
    """Return the time left by what was said last; None where nothing was, or too long ago for what it rests on."""
    said: Mapping[str, Any] | None = getattr(pool, "said", None)
    if said is None or said["p50"] is None or said["p90"] is None:
        return None
    gone = now - datetime.fromisoformat(said["at"])
    if gone > _holds(said):
        return None
    hours = max(0.0, gone / timedelta(hours=1))
    return Eta(*(max(A_MINUTE, value - hours) for value in (said["p50"], said["p90"])))


def _holds(said: Mapping[str, Any]) -> timedelta:
    """Return for how long this is told: what was said of a pool that had just begun says little minutes later."""
    return TOLD if (said["pages"] or 0) >= ENOUGH else min(TOLD, timedelta(hours=said["watched"] or 0))
