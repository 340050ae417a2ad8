"""When and for how much, as pages show it: in words, in the project's time zone, beside what was said before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from curation.models import Outlook, Pool, Project
from curation.services.outlook import Accuracy, Told, accuracy_of, outlook_of_pool, outlook_of_project, settled
from curation.services.outlook.choices import Choice, choices
from curation.services.outlook.of_pool import basis_of, told_of
from curation.services.overview import PoolRow, ProjectNumbers
from curation.services.overview.words import NOBODY_KNOWS, range_words

MOST_SAID, MOST_POOLS = 24, 20


@dataclass(frozen=True, slots=True)
class Said:
    """One earlier prediction as a line of the chart: when it was said, and from when to when it would be done."""

    at: datetime
    soon: datetime
    middle: datetime
    late: datetime
    money_micro: int | None
    reached: int


@dataclass(frozen=True, slots=True)
class OutlookView:
    """`told` None: nothing is missing, or it does not work. `ended` is when it was done, `said` is oldest first."""

    told: Told | None
    zone: ZoneInfo
    said: Sequence[Said]
    currency: str
    ended: datetime | None = None
    accuracy: Accuracy | None = None
    choices: Sequence[Choice] = ()

    @property
    def left(self) -> str:
        if self.told is None:
            return NOBODY_KNOWS
        if self.told.never:
            return "never"
        return range_words(self.told.eta) if self.told.eta else NOBODY_KNOWS

    @property
    def ends(self) -> str:
        """Return 'Tue 24 Nov, 14:00 to Wed 25 Nov, 03:00'."""
        if self.told is None or self.told.soon_at is None or self.told.late_at is None:
            return ""
        soon, late = (moment.astimezone(self.zone) for moment in (self.told.soon_at, self.told.late_at))
        until = f"{late:%H:%M}" if soon.date() == late.date() else day_words(late)
        return f"{day_words(soon)} to {until}"


def day_words(moment: datetime) -> str:
    return f"{moment:%a %-d %b, %H:%M}"


def zone_of(project: Project) -> ZoneInfo:
    return ZoneInfo(project.time_zone)


def pool_outlook(row: PoolRow, *, now: datetime) -> OutlookView:
    """Return what is said of a pool now, and what was said before."""
    pool, basis = row.pool, basis_of(row, now=now)
    told = told_of(basis) if basis else None
    done = pool.state == Pool.State.DONE
    return OutlookView(
        told=told,
        zone=zone_of(pool.project),
        said=_said(Outlook.objects.filter(project=pool.project, pool=pool)),
        currency=pool.account.currency,
        ended=pool.finished_at if done else None,
        accuracy=accuracy_of(settled(project=pool.project)),
        choices=choices(basis, told) if basis and told else (),
    )


def pools_outlooks(rows: Sequence[PoolRow], *, now: datetime) -> list[tuple[PoolRow, OutlookView]]:
    """Return what is said of the pools at work that miss most, what never ends on top, then the last to end first."""
    working = sorted((row for row in rows if row.is_working), key=lambda row: -row.left)[:MOST_POOLS]
    told = ((row, outlook_of_pool(row, now=now)) for row in working)
    found = [
        (row, OutlookView(one, zone_of(row.pool.project), (), row.pool.account.currency)) for row, one in told if one
    ]
    return sorted(found, key=lambda pair: _order(pair[1].told))


def _order(told: Told | None) -> tuple[bool, float]:
    return (not (told and told.never), -(told.eta.p50 if told and told.eta else 0.0))


def project_end(project: Project, numbers: ProjectNumbers) -> OutlookView:
    """Return what is said of a project now, without what was said before."""
    told = outlook_of_project(project, numbers)
    return OutlookView(told, zone_of(project), (), numbers.currency)


def project_outlook(project: Project, numbers: ProjectNumbers) -> OutlookView:
    return replace(
        project_end(project, numbers),
        said=_said(Outlook.objects.filter(project=project, pool=None)),
        accuracy=accuracy_of(settled(project=project)),
    )


def _said(rows: QuerySet[Outlook]) -> list[Said]:
    """Return the last predictions that named an end, oldest first."""
    named = rows.filter(hours_p5__isnull=False, hours_p50__isnull=False)
    return [_line(row) for row in reversed(named.order_by("-slot")[:MOST_SAID])]


def _line(row: Outlook) -> Said:
    low, middle = row.hours_p5 or 0.0, row.hours_p50 or 0.0
    high = row.hours_p95 if row.hours_p95 is not None else 2 * middle
    soon, mid, late = (row.made_at + timedelta(hours=one) for one in (low, middle, high))
    return Said(row.made_at, soon, mid, late, row.micro_p50, row.reached)
