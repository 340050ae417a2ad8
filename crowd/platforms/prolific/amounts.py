"""Prolific's units: rewards, costs and balances are whole cents, lists of bonuses are amounts like 1.50."""

from decimal import Decimal

from crowd.errors import Invalid

MICRO_IN_CENT = 10_000


def cents(amount_micro: int, *, what: str = "price") -> int:
    """Return whole cents; Invalid when the amount is finer than that."""
    whole, rest = divmod(amount_micro, MICRO_IN_CENT)
    if rest or amount_micro <= 0:
        raise Invalid({what: f"{Decimal(amount_micro) / 1_000_000:f} is not an amount in whole cents above zero"})
    return whole


def micro_of_cents(amount: float | str) -> int:
    """Return micro-units of an amount that the platform gives in cents, be it 150 or 150.0."""
    return int(Decimal(str(amount)) * MICRO_IN_CENT)


def in_words_of_a_list(amount_micro: int) -> str:
    """Return an amount as a list of bonuses wants it: 1.50, never 150."""
    whole, rest = divmod(cents(amount_micro, what="bonus"), 100)
    return f"{whole}.{rest:02d}"
