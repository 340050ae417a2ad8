"""A new project: a recipe, its classes, how many, which crowds on which terms; the price beside it all the time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.money import exact_text
from crowd.quality.exam import at_least, exam_sentence
from curation.dashboard.access import person
from curation.dashboard.crowd_forms import PARAMS, CrowdForm, checked, typed_values, values_of, what_changed
from curation.dashboard.crowd_people import CrowdChoice, crowds_for
from curation.dashboard.forms import typed
from curation.engine import planning, set_up
from curation.engine.command_line import mine_command
from curation.engine.set_up import Wanted
from curation.recipes.loading import BadRecipe, Recipe, RecipeStage, load, names
from curation.stages.base import CrowdSettings
from curation.stages.registry import stage_kind


@dataclass(frozen=True, slots=True)
class Asked:
    """All that stands in the form, right or wrong. `number` is the target as it was typed."""

    wanted: Wanted
    number: str
    stages: Sequence[CrowdForm]
    error: str = ""

    @property
    def first_fault(self) -> str:
        return self.error or next((text for stage in self.stages for text in stage.errors.values()), "")


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_project(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, _blank(load(_recipe_name(request.GET.get("recipe", "")))))
    asked = _read(request)
    if asked.first_fault:
        return _page(request, asked, refused=True)
    try:
        set_up.ask(wanted=asked.wanted, by=person(request))
    except (BadRecipe, CrowdError) as error:
        return _page(request, asked, str(error), refused=True)
    text = f"“{asked.wanted.name}” is being set up: its examples and known answers are drawn."
    messages.success(request, text)
    return redirect("projects")


@require_POST
@login_required
def plan(request: HttpRequest) -> HttpResponse:
    """The cost sheet for what is typed so far, and what the fields say about themselves."""
    asked = _read(request)
    context = {"stages": asked.stages, "live": True, **_sheet(asked), **_says(asked.stages)}
    return render(request, "curation/_cost_sheet.html", context)


def _recipe_name(text: str) -> str:
    known = with_crowd()
    return text if text in known else known[0]


def with_crowd() -> list[str]:
    """Return the recipes that ask a crowd; a project of another kind begins with what is ingested."""
    return [name for name in names() if crowd_stages(load(name))]


def _blank(recipe: Recipe) -> Asked:
    wanted = Wanted(recipe.name, "", list(recipe.classes), recipe.wanted, "inhouse", recipe.budget_usd)
    return Asked(wanted, str(recipe.wanted), [_usual(stage) for stage in crowd_stages(recipe)])


def crowd_stages(recipe: Recipe) -> list[RecipeStage]:
    return [stage for stage in recipe.stages if stage.kind in PARAMS]


def _usual(stage: RecipeStage) -> CrowdForm:
    settings = stage_kind(stage.kind).Settings.model_validate(stage.settings)
    if not isinstance(settings, CrowdSettings):
        raise TypeError(f"{stage.kind} is no crowd work")
    return CrowdForm(stage.name, stage.kind, stage.title, values_of(settings))


def _read(request: HttpRequest) -> Asked:
    recipe = load(_recipe_name(typed(request, "recipe", 60)))
    number, crowds = typed(request, "wanted", 12), {one.value for one in crowds_for(person(request))}
    stages, settings = [], {}
    for stage in crowd_stages(recipe):
        form, changed = _read_stage(request, stage, crowds)
        stages.append(form)
        if changed:
            settings[stage.name] = changed
    wanted = Wanted(
        recipe=typed(request, "recipe", 60),
        name=typed(request, "name", 120),
        classes=[name.replace("\x00", "")[:60] for name in request.POST.getlist("classes")],
        wanted=int(number) if number.isdecimal() else 0,
        platform=typed(request, "platform", 60),
        budget=typed(request, "budget", 30),
        settings=settings,
    )
    wrong = f"The number of photos wanted must be a whole number, not {number!r}."
    return Asked(wanted, number, stages, "" if number.isdecimal() else wrong)


def _read_stage(request: HttpRequest, stage: RecipeStage, crowds: set[str]) -> tuple[CrowdForm, dict[str, Any]]:
    values = typed_values(request.POST, stage.name, _usual(stage).values)
    settings, errors = checked(stage.kind, stage.settings, values)
    unknown = [name for name in values["platforms"] if name not in crowds]
    if unknown:
        errors = {**errors, "platforms": f"{stage.title}: {unknown[0]!r} is not a crowd you can choose."}
    if settings and settings.expires_on and settings.expires_on < database_now().date():
        errors = {**errors, "expires_on": f"Last day: {settings.expires_on} is over already."}
    form = CrowdForm(stage.name, stage.kind, stage.title, values, errors)
    return form, what_changed(stage.kind, stage.settings, settings) if settings and not errors else {}


def _sheet(asked: Asked) -> dict[str, Any]:
    if asked.first_fault:
        return {"sentence": asked.first_fault}
    try:
        campaign = asked.wanted.checked()
        rows = planning.plan(campaign)
    except (BadRecipe, CrowdError) as error:
        return {"sentence": str(error)}
    total, photos = sum(row.micro for row in rows), campaign.wanted * len(campaign.classes)
    accepted_of = campaign.recipe.yields.get("validate", 1.0)
    return {
        "rows": rows,
        "total": total,
        "fees": sum(share.fee_micro * share.pages for row in rows for share in row.shares if share.currency == "USD"),
        "photos": photos,
        "each": total // photos,
        "rejected": 1 - accepted_of,
        "sent": next((row.n for row in rows if row.stage == "validate"), photos),
        "fits": total <= campaign.budget_micro,
        "left": campaign.budget_micro - total,
        "others": [exact_text(amount, currency) for currency, amount in planning.elsewhere_micro(rows).items()],
        "other_currencies": ", ".join(planning.elsewhere_micro(rows)),
        "command": mine_command(campaign),
        "each_of": {row.stage: _price_of_an_item(row) for row in rows},
    }


def _price_of_an_item(row: planning.PlannedStage) -> str:
    """Say what the price of a page means for one item, before fees."""
    if row.items_a_page == 1 and row.answers == 1:
        return "one photo a page, paid when it is accepted"
    answer = row.price_micro // row.items_a_page
    all_of_it = exact_text(round(answer * row.answers))
    return f"{row.items_a_page} real on a page: {exact_text(answer)} an answer, about {all_of_it} a photo"


def _says(stages: Sequence[CrowdForm]) -> dict[str, Any]:
    return {"exams": {stage.name: _exam_says(stage.values) for stage in stages if stage.kind == "validate"}}


def _exam_says(values: Mapping[str, Any]) -> list[str]:
    """Return what each gate lets through; nothing while the numbers are none."""
    said = []
    for name in ("training", "exam"):
        try:
            gate = at_least(int(values[f"{name}_gate"]), int(values[f"{name}_tasks"]))
            passes = exam_sentence(gate, options=len(values["options"]))
        except ValueError:
            continue
        said.append(f"{name.capitalize()}, {gate.needed} of {gate.questions} right: {passes}.")
    return said


def _page(request: HttpRequest, asked: Asked, error: str = "", *, refused: bool = False) -> HttpResponse:
    recipe = load(_recipe_name(asked.wanted.recipe))
    crowds = crowds_for(person(request))
    context = {
        "wanted": asked.wanted,
        "number": asked.number,
        "recipes": [load(name) for name in with_crowd()],
        "classes": [(name, prompt, name in asked.wanted.classes) for name, prompt in recipe.classes.items()],
        "crowds": crowds,
        "people": people_data(crowds),
        "stages": asked.stages,
        "error": error or (asked.first_fault if refused else ""),
        **_sheet(asked),
        **_says(asked.stages),
    }
    return render(request, "curation/new_project.html", context, status=400 if refused else 200)


def people_data(crowds: Sequence[CrowdChoice]) -> dict[str, dict[str, Any]]:
    """Return what the slider needs to know of every crowd."""
    return {
        one.value: {"label": one.label, "bins": one.bins, "known": one.known, "sees": one.sees_rating} for one in crowds
    }
