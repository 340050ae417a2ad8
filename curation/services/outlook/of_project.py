"""When a whole project will be published and what it will have cost: from its last stage's pace and all its shares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from curation.economics.final_cost import StageAhead, draw_final_cost, uneven_answers
from curation.economics.time_left import Goal, Quantiles, draw_hours, pace_of
from curation.economics.week import Week
from curation.models import Asset, Pool, Project
from curation.recipes.loading import BadRecipe, load
from curation.services.outlook.at_work import at_work, hours_of, is_stopped, worth_of
from curation.services.outlook.crowd_week import week_of
from curation.services.outlook.told import Told
from curation.services.overview.advice import why_never
from curation.services.overview.funnel import FunnelStep, funnel
from curation.services.overview.pools import PoolRow
from curation.services.overview.project import Forecast, ProjectNumbers

ON_ITS_WAY = (Asset.State.WAITING, Asset.State.WORKING, Asset.State.HELD)
DROPS_NOTHING = {"publish", "boxes", "describe"}


def outlook_of_project(project: Project, numbers: ProjectNumbers) -> Told | None:
    """Return what is to be said of a project at the moment of its numbers.

    None when nothing is planned or nothing more can be published.
    """
    now, out = numbers.buckets.end, numbers.out
    left = numbers.plan - numbers.published
    if left <= 0 or not numbers.plan or _is_through(numbers):
        return None
    working = [row for row in numbers.rows if row.is_working and row.pool.kind == Pool.Kind.MAIN]
    week = week_of(_busiest(working).pool.account, now=now) if working else Week.flat()
    spans = at_work(numbers.rows, since=out.week_began, until=now)
    hours, worth = hours_of(spans), worth_of(spans, week)
    pace = pace_of(results=out.week, hours=hours, worth=worth, doubt=week.doubt)
    never, stopped = _why_never(working), is_stopped(numbers.rows)
    can_end = not never and not stopped
    return Told(
        now=now,
        goal=numbers.plan,
        reached=numbers.published,
        spent_micro=numbers.spent.spent_micro,
        currency=numbers.currency,
        hours=Quantiles.of(draw_hours(goal=Goal(left), pace=pace, week=week, now=now)) if pace and can_end else None,
        micro=_final_cost(numbers, left, yields_of(project.recipe)),
        never=never,
        is_stopped=stopped,
        inputs={"published": out.week, "hours": round(hours, 3), "worth": round(worth, 4), "zone": str(week.zone)},
    )


def _is_through(numbers: ProjectNumbers) -> bool:
    """Say whether no pool asks for anything and nothing is on its way: what was dropped is never published."""
    asks = any(row.pool.wanted for row in numbers.rows if row.pool.kind == Pool.Kind.MAIN)
    return not asks and not numbers.counts.sum(states=ON_ITS_WAY)


def with_outlook(numbers: ProjectNumbers, told: Told | None) -> ProjectNumbers:
    """Return the numbers of a project that say of its end what is told here, nothing where no end can be told."""
    if told is None or told.micro is None or told.soon_at is None or told.late_at is None:
        return numbers
    low, high = round(told.micro.p50), round(told.micro.p90)
    return replace(numbers, forecast=Forecast(at=told.soon_at, late=told.late_at, low_micro=low, high_micro=high))


@cache
def yields_of(recipe: str) -> Mapping[str, float] | None:
    """Return the shares that a recipe lets expect of its stages; None where there is no such recipe."""
    try:
        return load(recipe).yields
    except BadRecipe:
        return None


def _why_never(working: Sequence[PoolRow]) -> str:
    """Say which pool of those that bring in what is wanted can never give it; empty where they can."""
    bringing = [row for row in working if row.pool.wanted]
    first = min((row.pool.stage.position for row in bringing), default=0)
    stuck = next((row for row in bringing if row.is_never and row.pool.stage.position == first), None)
    return f"{stuck.pool.title}: {why_never(stuck)}" if stuck else ""


def _busiest(rows: Sequence[PoolRow]) -> PoolRow:
    return max(rows, key=lambda row: row.accepted)


def _final_cost(numbers: ProjectNumbers, left: int, yields: Mapping[str, float] | None) -> Quantiles | None:
    steps = funnel(stages=numbers.stages, counts=numbers.counts)
    ahead = stages_ahead(steps, numbers.spent.by_stage, answers_of(numbers.rows), yields)
    drawn = draw_final_cost(stages=ahead, left=left, spent_micro=numbers.spent.spent_micro)
    return Quantiles.of(drawn) if drawn is not None else None


@dataclass(frozen=True, slots=True)
class Answers:
    """How many answers a stage's tasks ask for so far, how many of them are there, and how many tasks have one.

    `usual` is how many its pools ask for where nobody disagrees.
    """

    asked: int = 0
    given: int = 0
    begun: int = 0
    usual: int = 1

    def __add__(self, other: "Answers") -> "Answers":
        return Answers(
            self.asked + other.asked,
            self.given + other.given,
            self.begun + other.begun,
            min(self.usual, other.usual),
        )

    def each(self, items: int) -> float:
        """Return how many are asked for about one of so many items; 0 where nobody was asked."""
        return self.asked / items if self.given and self.asked >= self.given and items else 0.0


def answers_of(rows: Sequence[PoolRow]) -> dict[int, Answers]:
    """Return the answers of each stage in which people are asked."""
    found: dict[int, Answers] = {}
    for row in rows:
        if row.pool.kind == Pool.Kind.MAIN:
            asked, given, begun = (row.counts.get(f"tasks.{word}", 0) for word in ("asked", "done", "begun"))
            these, stage = Answers(asked, given, begun, row.pool.overlap), row.pool.stage_id
            found[stage] = found[stage] + these if stage in found else these
    return found


def stages_ahead(
    steps: Sequence[FunnelStep],
    spent: Mapping[int, int],
    answers: Mapping[int, Answers],
    yields: Mapping[str, float] | None = None,
) -> list[StageAhead]:
    """Return what each stage costs an item; what people sent is paid, and counts, where it is accepted.

    What was spent on a stage bought a part of the answers that are asked for about some of its items. About what waits
    without a task, or came in behind the stage, nobody was asked.

    `yields` are the shares that a recipe lets expect of its stages, 1 where it names none; None = no recipe is known.
    """
    sent = next((step for step in steps if step.stage.kind == "collect"), None)
    accepts = next((step for step in steps if step.stage.kind == "validate"), sent)
    paid_later = spent.get(sent.stage.pk, 0) if sent and accepts else 0
    own = {**spent, **({sent.stage.pk: 0} if sent else {})}
    return [
        _ahead(
            step,
            own.get(step.stage.pk, 0),
            paid_later if step is accepts else 0,
            answers.get(step.stage.pk, Answers()),
            _expected(step, yields),
        )
        for step in steps
    ]


def _expected(step: FunnelStep, yields: Mapping[str, float] | None) -> float | None:
    """Return the share that a recipe lets expect; a stage that makes many of one has none."""
    expected = None if yields is None else yields.get(step.stage.name, 1.0)
    return expected if expected is not None and expected <= 1 else None


def _ahead(step: FunnelStep, own: int, paid_for_passing: int, answers: Answers, expected: float | None) -> StageAhead:
    decided, waiting = step.passed + step.lost, step.waiting + step.held
    each = answers.each(min(decided, answers.begun) + step.working + step.held)
    entry = own / answers.given * each if each else own / decided if decided else 0.0
    return StageAhead(
        entry_micro=entry,
        pass_micro=paid_for_passing / step.passed if step.passed else 0.0,
        waiting=waiting,
        passed=step.passed,
        dropped=step.lost - step.cut,
        is_certain=step.stage.kind in DROPS_NOTHING and not step.lost,
        entered=step.cut,
        expected=expected,
        prepaid_micro=max(0.0, own - entry * decided),
        uneven=uneven_answers(mean=each, usual=answers.usual),
    )
