"""What earlier projects have shown a plan: how fast people work, and what share of items passes its stages."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from curation.engine.asking import Campaign
from curation.engine.planning_time import Pace, pace_of
from curation.services.past_yields import expected_yields


@dataclass(frozen=True, slots=True)
class Past:
    """The projects whose experience counts: those that the person who asks may see."""

    project_ids: tuple[int, ...]
    pace: Pace

    def told(self, plan: Campaign) -> Campaign:
        """Return the plan with the shares that its recipe and these projects let expect."""
        found = expected_yields(plan.recipe.name, plan.recipe.yields, self.project_ids)
        return replace(plan, experience=found)


def past_of(project_ids: Iterable[int]) -> Past:
    ids = tuple(project_ids)
    return Past(ids, pace_of(ids))
