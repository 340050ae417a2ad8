"""What share of items passes a stage, before a campaign begins: what its recipe lets expect, and earlier ones. Pure."""

from dataclasses import dataclass, replace

WEIGHT = 20.0  # what a recipe's expectation counts for: as much as a pilot of so many
MOST_OF_ONE = 100.0  # what one earlier campaign counts for, however large it was: the next one is another


@dataclass(frozen=True, slots=True)
class Expected:
    """`share` of items that pass, from 0 to 1, as sure as a pilot of `weight` items; `campaigns` were looked at.

    An earlier campaign of n items counts for min(n, 100) of them: the power prior of Ibrahim and Chen (Statistical
    Science 15, 2000), whose discount says that the next campaign's crowd and pictures differ from those before.
    """

    share: float
    weight: float = WEIGHT
    campaigns: int = 0

    def after(self, *, passed: int, lost: int) -> "Expected":
        """Return what is to be expected when one more campaign has let so many pass and lost so many."""
        decided = passed + lost
        if not decided:
            return self
        counts = min(float(decided), MOST_OF_ONE)
        share = (self.share * self.weight + counts * passed / decided) / (self.weight + counts)
        return replace(self, share=share, weight=self.weight + counts, campaigns=self.campaigns + 1)
