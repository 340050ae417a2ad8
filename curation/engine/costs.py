"""What a pipeline costs, as it is and with aggregation: the counts a recipe publishes, and what a project has paid."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from crowd.money import micro
from curation.economics.costs import Comparison, CostTable, StageCost
from curation.economics.interval import Interval, Step, price_interval
from curation.economics.pages import pages_needed
from curation.models import Pool, Stage
from curation.recipes.published import Published, PublishedStage
from curation.services.overview import FunnelStep, PoolRow

CHECK_BOXES = "check_boxes"
CLASSIFY = "classify"
USUAL_OVERLAP = 3
DROPS_NOTHING = {"publish"}


# --- as somebody published it ----------------------------------------------------------------------------------------
def published_costs(published: Published) -> Comparison:
    """Return both tables of a published campaign, every answer at one price."""
    as_is = tuple(_published(published, one, one.answers) for one in published.stages)
    fewer = tuple(_published(published, one, _with_aggregation(one)) for one in published.stages)
    mixed = published.is_mixed
    return Comparison(CostTable(as_is, published.delivered, mixed), CostTable(fewer, published.delivered, mixed))


def _with_aggregation(one: PublishedStage) -> int:
    return one.answers if one.answers_with_aggregation is None else one.answers_with_aggregation


def _published(published: Published, one: PublishedStage, answers: int) -> StageCost:
    pages = pages_needed(
        items=one.n,
        answers=Fraction(answers),
        a_page=one.page_size,
        control=Fraction(one.control),
        partial_page=one.partial_page,
    )
    price = micro(published.answer_usd if one.page_usd is None else one.page_usd)
    paid = pages if one.paid is None else one.paid
    return StageCost(one.stage, one.title, one.n, Fraction(answers), paid * price)


def published_interval(published: Published) -> Interval | None:
    """Return between which prices one image of such a campaign ends up, from its own counts."""
    rows = published_costs(published).with_aggregation.rows
    after = [one.n for one in published.stages[1:]] + [published.delivered]
    return price_interval([_published_step(row, left) for row, left in zip(rows, after, strict=True)])


def _published_step(row: StageCost, left: int) -> Step:
    more = row.n if left > row.n else 0
    return Step(float(row.unit_micro), left, max(0, row.n - left), entered=more)


# --- as a project has paid -------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Checking:
    """What checking every box by hand would take: so many answers, each checked by so many people at that price."""

    answers: int
    people: int
    price_micro: Fraction

    @property
    def micro(self) -> int:
        return round(self.answers * self.people * self.price_micro)


@dataclass(frozen=True, slots=True)
class ProjectCosts:
    """`checking` None: the project draws no boxes or has none yet, and both sides are the same."""

    comparison: Comparison
    checking: Checking | None
    at_the_end: Interval | None


def project_costs(
    *,
    steps: Sequence[FunnelStep],
    rows: Sequence[PoolRow],
    spent: Mapping[int | None, int],
    delivered: int,
) -> ProjectCosts:
    """Put what each stage has cost beside the same work without aggregation: same images, same prices.

    Without aggregation every drawn box would be checked by as many people as draw it, at this project's own price of
    a check: that is the one row in which the sides differ.
    """
    answers = _answers(rows)
    checking = _checking([step.stage for step in steps], answers, spent)
    paid: list[StageCost] = []
    for step in steps:
        paid.append(_paid(step, answers, spent))
        if checking and step.stage.kind == "boxes":
            paid.append(StageCost(CHECK_BOXES, "Check boxes", paid[-1].n, Fraction(0), 0))
    paid += _of_no_stage(steps, spent)
    by_hand = [_checked_by_hand(row, checking) if row.stage == CHECK_BOXES and checking else row for row in paid]
    mixed = any(step.cut for step in steps)
    comparison = Comparison(CostTable(tuple(by_hand), delivered, mixed), CostTable(tuple(paid), delivered, mixed))
    return ProjectCosts(comparison, checking, price_interval([_step(step, spent) for step in steps]))


def _answers(rows: Sequence[PoolRow]) -> Counter[int]:
    """Return the accepted answers of each stage, without training, exams and control tasks."""
    found: Counter[int] = Counter()
    for row in rows:
        if row.pool.kind == Pool.Kind.MAIN:
            found[row.pool.stage_id] += row.accepted
    return found


def _checking(stages: Sequence[Stage], answers: Counter[int], spent: Mapping[int | None, int]) -> Checking | None:
    drawn = [stage for stage in stages if stage.kind == "boxes" and answers[stage.pk]]
    if not drawn:
        return None
    checks = [stage for stage in stages if stage.kind == "validate" and answers[stage.pk] and spent.get(stage.pk)]
    priced = checks or drawn
    price = Fraction(sum(spent.get(one.pk, 0) for one in priced), sum(answers[one.pk] for one in priced))
    people = int(drawn[0].settings.get("overlap", USUAL_OVERLAP))
    return Checking(sum(answers[one.pk] for one in drawn), people, price)


def _paid(step: FunnelStep, answers: Counter[int], spent: Mapping[int | None, int]) -> StageCost:
    entered = step.passed + _lost(step) + step.waiting + step.held
    each = Fraction(answers[step.stage.pk], entered) if entered else Fraction(0)
    return StageCost(step.stage.name, step.stage.title, entered, each, spent.get(step.stage.pk, 0))


def _checked_by_hand(row: StageCost, checking: Checking) -> StageCost:
    each = Fraction(checking.answers * checking.people, row.n) if row.n else Fraction(0)
    return StageCost(row.stage, row.title, row.n, each, checking.micro)


def _of_no_stage(steps: Sequence[FunnelStep], spent: Mapping[int | None, int]) -> list[StageCost]:
    """Return what was paid for the project as a whole, so that the tables add up to the ledger."""
    known = {step.stage.pk for step in steps}
    rest = sum(paid for stage, paid in spent.items() if stage not in known)
    return [StageCost("", "Whole project", 0, Fraction(0), rest)] if rest else []


def _step(step: FunnelStep, spent: Mapping[int | None, int]) -> Step:
    lost = _lost(step)
    decided = lost + (step.cut if step.cuts else step.passed)
    unit = spent.get(step.stage.pk, 0) / decided if decided else 0.0
    entered = step.cut if step.cuts else 0
    return Step(unit, step.passed, lost, is_certain=step.stage.kind in DROPS_NOTHING, entered=entered)


def _lost(step: FunnelStep) -> int:
    """Return what was dropped; a video that was cut is not lost, its frames go on."""
    return step.lost - step.cut
