"""Money, numbers and days as a worker reads them: in the language of the page."""

from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from babel.dates import format_date, format_skeleton
from babel.numbers import format_currency, format_decimal

from crowd.money import dollars
from curation.portal.languages import current

CENT = Decimal("0.01")


def price(amount_micro: int, currency: str = "USD") -> str:
    """Return an amount with cents, and with as many decimals more as it has."""
    return _price(amount_micro, currency, current())


@lru_cache(maxsize=4_096)
def _price(amount_micro: int, currency: str, language: str) -> str:
    """A worker's list of offers has a hundred pools with a handful of prices."""
    return format_currency(dollars(amount_micro), currency, locale=language, decimal_quantization=False)


def total(amount_micro: int, currency: str = "USD") -> str:
    """Return an amount in whole cents."""
    return price_of(dollars(amount_micro).quantize(CENT, rounding=ROUND_HALF_EVEN), currency)


def price_of(amount: Decimal, currency: str) -> str:
    return format_currency(amount, currency, locale=current())


def number(value: int) -> str:
    return format_decimal(value, locale=current())


def day(value: date) -> str:
    """Return 21 November 2026; a worker reads it as his language writes it."""
    return format_date(value, format="d MMMM y", locale=current())


def moment(value: datetime) -> str:
    """Return 21 Nov, 14:05 UTC; the browser puts its own time in its place."""
    return f"{format_skeleton('MMMd', value, locale=current())}, {value:%H:%M} UTC"
