"""What a plan comes to, in numbers and words: the cost sheet, what a price means, who will be left of a crowd."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from crowd.errors import CrowdError
from crowd.money import exact_text
from crowd.quality.ending import ending_sentence
from crowd.quality.exam import GOOD_WORKER, at_least, exam_sentence, pass_probability, random_clicker
from crowd.quality.sequential import prospects
from crowd.quality.wording import whole_percent
from crowd.services.exam_ending import WAYS, Ending
from curation.dashboard.crowd_forms import EVERYBODY, CrowdForm
from curation.dashboard.crowd_people import BINS, CrowdChoice
from curation.dashboard.exam_facts import BEFORE
from curation.dashboard.plan_form import Asked
from curation.dashboard.stop_facts import ways_to_stop
from curation.engine import planning
from curation.engine.asking import Campaign, crowds_of, settings_for
from curation.engine.command_line import mine_command
from curation.engine.past import Past
from curation.engine.planning_time import hours
from curation.recipes.loading import BadRecipe
from curation.stages.validate import ValidateSettings

A_HUNDRED = 100
DOES: Final = {"collect": "send photos", "validate": "check them", "boxes": "draw boxes", "describe": "describe them"}
People = Sequence[tuple[float, float]]  # how often right, and which part of all is so


def sheet(asked: Asked, past: Past) -> dict[str, Any]:
    """Return the cost sheet, or the first sentence that says why there is none. A name may still be missing."""
    errors = [text for place, text in asked.all_errors if place != "name"]
    if errors:
        return {"sentence": errors[0]}
    try:
        campaign = past.told(asked.wanted.checked())
        rows = planning.plan(campaign)
    except (BadRecipe, CrowdError) as error:
        return {"sentence": str(error)}
    total, photos = sum(row.micro for row in rows), campaign.total
    passing = campaign.expected("validate")
    others = planning.elsewhere_micro(rows)
    return {
        "rows": rows,
        "total": total,
        "span": planning.span(campaign, rows),
        "time": hours(campaign, rows, pace=past.pace, people=asked.people),
        "at_work": asked.people,
        "unmeasured": [DOES[kind] for kind in dict.fromkeys(_kinds(campaign, rows)) if kind not in past.pace.measured],
        "simulated": crowds_of(campaign) == ["rehearsal"],
        "fees": sum(share.fee_micro * share.pages for row in rows for share in row.shares if share.currency == "USD"),
        "photos": photos,
        "films": campaign.recipe.media == "video",
        "searches": campaign.recipe.search is not None,
        "n_classes": len(campaign.classes),
        "each": total // photos,
        "rejected": 1 - passing.share,
        "earlier": passing.campaigns,
        "sent": next((row.n for row in rows if row.stage == "validate"), photos),
        "fits": total <= campaign.budget_micro,
        "left": campaign.budget_micro - total,
        "others": [exact_text(amount, currency) for currency, amount in others.items()],
        "other_currencies": ", ".join(others),
        "differs": any(share.notes for row in rows for share in row.shares),
        "command": mine_command(campaign),
        "each_of": {row.stage: [_price_of_an_item(row), *_ways_to_stop(campaign, row)] for row in rows},
    }


def _kinds(campaign: Campaign, rows: Sequence[planning.PlannedStage]) -> list[str]:
    """Return the kinds of the stages that cost money."""
    kind_of = {stage.name: stage.kind for stage in campaign.recipe.stages}
    return [kind_of[row.stage] for row in rows]


def _price_of_an_item(row: planning.PlannedStage) -> str:
    """Say what the price of a page means for one item, before fees."""
    if row.items_a_page == 1 and row.answers == 1:
        return "one photo a page, paid when it is accepted"
    answer = row.price_micro // row.items_a_page
    all_of_it = exact_text(round(answer * row.answers))
    return f"{row.items_a_page} real on a page: {exact_text(answer)} an answer, about {all_of_it} a photo"


def _ways_to_stop(campaign: Campaign, row: planning.PlannedStage) -> list[str]:
    """Say what each way to have enough votes buys of people who are right in 90 %; nothing for other work."""
    stage = next(one for one in campaign.recipe.stages if one.name == row.stage)
    if stage.kind != "validate":
        return []
    terms = ValidateSettings.model_validate(settings_for(campaign, stage.name, stage.settings))
    return ways_to_stop(terms, price_micro=row.price_micro // row.items_a_page)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way to paid work, and how many come that far."""

    title: str
    facts: Sequence[tuple[str, str]]
    people: int
    says: str
    gate: str = ""


