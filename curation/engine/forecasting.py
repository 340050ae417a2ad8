"""What a campaign costs and when it is done, before and while it runs, beside the same work without aggregation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

from crowd.money import plain
from crowd.quality.wording import counted
from curation.economics.costs import Comparison, CostTable, StageCost
from curation.engine import planning
from curation.engine.asking import Campaign, settings_for
from curation.engine.costs import CHECK_BOXES, Checking, project_costs, published_costs, published_interval
from curation.engine.planning import PlannedStage
from curation.engine.planning_time import Pace, hours
from curation.models import Project
from curation.recipes.loading import BadRecipe, Recipe
from curation.services.outlook import Told, outlook_of_project
from curation.services.overview import funnel, project_numbers
from curation.services.overview.eta import Eta

DECIMALS = Decimal("1e-10")
CUTS_VIDEOS = "storyboard"


@dataclass(frozen=True, slots=True)
class Forecast:
    """Both tables and how sure they are. `interval`: micro-units, one case in twenty lies under and one over it.

    `time` is None where nobody can say; `notes` say what is not in the numbers.
    """

    recipe: str
    comparison: Comparison
    interval: tuple[int, int] | None = None
    time: Eta | None = None
    notes: tuple[str, ...] = ()
    currency: str = "USD"

    def to_json(self) -> dict[str, Any]:
        unit = self.currency.lower()
        return {
            "recipe": self.recipe,
            "currency": self.currency,
            "delivered": self.comparison.as_is.delivered,
            "as_is": _sheet(self.comparison.as_is, unit),
            "with_aggregation": _sheet(self.comparison.with_aggregation, unit),
            f"saved_{unit}": plain(self.comparison.saved_micro),
            f"interval_{unit}": [plain(micro) for micro in self.interval] if self.interval else None,
            "hours": _hours(self.time),
            "notes": list(self.notes),
        }


def published(recipe: Recipe, *, images: int | None) -> Forecast:
    """Price a campaign with the counts that its authors printed, or for so many images with their losses."""
    found = recipe.published
    if found is None:
        raise BadRecipe(f"The recipe {recipe.name} has no published counts.")
    counts = found if images is None else found.scaled(images)
    each, notes = published_interval(counts), [f"From {found.source}.", "How long it took is not published."]
    if counts.stated_usd:
        notes.append(f"Its authors state ${counts.stated_usd} in all.")
    return Forecast(
        recipe=recipe.name,
        comparison=published_costs(counts),
        interval=(round(each.low * counts.delivered), round(each.high * counts.delivered)) if each else None,
        notes=tuple(notes),
    )


def planned(asked: Campaign, *, pace: Pace, people: int) -> Forecast:
    """Price a campaign that is only planned: the losses to be expected, its own prices and numbers of answers."""
    rows = planning.plan(asked)
    span = planning.span(asked, rows)
    time = hours(asked, rows, pace=pace, people=people)
    others = planning.elsewhere_micro(rows)
    notes = [f"Time is for {people:,} people at work at once."] if time else []
    notes += [f"{plain(amount)} {currency} more is paid in that currency." for currency, amount in others.items()]
    if earlier := asked.expected("validate").campaigns:
        notes.append(f"What passes is expected from the recipe and {counted(earlier, 'earlier project')}.")
    notes += dict.fromkeys(note for row in rows for share in row.shares for note in share.notes)
    return Forecast(
        recipe=asked.recipe.name,
        comparison=_planned_costs(asked, rows),
        interval=(span.low_micro, span.high_micro),
        time=time,
        notes=tuple(notes),
    )


def running(project: Project, *, now: datetime) -> Forecast:
    """Tell of a project what it has paid by stage, and its end in money and time as its pages tell it."""
    numbers = project_numbers(project=project, now=now)
    found = project_costs(
        steps=funnel(stages=numbers.stages, counts=numbers.counts),
        rows=[row for row in numbers.rows if row.pool.account.currency == numbers.currency],
        spent=dict[int | None, int](numbers.spent.by_stage.items()),
        delivered=numbers.published,
    )
    told = outlook_of_project(project, numbers)
    notes = [f"{numbers.published:,} of {numbers.plan:,} are published; the tables hold what was paid for so far."]
    is_done = 0 < numbers.plan <= numbers.published
    if told is None or told.eta is None:
        notes.append("All that was planned is published." if is_done else _why_no_end(told))
    return Forecast(
        recipe=project.recipe,
        comparison=found.comparison,
        interval=(numbers.spent.spent_micro,) * 2 if is_done else _interval(told),
        time=told.eta if told else None,
        notes=tuple(notes),
        currency=numbers.currency,
    )


def _interval(told: Told | None) -> tuple[int, int] | None:
    return (round(told.micro.p5), round(told.micro.p95)) if told and told.micro else None


def _why_no_end(told: Told | None) -> str:
    if told is not None and told.never:
        return f"It can never be done like this. {told.never}"
    if told is not None and told.is_stopped:
        return "No pool is open, so it does not go on."
    return "The pace does not allow to say when it ends."


def _planned_costs(asked: Campaign, rows: Sequence[PlannedStage]) -> Comparison:
    """Put the plan beside the same work in which people check every drawn box, at the plan's own price of a check."""
    kinds = {stage.name: stage.kind for stage in asked.recipe.stages}
    titles = {stage.name: stage.title for stage in asked.recipe.stages}
    mixed = CUTS_VIDEOS in kinds.values()
    as_is: list[StageCost] = []
    fewer: list[StageCost] = []
    for row in rows:
        cost = StageCost(row.stage, titles[row.stage], row.n, _exact(row.answers), row.micro)
        as_is.append(cost)
        fewer.append(cost)
        if kinds[row.stage] == "boxes":
            checks = _checks(asked, rows, row, kinds)
            each = Fraction(checks.answers * checks.people, row.n) if row.n else Fraction(0)
            as_is.append(StageCost(CHECK_BOXES, "Check boxes", row.n, each, checks.micro))
            fewer.append(StageCost(CHECK_BOXES, "Check boxes", row.n, Fraction(0), 0))
    return Comparison(CostTable(tuple(as_is), asked.total, mixed), CostTable(tuple(fewer), asked.total, mixed))


