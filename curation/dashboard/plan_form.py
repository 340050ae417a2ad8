"""A plan as it stands in the form: what was typed, what it means, and what is wrong beside which field."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from django.http import QueryDict
from pydantic import ValidationError

from crowd.clock import database_now
from crowd.errors import BudgetExceeded, CrowdError
from curation.dashboard.crowd_forms import PARAMS, CrowdForm, checked, posted_of, typed_values, values_of, what_changed
from curation.engine import asking
from curation.engine.class_list import ClassList, read_classes, write_classes
from curation.engine.market_accounts import check_name
from curation.engine.plan_file import PlanFile
from curation.engine.set_up import NameTaken, Start, Wanted
from curation.recipes.loading import BadRecipe, Recipe, RecipeStage, load, names
from curation.services.pools.changing import MOST_WANTED
from curation.stages.base import CrowdSettings
from curation.stages.registry import stage_kind

STARTS: Final[tuple[Start, ...]] = ("drafts", "pilot", "all")
TEXTS: Final = {"recipe": 60, "name": 120, "quotas": 60_000, "wanted": 12, "budget": 30, "pilot": 12}
MORE_TEXTS: Final = {"platform": 60, "people": 12, "team": 40, "owner": 80, "settings": 100_000}
USUAL_PRESET = "gestures"
USUAL_PILOT = 10
USUAL_PEOPLE, MOST_PEOPLE = 10, 1_000_000
ELSEWHERE: Final = {"price_by_skill": "price_skill", "audience": "top_percent"}
Settings = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """All that stands in the form, right or wrong. `errors` name the field they belong to."""

    typed: Mapping[str, str]
    wanted: Wanted
    stages: Sequence[CrowdForm]
    errors: Mapping[str, str] = field(default_factory=dict)
    faults: Sequence[str] = ()  # lines of the classes that could not be read

    @property
    def people(self) -> int:
        """Return how many people are taken to be at work at once; it changes the time and nothing else."""
        return _number(self.typed["people"]) or USUAL_PEOPLE

    @property
    def recipe(self) -> Recipe:
        return load(known_recipe(self.typed["recipe"]))

    @property
    def all_errors(self) -> list[tuple[str, str]]:
        """Return where each mistake is and what it is, in the order of the page."""
        stages = [
            (f"{form.name}.{ELSEWHERE.get(name, name)}", text)
            for form in self.stages
            for name, text in form.errors.items()
        ]
        return [*self.errors.items(), *stages]

    def refused(self, error: Exception) -> "Asked":
        """Return the same with what a service said, beside the field it is about."""
        place = {NameTaken: "name", BudgetExceeded: "budget"}.get(type(error), "form")
        return replace(self, errors={**self.errors, place: str(error)})


def known_recipe(text: str) -> str:
    known = offered()
    return text if text in known else known[0]


def offered() -> list[str]:
    """Return the presets: the usual one, those that ask a crowd, those that take in what there is, then templates."""
    return sorted(
        names(), key=lambda name: (name != USUAL_PRESET, load(name).is_template, not crowd_stages(load(name)))
    )


def crowd_stages(recipe: Recipe) -> list[RecipeStage]:
    return [stage for stage in recipe.stages if stage.kind in PARAMS]


def blank(recipe: Recipe, typed: Mapping[str, str] | None = None) -> QueryDict:
    """Return the form of a recipe as it is before anybody types; `typed` texts are taken over."""
    plan = PlanFile(recipe=recipe.name, wanted=recipe.wanted, budget_usd=recipe.budget_usd)
    return fields_of(plan, typed)


def fields_of(plan: PlanFile, typed: Mapping[str, str] | None = None) -> QueryDict:
    """Return the form in which a plan stands. Raises BadRecipe when its settings are none."""
    recipe = load(plan.recipe)
    fields = QueryDict(mutable=True)
    fields.update(
        {
            "recipe": recipe.name,
            "name": plan.name,
            "quotas": write_classes(list(plan.classes) or list(recipe.classes), plan.quotas, plan.prompts),
            "wanted": str(recipe.wanted if plan.wanted is None else plan.wanted),
            "budget": recipe.budget_usd if plan.budget_usd is None else plan.budget_usd,
            "platform": plan.platform,
            "pilot": str(USUAL_PILOT),
            "people": str(USUAL_PEOPLE),
            "team": plan.team,
            "owner": plan.owner,
            "settings": json.dumps(plan.settings, ensure_ascii=False) if plan.settings else "",
            **(typed or {}),
        }
    )
    for stage in crowd_stages(recipe):
        posted = posted_of(stage.name, _usual(stage, plan.settings).values)
        for name, values in posted.items():
            fields.setlist(name, values)
    return fields


def read(post: QueryDict, crowds: set[str]) -> Asked:
    """Read everything that was typed; nothing is looked up but the recipe and the platforms' names."""
    typed = {name: _text(post, name, most) for name, most in {**TEXTS, **MORE_TEXTS}.items()}
    recipe, hidden = load(known_recipe(typed["recipe"])), _hidden(typed["settings"])
    listed = read_classes(typed["quotas"], recipe.classes, need_prompts=not recipe.is_template)
    stages, settings = [], {name: dict(one) for name, one in hidden.items()}
    for stage in crowd_stages(recipe):
        form, changed = _read_stage(post, stage, hidden.get(stage.name, {}), crowds)
        stages.append(form)
        settings[stage.name] = changed
    start: Start = next((one for one in STARTS if one == post.get("start")), "drafts")
    wanted = Wanted(
        recipe=typed["recipe"],
        name=typed["name"],
        classes=listed.classes,
        wanted=_number(typed["wanted"]),
        platform=typed["platform"],
        budget=typed["budget"],
        settings={name: one for name, one in settings.items() if one},
        quotas=listed.quotas,
        prompts=listed.prompts,
        team=typed["team"],
        owner=typed["owner"],
        start=start,
        pilot=_number(typed["pilot"]),
        accepts_differences=post.get("accept") == "yes",
    )
    return Asked(typed, wanted, stages, _errors(typed, listed, wanted), listed.faults)


