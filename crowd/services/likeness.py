"""A simulated crowd like a real one: what the first hours of a project's collecting pools say about who takes work up.

Only collecting pools tell: those of judging and drawing have as much to do as has been collected.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Func, IntegerField, Max, Value

from crowd.errors import CrowdError
from crowd.models import Account, Assignment, Batch
from crowd.rehearsal.arrivals import Coming, Sessions, hour_of_week, take_by_price
from crowd.rehearsal.calibration import Calibrated, FirstHours, calibrated

FIRST = 24  # hours; later ones say more about who is left than about who comes
HOUR = timedelta(hours=1)
MICRO = 1_000_000
COLLECTS = ("photo", "link")
SENT = [Assignment.State.SUBMITTED, Assignment.State.ACCEPTED, Assignment.State.REJECTED]


@dataclass(frozen=True, slots=True)
class Likeness:
    """How a crowd comes that is like the one seen, and what that was told from."""

    coming: Coming
    photos: Calibrated | None
    films: Calibrated | None


@dataclass(frozen=True, slots=True)
class _Open:
    """A batch and when it had work to give."""

    batch: Batch
    since: datetime
    until: datetime

    @property
    def work(self) -> tuple[str, int]:
        """Return what it is to those who choose: all prices on trial are one work."""
        trial = self.batch.trial_id
        return ("batch", self.batch.pk) if trial is None else ("trial", trial)

    def is_beside(self, other: "_Open") -> bool:
        """Say whether it was open to the same people within the other one's first hours."""
        if self.batch.account_id != other.batch.account_id:
            return False
        return self.since <= min(other.until, other.since + FIRST * HOUR) and self.until >= other.since


class _HourOf(Func):
    """The full hours between a moment and a column."""

    template = "floor(extract(epoch FROM %(expressions)s) / 3600)::integer"
    arg_joiner = " - "
    output_field = IntegerField()


def coming_like(
    *,
    project_id: int,
    zone_of: Callable[[Account], ZoneInfo],
    now: datetime,
    sigma: float,
    usual: Coming | None = None,
) -> Likeness:
    """Calibrate how a crowd comes on the first hours, a day at most, of the project's collecting pools.

    `zone_of` says in whose clock the people of an account live, `sigma` is the spread of their activity. The number
    who could come stays that of `usual`: the hours seen say only how many of them times how often.

    Raises:
        CrowdError: no collecting pool has been open for a full hour.
    """
    known = usual or Coming()
    opened = Batch.objects.filter(project_id=project_id, kind=Batch.Kind.MAIN, opened_at__isnull=False)
    spans = [_Open(batch, *_open_between(batch, now)) for batch in opened.select_related("account")]
    seen = [
        (span.batch, _first_hours(span, spans, known, zone_of(span.batch.account)))
        for span in spans
        if span.batch.interface in COLLECTS
    ]
    photos = _told_by([hours for batch, hours in seen if not _is_film(batch)], known, known.photos, sigma)
    films = _told_by([hours for batch, hours in seen if _is_film(batch)], known, known.films, sigma)
    if photos is None and films is None:
        raise CrowdError("No pool that collects has been open for a full hour, so there is no pace to learn from.")
    swing = next((one.amplitude for one in (photos, films) if one is not None and one.amplitude is not None), None)
    coming = replace(
        known,
        photos=replace(known.photos, take=photos.take) if photos else known.photos,
        films=replace(known.films, take=films.take) if films else known.films,
        rhythm=known.rhythm if swing is None else replace(known.rhythm, amplitude=swing),
    )
    return Likeness(coming, photos, films)


def _told_by(pools: Sequence[FirstHours], known: Coming, sessions: Sessions, sigma: float) -> Calibrated | None:
    open_for_an_hour = [pool for pool in pools if pool.counts]
    if not open_for_an_hour:
        return None
    return calibrated(open_for_an_hour, eligible=known.eligible, sigma=sigma, sessions=sessions, rhythm=known.rhythm)


def _is_film(batch: Batch) -> bool:
    return bool(batch.spec.get("media") == "video")


def _open_between(batch: Batch, now: datetime) -> tuple[datetime, datetime]:
    """Return when a batch was opened, and until when it had work: now, or until its last page."""
    opened = batch.opened_at or now
    if batch.state == Batch.State.OPEN:
        return opened, now
    pages = Assignment.objects.filter(batch=batch, state__in=SENT, submitted_at__gte=opened)
    return opened, pages.aggregate(last=Max("submitted_at"))["last"] or opened


def _first_hours(span: _Open, beside: Sequence[_Open], known: Coming, zone: ZoneInfo) -> FirstHours:
    batch = span.batch
    return FirstHours(
        counts=_counts(span),
        opened=hour_of_week(span.since.astimezone(zone)),
        cap=batch.per_worker,
        pools=len({other.work for other in beside if other.is_beside(span)}),
        price=take_by_price(batch.price_micro / MICRO, reference_usd=known.reference_usd),
    )


def _counts(span: _Open) -> tuple[int, ...]:
    """Count what was handed in during each full hour; of a pool that is over, until its last page."""
    hours = min(FIRST, int((span.until - span.since) / HOUR))
    pages = Assignment.objects.filter(batch=span.batch, state__in=SENT, submitted_at__gte=span.since)
    by_hour = dict(
        pages.filter(submitted_at__lt=span.since + hours * HOUR)
        .annotate(hour=_HourOf(F("submitted_at"), Value(span.since)))
        .values_list("hour")
        .annotate(n=Count("pk"))
    )
    return tuple(by_hour.get(hour, 0) * span.batch.page_size for hour in range(hours))
