"""Prices of the service in micro-dollars: amounts are strings of whole cents outside, integers inside."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from crowd.money import MICRO

CENT: Final = MICRO // 100
LOWEST_FEE: Final = CENT
MANY_ASSIGNMENTS: Final = 10
MASTERS: Final = "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH"


def read_amount(text: str) -> int:
    """Return micro-dollars of an amount that the model's pattern has let through."""
    return int(Decimal(text) * MICRO)


def amount(micro: int) -> str:
    """Return dollars with two decimals; a fraction of a cent is not shown."""
    cents = micro // CENT
    return f"{cents // 100}.{cents % 100:02d}"


def fee_percent(max_assignments: int, qualification_types: Iterable[str] = ()) -> int:
    return 20 + (20 if max_assignments >= MANY_ASSIGNMENTS else 0) + (5 if MASTERS in qualification_types else 0)


def assignment_fee(reward: int, percent: int) -> int:
    """Return the fee for one assignment: a share of the reward, never below a cent."""
    return max(LOWEST_FEE, reward * percent // 100)


def bonus_fee(bonus: int) -> int:
    return bonus * 20 // 100