def _text(post: QueryDict, name: str, most: int) -> str:
    return post.get(name, "").replace("\x00", "").strip()[:most]


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _hidden(text: str) -> Settings:
    """Return the settings of a loaded plan for which there is no field."""
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return (
        {str(name): dict(one) for name, one in found.items() if isinstance(one, dict)}
        if isinstance(found, dict)
        else {}
    )


def _errors(typed: Mapping[str, str], listed: ClassList, wanted: Wanted) -> dict[str, str]:
    """Say what is wrong with the fields that are not about a stage."""
    said: dict[str, str] = {} if typed["name"] else {"name": "Give the project a name."}
    if typed["recipe"] not in names():
        said["recipe"] = f"There is no recipe {typed['recipe']!r}; known are {', '.join(names())}."
    if listed.faults:
        said["quotas"] = listed.faults[0]
    elif not listed.classes:
        said["quotas"] = "Choose at least one class."
    if not typed["wanted"].isdecimal():
        said["wanted"] = f"The number of photos wanted must be a whole number, not {typed['wanted']!r}."
    elif not 1 <= wanted.wanted <= MOST_WANTED:
        said["wanted"] = f"The number of photos wanted must be from 1 to {MOST_WANTED:,}, not {typed['wanted']}."
    if wanted.start == "pilot" and not 1 <= wanted.pilot <= MOST_WANTED:
        said["pilot"] = f"A pilot collects 1 photo or more of each class, not {typed['pilot'] or 'nothing'}."
    if typed["people"] and not 1 <= _number(typed["people"]) <= MOST_PEOPLE:
        said["people"] = f"People at work at once: a whole number from 1 to {MOST_PEOPLE:,}, not {typed['people']!r}."
    for name, check in (("budget", asking.budget_of), ("platform", check_name)):
        try:
            check(typed[name])
        except CrowdError as error:
            said[name] = str(error)
    return said


def _usual(stage: RecipeStage, own: Settings) -> CrowdForm:
    """Return a stage's form as recipe and plan have it."""
    given = {**stage.settings, **own.get(stage.name, {})}
    try:
        settings = stage_kind(stage.kind).Settings.model_validate(given)
    except ValidationError as error:
        raise BadRecipe(f"{stage.name}: {error.errors()[0]['msg']}.") from None
    if not isinstance(settings, CrowdSettings):
        raise TypeError(f"{stage.kind} is no crowd work")
    return CrowdForm(stage.name, stage.kind, stage.title, values_of(settings))


def _read_stage(
    post: QueryDict, stage: RecipeStage, hidden: Mapping[str, Any], crowds: set[str]
) -> tuple[CrowdForm, dict[str, Any]]:
    try:
        usual = _usual(stage, {stage.name: dict(hidden)})
    except BadRecipe:  # somebody wrote into the hidden field
        hidden, usual = {}, _usual(stage, {})
    given = {**stage.settings, **hidden}
    values = typed_values(post, stage.name, usual.values)
    settings, errors = checked(stage.kind, given, values)
    unknown = [name for name in values["platforms"] if name not in crowds]
    if unknown:
        errors = {**errors, "platforms": f"{stage.title}: {unknown[0]!r} is not a crowd you can choose."}
    if settings and settings.expires_on and settings.expires_on < database_now().date():
        errors = {**errors, "expires_on": f"Last day: {settings.expires_on} is over already."}
    form = CrowdForm(stage.name, stage.kind, stage.title, values, errors)
    return form, what_changed(stage.kind, stage.settings, settings) if settings and not errors else {}