def _checks(asked: Campaign, rows: Sequence[PlannedStage], boxes: PlannedStage, kinds: dict[str, str]) -> Checking:
    priced = [row for row in rows if kinds[row.stage] == "validate" and row.micro] or [boxes]
    bought = sum(row.n * _exact(row.answers) for row in priced)
    stage = next(one for one in asked.recipe.stages if one.name == boxes.stage)
    people = int(settings_for(asked, stage.name, stage.settings).get("overlap", 1))
    price = Fraction(sum(row.micro for row in priced)) / bought if bought else Fraction(0)
    return Checking(round(boxes.n * _exact(boxes.answers)), people, price)


def _exact(answers: float) -> Fraction:
    """Return an expected number of answers, known to four decimals."""
    return Fraction(f"{answers:.4f}")


def _sheet(table: CostTable, unit: str) -> dict[str, Any]:
    unit_sum, each = table.unit_sum_micro, table.per_delivered_micro
    return {
        "rows": [_row(row, unit) for row in table.rows],
        f"total_{unit}": plain(table.total_micro),
        f"unit_sum_{unit}": None if unit_sum is None else _ratio(unit_sum),
        f"per_delivered_{unit}": None if each is None else _ratio(each),
        **({"unit_sum_why": "Prices of videos and of frames do not add up."} if table.is_mixed else {}),
    }


def _row(row: StageCost, unit: str) -> dict[str, Any]:
    return {
        "stage": row.stage,
        "n": row.n,
        "answers": float(row.answers),
        f"unit_{unit}": _ratio(row.unit_micro),
        unit: plain(row.micro),
    }


def _ratio(micro: Fraction) -> str:
    """Return micro-dollars that are no whole number as dollars, with ten decimals."""
    with localcontext(prec=40):
        amount = Decimal(micro.numerator) / Decimal(micro.denominator * 1_000_000)
        return f"{amount.quantize(DECIMALS):f}"


def _hours(time: Eta | None) -> dict[str, float | None]:
    return {"p50": round(time.p50, 2), "p90": round(time.p90, 2)} if time else {"p50": None, "p90": None}
