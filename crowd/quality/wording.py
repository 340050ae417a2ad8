"""How numbers stand in the sentences about work."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a rule's condition holds, and the sentence with the numbers that say so."""

    applies: bool
    sentence: str


def counted(number: int, noun: str) -> str:
    """Return '1 page', '5 pages'."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def whole_percent(share: float) -> str:
    """Return '70 %': for limits people set and shares whose digits mean nothing."""
    return f"{100 * share:.0f} %"


def percent(share: float) -> str:
    """Return '17.2 %'; small shares keep two digits, and only certainty reads 0 % or 100 %."""
    if share in {0.0, 1.0}:
        return whole_percent(share)
    if share < 0.00001:
        return "under 0.001 %"
    if share >= 0.9995:
        return "over 99.9 %"
    return f"{100 * share:.1f} %" if share >= 0.01 else f"{100 * share:.2g} %"
