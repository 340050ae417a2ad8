"""What a pipeline costs: two tables over the same rows, and both prices of one image. Exact, no floats."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class StageCost:
    """`n` items entered the stage, each had so many answers, and all of it cost `micro`."""

    stage: str
    title: str
    n: int
    answers: Fraction
    micro: int

    @property
    def unit_micro(self) -> Fraction:
        """Return the price of one item that enters the stage."""
        return Fraction(self.micro, self.n) if self.n else Fraction(0)


@dataclass(frozen=True, slots=True)
class CostTable:
    """One way of doing the work. A stage that costs nothing stays a row. `is_mixed`: videos come in, frames go out."""

    rows: tuple[StageCost, ...]
    delivered: int
    is_mixed: bool = False

    @property
    def total_micro(self) -> int:
        return sum(row.micro for row in self.rows)

    @property
    def unit_sum_micro(self) -> Fraction | None:
        """Return the sum of unit prices: what an image costs that is never lost on the way.

        None where prices of videos and of frames would be added up.
        """
        return None if self.is_mixed else sum((row.unit_micro for row in self.rows), Fraction(0))

    @property
    def per_delivered_micro(self) -> Fraction | None:
        """Return the price of one delivered image: everything paid, losses included, over what came out."""
        return Fraction(self.total_micro, self.delivered) if self.delivered else None

    def without(self, stages: Collection[str]) -> "CostTable":
        return CostTable(tuple(row for row in self.rows if row.stage not in stages), self.delivered, self.is_mixed)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same work as it is done usually and with aggregation: like for like, so both have the same rows."""

    as_is: CostTable
    with_aggregation: CostTable

    def __post_init__(self) -> None:
        ours, theirs = ([row.stage for row in one.rows] for one in (self.as_is, self.with_aggregation))
        if ours != theirs or self.as_is.delivered != self.with_aggregation.delivered:
            raise ValueError("Two ways of doing the same work have the same rows and deliver the same.")

    @property
    def pairs(self) -> Sequence[tuple[StageCost, StageCost]]:
        return tuple(zip(self.as_is.rows, self.with_aggregation.rows, strict=True))

    @property
    def saved_micro(self) -> int:
        return self.as_is.total_micro - self.with_aggregation.total_micro

    @property
    def saved_share(self) -> Fraction:
        total = self.as_is.total_micro
        return Fraction(self.saved_micro, total) if total else Fraction(0)

    def without(self, stages: Collection[str]) -> "Comparison":
        """Leave stages out on both sides."""
        return Comparison(self.as_is.without(stages), self.with_aggregation.without(stages))