@dataclass(frozen=True, slots=True)
class Chain:
    steps: Sequence[Step]
    lines: Sequence[str]
    based_on: str


def chains(asked: Asked, crowds: Sequence[CrowdChoice]) -> dict[str, Chain]:
    """Return the way in of every stage that has one."""
    known = {one.value: one for one in crowds}
    return {
        form.name: _chain(form.values, [known[name] for name in _crowds_of(asked, form) if name in known])
        for form in asked.stages
        if form.kind == "validate"
    }


def _crowds_of(asked: Asked, form: CrowdForm) -> Sequence[str]:
    return form.values["platforms"] or [asked.typed["platform"]]


def _chain(values: Mapping[str, Any], crowds: Sequence[CrowdChoice]) -> Chain:
    options = max(2, len(values["options"]))
    share = _whole(values["top_percent"], EVERYBODY)
    people, total, based_on = _people(crowds, share, options)
    steps, left, lines, gate = [], float(total), [], ""
    for name, title, hint in (("training", "Training", "with hints"), ("exam", "Exam", "no hints")):
        tasks = _whole(values[f"{name}_tasks"], 0)
        if tasks < 1:
            continue
        steps.append(Step(title, [("Tasks", f"{tasks} {hint}"), ("Pay", "$0")], round(left), "come to it", gate))
        ends = _ending(values, options) if name == "exam" else Ending()
        people, line = _passing(_whole(values[f"{name}_gate"], 0), tasks, people, options, ends)
        left, gate = total * sum(part for _, part in people), f"≥ {values[f'{name}_gate']} %"
        lines += [f"{title}, {line}"] if line else []
    facts = [("Answers each", str(values["overlap"])), ("Control tasks", f"{values['control_per_page']} a page")]
    steps.append(Step("Paid work", facts, round(left), "likely to work", gate))
    return Chain(steps, lines, based_on)


def _people(crowds: Sequence[CrowdChoice], share: int, options: int) -> tuple[People, int, str]:
    """Return how often people are right and what part of them is so, how many there are, and how we know."""
    known = sum(one.known for one in crowds)
    guess = [(random_clicker(options), BEFORE), (GOOD_WORKER, 1 - BEFORE)]
    if not known:
        right = whole_percent(GOOD_WORKER)
        words = f"Of 100 who come, if {whole_percent(BEFORE)} only click and the others are right in {right}."
        return guess, A_HUNDRED, words
    bins = [sum(one.bins[at] for one in crowds if one.bins) for at in range(BINS)]
    unrated = sum(one.unrated for one in crowds)
    rated = [((at + 0.5) / BINS, n / known) for at, n in enumerate(bins) if n]
    people = [*rated, *((right, part * unrated / known) for right, part in guess if unrated)]
    words = f"Of the {known:,} people we know, each as often right as rated"
    more = f"; of the {unrated:,} without a rating {whole_percent(BEFORE)} only click" if unrated else ""
    return people, known * share // A_HUNDRED, f"{words}{more}."


def _ending(values: Mapping[str, Any], options: int) -> Ending:
    """Return how the exam ends as it is typed; as usual where that cannot be."""
    try:
        return Ending(values.get("exam_ends", "fixed"), float(values.get("exam_good", 0))).checked(options=options)
    except (ValueError, CrowdError):
        return Ending()


def _passing(percentage: int, tasks: int, people: People, options: int, ends: Ending) -> tuple[People, str]:
    """Return who is left behind a gate, and what it lets through in words; everybody where there is none."""
    try:
        gate = at_least(percentage, tasks)
        says = exam_sentence(gate, options=options)
        test = ends.test(needed=percentage, questions=tasks, options=options)
    except ValueError:
        return people, ""
    if test is not None:
        left = [(right, part * prospects(test, right).admitted) for right, part in people]
        return left, f"{WAYS[ends.how]}: {ending_sentence(test, options=options)}."
    left = [(right, part * pass_probability(gate, right)) for right, part in people]
    return left, f"{gate.needed} of {gate.questions} right: {says}."


def _whole(value: Any, otherwise: int) -> int:
    text = str(value).strip()
    return int(text) if text.isdecimal() and len(text) < 6 else otherwise
