"""What a platform lets an account do in a minute, an hour, a day; counted in the database, which outlives Redis.

An adapter declares its limits as a constant of its module: `quotas = {"pools": ((60, 20), (86_400, 100))}`, that is
window in seconds and most in it. Windows are cut by the clock, so every process counts in the same one.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

from django.db import connection, transaction

from crowd.errors import Invalid, Throttled
from crowd.models import Account, QuotaCounter
from crowd.platforms.base import QuotaLeft
from crowd.platforms.registry import PLATFORMS

Quotas = Mapping[str, Sequence[tuple[int, int]]]

INTERVALS = {"MIN": 60, "HOUR": 3_600, "DAY": 86_400}
WINDOW_WORDS = {60: "a minute", 3_600: "an hour", 86_400: "a day"}
COUNT = """
    INSERT INTO crowd_quotacounter AS kept (account_id, name, window_seconds, starts_at, used)
    VALUES (%(account)s, %(name)s, %(window)s, %(starts)s, %(n)s)
    ON CONFLICT ON CONSTRAINT quota_window_once DO UPDATE SET used = kept.used + excluded.used
    WHERE kept.used + excluded.used <= %(most)s
    RETURNING xmax = 0
"""
IS_NEW = (True,)  # the row was inserted: the first of its window
FILL = """
    INSERT INTO crowd_quotacounter AS kept (account_id, name, window_seconds, starts_at, used)
    VALUES (%(account)s, %(name)s, %(window)s, %(starts)s, %(most)s)
    ON CONFLICT ON CONSTRAINT quota_window_once DO UPDATE SET used = greatest(kept.used, excluded.used)
"""


def declared(platform_slug: str) -> Quotas:
    """Return the limits of a platform; none when it has not declared any, or is no platform of ours."""
    if platform_slug not in PLATFORMS:
        return {}
    module = import_module(PLATFORMS[platform_slug].split(":")[0])
    found: Quotas = vars(module).get("quotas", {})
    return found


def window_words(seconds: int) -> str:
    return WINDOW_WORDS.get(seconds, f"in {seconds:,} s")


def refills_at(*, window_seconds: int, now: datetime) -> datetime:
    """Return when the window that `now` lies in is over."""
    return _start(window_seconds, now) + timedelta(seconds=window_seconds)


@transaction.atomic
def take(*, account: Account, name: str, n: int = 1, now: datetime) -> None:
    """Count n in every window of this quota, or in none and raise Throttled until the window is over."""
    for window, most in _windows(account, name):  # all in one order: two takers never wait for each other
        if n > most:
            raise Invalid({name: f"{n:,} at once are more than the {most:,} {window_words(window)} that are allowed"})
        slot = _slot(account, name, window, now)
        with connection.cursor() as cursor:
            cursor.execute(COUNT, {**slot, "most": most, "n": n})
            counted = cursor.fetchone()
        if counted is None:
            said = f"{name}: {most:,} {window_words(window)} are used"
            raise Throttled(refills_at(window_seconds=window, now=now), said)
        if counted == IS_NEW:
            _forget_older(account, name, window, now)


def _slot(account: Account, name: str, window: int, now: datetime) -> dict[str, Any]:
    return {"account": account.pk, "name": name, "window": window, "starts": _start(window, now)}


def _windows(account: Account, name: str) -> list[tuple[int, int]]:
    """The longest first: when it is full, waiting for a shorter one would be in vain."""
    return sorted(declared(account.platform).get(name, ()), reverse=True)


def _forget_older(account: Account, name: str, window: int, now: datetime) -> None:
    mine = QuotaCounter.objects.filter(account=account, name=name, window_seconds=window)
    mine.filter(starts_at__lt=_start(window, now)).delete()


def left(*, account: Account, now: datetime) -> list[QuotaLeft]:
    """Return every declared quota with what is used of its present window."""
    return left_of(accounts=[account], now=now).get(account.pk, [])


def left_of(*, accounts: Iterable[Account], now: datetime) -> dict[int, list[QuotaLeft]]:
    """Return the same of several accounts, without those whose platform declares none."""
    limited = {account.pk: quotas for account in accounts if (quotas := declared(account.platform))}
    rows = QuotaCounter.objects.filter(account__in=limited) if limited else QuotaCounter.objects.none()
    used = {tuple(key): n for *key, n in rows.values_list("account_id", "name", "window_seconds", "starts_at", "used")}
    return {
        pk: [
            QuotaLeft(name, window, used.get((pk, name, window, _start(window, now)), 0), most)
            for name, windows in quotas.items()
            for window, most in windows
        ]
        for pk, quotas in limited.items()
    }


def note_full(*, account: Account, name: str, interval: int | str, now: datetime) -> datetime:
    """After the platform's own "too many": treat the window as used up, and return when it is over.

    `interval` is seconds, or MIN, HOUR or DAY as Toloka says it; one that nobody declared is waited for all the same.
    """
    window = INTERVALS.get(interval, 60) if isinstance(interval, str) else interval
    most = dict(_windows(account, name)).get(window)
    if most is not None:
        with connection.cursor() as cursor:
            cursor.execute(FILL, {**_slot(account, name, window, now), "most": most})
    return refills_at(window_seconds=window, now=now)


def _start(window_seconds: int, now: datetime) -> datetime:
    seconds = int(now.timestamp())
    return datetime.fromtimestamp(seconds - seconds % window_seconds, UTC)
