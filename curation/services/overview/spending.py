"""Where the money went: by stage and over time."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from curation.models import Stage
from curation.services.overview.pools import PoolRow


@dataclass(frozen=True, slots=True)
class Purse:
    """What a project may spend, and in which currency its screens speak."""

    limit_micro: int = 0
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class Spending:
    """Money that left the project in its currency: in all, by stage, and in all after each bucket.

    `others` is what was spent in other currencies.
    """

    spent_micro: int
    by_stage: Mapping[int, int]
    running: Sequence[int]
    others: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class StageCost:
    stage: Stage
    spent_micro: int
    planned_micro: int

    @property
    def tone(self) -> str:
        """Return the bar's colour: hot when a tenth more was spent than planned."""
        return "hot" if self.spent_micro > 1.1 * self.planned_micro else "s2"


def stage_costs(*, stages: Sequence[Stage], spent: Spending, rows: Sequence[PoolRow], currency: str) -> list[StageCost]:
    """Return what each stage has cost beside what its pools of this currency cost when all that is wanted is done."""
    planned: Counter[int] = Counter()
    for row in rows:
        if row.pool.account.currency == currency:
            planned[row.pool.stage_id] += row.planned_micro
    return [StageCost(stage, spent.by_stage.get(stage.pk, 0), planned[stage.pk]) for stage in stages]
