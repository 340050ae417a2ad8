"""Prices as MTurk writes them, dollars in whole cents, and what it takes on top of them."""

import re
from decimal import Decimal
from typing import Final

from crowd.errors import Invalid
from crowd.money import dollars, micro

CENT: Final = 10_000  # micro-dollars
AMOUNT: Final = re.compile(r"^[0-9]+(\.)?[0-9]{0,2}$")
LOWEST_FEE: Final = CENT
MANY: Final = 10
"""A HIT with so many assignments costs twice the fee; one made with fewer can never be given so many."""


def amount(micro_dollars: int, *, what: str = "price") -> str:
    """Write an amount; what is no whole number of cents, at least one, is refused before MTurk sees it."""
    text = f"{dollars(micro_dollars):.2f}"
    if micro_dollars < CENT or micro_dollars % CENT or not AMOUNT.match(text):
        shown = format(dollars(micro_dollars).normalize(), "f")
        raise Invalid({what: f"${shown} is not a whole number of cents, at least $0.01, as MTurk wants it"})
    return text


def read_amount(text: str) -> int:
    return micro(Decimal(text))


def percent(places: int) -> int:
    """Return the share MTurk takes of a reward, by how many people one HIT is for."""
    return 40 if places >= MANY else 20


def fee(price_micro: int, places: int = 1) -> int:
    """Return the fee of one assignment: a share, never less than a cent. An unpaid page is none of MTurk's."""
    return max(LOWEST_FEE, price_micro * percent(places) // 100) if price_micro else 0
