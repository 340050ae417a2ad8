"""The stages as a line: what came in, stands there, was lost and why, went on; what it cost and how long it took."""

from collections.abc import Mapping
from dataclasses import dataclass

from curation.models import Pool, Stage
from curation.services.overview.funnel import FunnelStep, funnel
from curation.services.overview.pools import PoolRow
from curation.services.overview.project import ProjectNumbers
from curation.services.overview.spending import StageCost, stage_costs

MS_AN_HOUR = 3_600_000


@dataclass(frozen=True, slots=True)
class PipelineStage:
    """`trouble`: why its job fails."""

    step: FunnelStep
    cost: StageCost
    hours: float
    open_pools: int
    pools: int
    trouble: str

    @property
    def stage(self) -> Stage:
        return self.step.stage

    @property
    def later(self) -> str:
        """Return the names of the stages where that stands which came in here."""
        return self.stage.name if self.step.cuts or not self.step.beyond else f"{self.stage.name},{self.step.beyond}"

    @property
    def is_paused(self) -> bool:
        return self.stage.state == Stage.State.PAUSED


def pipeline(numbers: ProjectNumbers, troubles: Mapping[int, str]) -> list[PipelineStage]:
    """Return the stages in order. `troubles` says why the jobs of some fail."""
    steps = funnel(stages=numbers.stages, counts=numbers.counts)
    costs = stage_costs(stages=numbers.stages, spent=numbers.spent, rows=numbers.rows, currency=numbers.currency)
    return [
        PipelineStage(
            step=step,
            cost=cost,
            hours=sum(row.counts.get("pages.ms", 0) for row in _rows(numbers, step.stage)) / MS_AN_HOUR,
            open_pools=sum(row.pool.state == Pool.State.OPEN for row in _rows(numbers, step.stage)),
            pools=len(_rows(numbers, step.stage)),
            trouble=troubles.get(step.stage.pk, ""),
        )
        for step, cost in zip(steps, costs, strict=True)
    ]


def _rows(numbers: ProjectNumbers, stage: Stage) -> list[PoolRow]:
    return [row for row in numbers.rows if row.pool.stage_id == stage.pk]
