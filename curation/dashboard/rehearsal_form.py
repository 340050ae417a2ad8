"""What somebody asks to have rehearsed: read from a form, from a project, or from a plan that is being written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from django.http import QueryDict

from crowd.errors import CrowdError
from curation.dashboard import plan_form
from curation.engine.rehearsal_compare import cells_of
from curation.engine.rehearsal_setup import asked_of
from curation.engine.wish import Wish
from curation.models import LabelClass, Pool, Project, Stage
from curation.recipes.loading import BadRecipe, Recipe, load
from curation.services.rehearsals import Asked

USUAL_SIZE: Final = 100
MOST_PROPOSED: Final = 300
MOST_SIZE: Final = 2_000
MOST_SEEDS: Final = 5
ELSEWHERE: Final = ("platforms", "audience", "expires_on")  # about real crowds; the simulated one has none of it
Settings = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Fields:
    """What stands in the form, as it was typed."""

    size: str = str(USUAL_SIZE)
    seeds: str = "1"
    compare: str = ""
    pictures: bool = False


def fields_of(posted: QueryDict) -> Fields:
    texts = {name: posted.get(name, "")[:500].strip() for name in ("size", "seeds", "compare")}
    return Fields(**texts, pictures=posted.get("pictures") == "yes")


def read(fields: Fields, base: Asked) -> list[Asked]:
    """Return every rehearsal the form asks for; CrowdError with one sentence when it cannot be read."""
    size = _number(fields.size, "The number of photos", MOST_SIZE)
    seeds = _number(fields.seeds, "The number of seeds", MOST_SEEDS)
    axes = [line.strip() for line in fields.compare.splitlines() if line.strip()]
    cells = cells_of(base.settings, axes)
    for cell in cells:
        _require_sound(Wish(base.recipe, 1, size, cell.settings, pictures=fields.pictures, classes=tuple(base.classes)))
    return [
        replace(base, size=size, seed=seed, settings=cell.settings, varied=cell.varied, pictures=fields.pictures)
        for cell in cells
        for seed in range(1, seeds + 1)
    ]


def _require_sound(wish: Wish) -> None:
    """Refuse what could not be rehearsed, before anything is asked for."""
    try:
        asked_of(wish)
    except BadRecipe as error:
        raise CrowdError(str(error)) from None


def _number(text: str, what: str, most: int) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise CrowdError(f"{what} must be from 1 to {most:,}.")
    return int(text)


def of_project(project: Project) -> Asked:
    """Return what a rehearsal of a project is about: its recipe, its classes, its settings as they are now."""
    if not project.recipe:
        raise CrowdError("This project was made without a recipe, so there is nothing to rehearse.")
    try:
        recipe = load(project.recipe)
    except BadRecipe as error:
        raise CrowdError(f"The project cannot be rehearsed. {error}") from None
    names = LabelClass.objects.filter(project=project, retired_at=None, is_negative=False).order_by("index")
    settings = {stage.name: dict(stage.settings) for stage in Stage.objects.filter(project=project)}
    wanted = sum(Pool.objects.filter(project=project).values_list("wanted", flat=True))
    return _asked(recipe, list(names.values_list("name", flat=True)), settings, wanted)


def of_plan(plan: plan_form.Asked) -> Asked:
    """Return what a rehearsal of a plan is about that is no project yet; it need not have a name."""
    wrong = [text for place, text in plan.all_errors if place != "name"]
    if wrong:
        raise CrowdError(wrong[0])
    chosen = plan.wanted.checked()
    return _asked(chosen.recipe, list(chosen.classes), chosen.settings, chosen.total)


def _asked(recipe: Recipe, names: Sequence[str], settings: Mapping[str, Mapping[str, Any]], photos: int) -> Asked:
    if recipe.rehearsed_with != "crowd" or recipe.media != "image" or recipe.known_answers != "drawn":
        raise CrowdError(f"{recipe.title} is rehearsed on the command line: winnow rehearse {recipe.name}.")
    known = [name for name in names if name in load(recipe.name).classes]
    if not known:
        raise CrowdError("None of these classes can be drawn: only those of the preset are rehearsed.")
    size = max(len(known), min(photos or USUAL_SIZE, MOST_PROPOSED))
    return Asked(recipe.name, 1, size, _differences(recipe, settings), classes=known)


def _differences(recipe: Recipe, settings: Mapping[str, Mapping[str, Any]]) -> Settings:
    """Return only what differs from the preset, so that a rehearsal says what is special about it."""
    usual = {stage.name: stage.settings for stage in recipe.stages}
    found = {
        stage: {
            name: value
            for name, value in values.items()
            if name not in ELSEWHERE and (name not in usual[stage] or usual[stage][name] != value)
        }
        for stage, values in settings.items()
        if stage in usual
    }
    return {stage: values for stage, values in found.items() if values}
