"""At which hours of the week the people of an account work, and how much such pools usually get in an hour."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.core.cache import cache
from django.db import connection
from django.db.models import Count

from crowd.models import Account, Worker
from curation.economics.week import DAY, HOURS, Week

MOST_WEEKS = 8
KEPT_SECONDS = 600
# Where most people of a country live, as to the clock.
ZONES: Final = {
    "AR": "America/Argentina/Buenos_Aires", "AU": "Australia/Sydney", "BD": "Asia/Dhaka", "BR": "America/Sao_Paulo",
    "BY": "Europe/Minsk", "CA": "America/Toronto", "CN": "Asia/Shanghai", "CO": "America/Bogota",
    "DE": "Europe/Berlin", "EG": "Africa/Cairo", "ES": "Europe/Madrid", "FR": "Europe/Paris", "GB": "Europe/London",
    "ID": "Asia/Jakarta", "IN": "Asia/Kolkata", "IT": "Europe/Rome", "JP": "Asia/Tokyo", "KE": "Africa/Nairobi",
    "KR": "Asia/Seoul", "KZ": "Asia/Almaty", "MX": "America/Mexico_City", "NG": "Africa/Lagos", "PH": "Asia/Manila",
    "PK": "Asia/Karachi", "PL": "Europe/Warsaw", "PT": "Europe/Lisbon", "RO": "Europe/Bucharest",
    "RU": "Europe/Moscow", "TR": "Europe/Istanbul", "UA": "Europe/Kyiv", "US": "America/New_York",
    "UZ": "Asia/Tashkent", "VE": "America/Caracas", "VN": "Asia/Ho_Chi_Minh", "ZA": "Africa/Johannesburg",
}  # fmt: skip
HISTORY = """
SELECT tally.slot, sum(tally.n)::bigint
  FROM crowd_batch batch
  JOIN crowd_tally tally ON tally.of_kind = 'batch' AND tally.of_id = batch.id AND tally.minutes = 60
   AND tally.word = 'pages.sent' AND tally.slot >= %(since)s AND tally.slot < %(now)s
 WHERE batch.account_id = %(account)s AND batch.kind = 'main'
 GROUP BY 1
"""
USUAL = """
SELECT avg(tally.n)
  FROM crowd_batch batch
  JOIN crowd_tally tally ON tally.of_kind = 'batch' AND tally.of_id = batch.id AND tally.minutes = 60
   AND tally.word = 'pages.sent' AND tally.slot >= %(since)s AND tally.slot < %(now)s
 WHERE batch.account_id = %(account)s AND batch.kind = 'main' AND batch.interface = %(interface)s
   AND NOT batch.id = ANY(%(but)s)
"""


def week_of(account: Account, *, now: datetime) -> Week:
    """Return when the people of an account work, learned from whole weeks, or whole days at first.

    Nobody has learned anything of simulated people before they have worked: they know no night.
    """
    key = f"crowd-week:{account.pk}:{_slot(now)}"
    kept: Week | None = cache.get(key)
    if kept is None:
        kept = _learned(account, now)
        cache.set(key, kept, KEPT_SECONDS)
    return kept


def _learned(account: Account, now: datetime) -> Week:
    zone = zone_of(account)
    found = _history(account.pk, now)
    span = _slot(now) - min(found, default=_slot(now))
    whole = span // HOURS * HOURS if span >= HOURS else span // DAY * DAY
    counts: dict[int, int] = {}
    for slot, n in found.items():
        if slot >= _slot(now) - whole:
            local = datetime.fromtimestamp(slot * 3600, UTC).astimezone(zone)
            hour = local.weekday() * DAY + local.hour
            counts[hour] = counts.get(hour, 0) + n
    if not counts and account.platform == "rehearsal":
        return Week.flat()
    return Week.learned(counts, weeks=whole / HOURS, zone=zone)


def usual_pages(account_id: int, interface: str, *, but: Sequence[int], now: datetime) -> float | None:
    """Return the pages that such pools of this account get in an hour in which any come; None = there were none."""
    with connection.cursor() as cursor:
        cursor.execute(USUAL, {**_asked(account_id, now), "interface": interface, "but": list(but)})
        found = cursor.fetchone()[0]
    return float(found) if found is not None else None


def _history(account_id: int, now: datetime) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(HISTORY, _asked(account_id, now))
        return {int(slot): int(n) for slot, n in cursor.fetchall()}


def _asked(account_id: int, now: datetime) -> dict[str, int]:
    return {"account": account_id, "now": _slot(now), "since": _slot(now - timedelta(weeks=MOST_WEEKS))}


def zone_of(account: Account) -> ZoneInfo:
    """Return the clock of the country most people of the account are from."""
    rows = Worker.objects.filter(account=account).exclude(country="").order_by().values_list("country")
    country = next((code for code, _ in rows.annotate(n=Count("id")).order_by("-n")[:1]), "")
    return ZoneInfo(ZONES.get(country, "UTC"))


def _slot(moment: datetime) -> int:
    return int(moment.timestamp()) // 3600
