"""A forecast of two plans side by side: as they were turned, and as the recipe has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crowd.quality.exam import GOOD_WORKER, at_least, pass_probability, random_clicker
from curation.dashboard.exam_facts import BEFORE
from curation.dashboard.forecast_form import Asked
from curation.economics.answers import BOXES_FIRST, BOXES_MOST, Bought, boxes, majority
from curation.engine import forecasting
from curation.engine.asking import Campaign, settings_for
from curation.engine.forecasting import Forecast
from curation.engine.past import Past
from curation.stages.aggregate import AggregateSettings
from curation.stages.boxes import BoxesSettings
from curation.stages.registry import stage_kind
from curation.stages.validate import ValidateSettings


@dataclass(frozen=True, slots=True)
class Quality:
    """What comes out right: `people` are right in that share behind the exam, `checks` and `drawings` of items.

    `drawings` None though boxes are `drawn`: so many answers were never simulated, and nobody can say.
    """

    people: float
    clickers: float
    checks: Bought | None
    drawings: Bought | None
    drawn: bool = False


@dataclass(frozen=True, slots=True)
class Side:
    """One plan and what it comes to."""

    plan: Campaign
    forecast: Forecast
    quality: Quality
    people: int

    @property
    def human_hours(self) -> float | None:
        """Return the hours that people work in all."""
        return self.forecast.time.p50 * self.people if self.forecast.time else None


@dataclass(frozen=True, slots=True)
class Sides:
    """`usual` None: nothing was turned."""

    asked: Side
    usual: Side | None


def sides(asked: Asked, *, past: Past) -> Sides:
    """Price both plans. Raises BadRecipe or CrowdError with one sentence."""
    people = int(asked.people)
    turned = _side(asked.campaign(changed=True), past, people)
    return Sides(turned, _side(asked.campaign(changed=False), past, people) if asked.changes else None)


def _side(plan: Campaign, past: Past, people: int) -> Side:
    return Side(plan, forecasting.planned(past.told(plan), pace=past.pace, people=people), quality_of(plan), people)


def quality_of(plan: Campaign) -> Quality:
    """Return how good it will be: who passes the exam, then majorities of people who are right so often."""
    found: dict[str, Any] = {
        stage.kind: stage_kind(stage.kind).Settings.model_validate(settings_for(plan, stage.name, stage.settings))
        for stage in plan.recipe.stages
    }
    checks = found.get("validate")
    options = len(checks.options) if isinstance(checks, ValidateSettings) else 2
    right, clickers = _behind_the_exam(checks, options)
    is_drawn = "boxes" in found
    return Quality(
        people=right,
        clickers=clickers,
        checks=_majority(checks, right) if isinstance(checks, ValidateSettings) else None,
        drawings=boxes(right) if is_drawn and _is_simulated(found) else None,
        drawn=is_drawn,
    )


def _is_simulated(found: Mapping[str, Any]) -> bool:
    """Whether boxes are asked for as in the simulation that the numbers come from."""
    drawn, agreed = found["boxes"], found.get("aggregate")
    most = agreed.max_answers if isinstance(agreed, AggregateSettings) else BOXES_MOST
    return isinstance(drawn, BoxesSettings) and (drawn.overlap, most) == (BOXES_FIRST, BOXES_MOST)


def _majority(checks: ValidateSettings, right: float) -> Bought:
    return majority(right, checks.overlap, curtailed=checks.stop != "fixed")


def _behind_the_exam(checks: ValidateSettings | None, options: int) -> tuple[float, float]:
    """Return how often people are right behind the exam, and which part of them only clicks."""
    clicker = random_clicker(max(2, options))
    passes: Mapping[float, float] = {clicker: 1.0, GOOD_WORKER: 1.0}
    if checks is not None and checks.exam_tasks:
        gate = at_least(checks.exam_gate, checks.exam_tasks)
        passes = {right: pass_probability(gate, right) for right in (clicker, GOOD_WORKER)}
    bad, good = BEFORE * passes[clicker], (1 - BEFORE) * passes[GOOD_WORKER]
    share = bad / (bad + good) if bad + good else 0.0
    return share * clicker + (1 - share) * GOOD_WORKER, share
