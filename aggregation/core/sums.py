"""Sums that do not depend on the order in which their terms arrive."""

from dataclasses import dataclass

_UNIT = 10**12


@dataclass(slots=True)
class Mean:
    """A running mean kept in whole millionths of a millionth, so that files may arrive in any order."""

    total: int = 0
    count: int = 0

    def add(self, value: float) -> None:
        self.total += round(value * _UNIT)
        self.count += 1

    @property
    def value(self) -> float | None:
        return self.total / _UNIT / self.count if self.count else None
