"""What somebody asks for when a campaign is made: recipe, classes, crowds, budget. Checked before anything is made."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.text import slugify
from pydantic import ValidationError

from crowd.errors import CrowdError
from crowd.money import micro
from curation.economics.expected import Expected
from curation.engine.market_accounts import check_name, usable_by
from curation.models import User
from curation.recipes.loading import BadRecipe, Recipe, RecipeStage, first_fault, load
from curation.services.pools.changing import MOST_WANTED
from curation.stages.base import CrowdSettings
from curation.stages.registry import STAGE_KINDS, stage_kind

MOST_LETTERS = 120
MOST_CLASSES = 1_000
CLASS_NAME = re.compile(r"\w[\w .+-]{0,59}")
LONGEST_PROMPT = 300
NEEDS_KNOWN = ("training_tasks", "exam_tasks", "control_per_page")


@dataclass(frozen=True, slots=True)
class Campaign:
    """What somebody asks for; checked before anything is made.

    `quotas` are the classes that get another number than `wanted`. The recipe holds the classes added to it as well.
    `experience`: what earlier campaigns let expect of stages.
    """

    recipe: Recipe
    name: str
    classes: tuple[str, ...]
    wanted: int
    platform: str
    budget_micro: int
    team: str = ""
    owner: str = ""
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    quotas: Mapping[str, int] = field(default_factory=dict)
    experience: Mapping[str, Expected] = field(default_factory=dict)

    def expected(self, stage: str) -> Expected:
        """Return what share of items is expected to pass a stage: by earlier campaigns, else by the recipe."""
        return self.experience.get(stage) or Expected(self.recipe.yields.get(stage, 1.0))

    def wanted_of(self, name: str) -> int:
        """Return how many results of a class are wanted."""
        return self.quotas.get(name, self.wanted)

    @property
    def total(self) -> int:
        return sum(self.wanted_of(name) for name in self.classes)

    @property
    def added(self) -> dict[str, str]:
        """Return the classes that the recipe itself does not know, with their prompts."""
        known = load(self.recipe.name).classes
        return {name: prompt for name, prompt in self.recipe.classes.items() if name not in known}

    @property
    def slug(self) -> str:
        """Return what the project is found by. Letters that a slug cannot hold are told apart by a digest."""
        plain = slugify(unicodedata.normalize("NFKC", self.name))
        lossless = all(char.isascii() for char in unicodedata.normalize("NFKD", self.name) if char.isalnum())
        if lossless and 0 < len(plain) <= 80:
            return plain
        return f"{plain[:70] or 'project'}-{hashlib.sha256(self.name.encode()).hexdigest()[:8]}"


def campaign(
    *,
    recipe: str,
    platform: str,
    name: str = "",
    classes: Sequence[str] = (),
    wanted: int | None = None,
    budget: str | None = None,
    team: str = "",
    owner: str = "",
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    quotas: Mapping[str, int] | None = None,
    prompts: Mapping[str, str] | None = None,
) -> Campaign:
    """Check a request and return it complete. Raises BadRecipe or CrowdError with one sentence.

    A class that the recipe does not know is added to it when `prompts` says what workers read about it.
    """
    known = load(recipe)
    found = _with_added(known, {**known.prompts_for(classes), **(prompts or {})})
    check_name(platform)
    chosen = tuple(dict.fromkeys(classes)) or tuple(found.classes)
    unknown = [one for one in chosen if one not in found.classes]
    if unknown:
        raise CrowdError(f"{unknown[0]!r} is not a class of {recipe}; classes are {', '.join(found.classes)}.")
    if len(chosen) > MOST_CLASSES:
        raise CrowdError(f"A project has at most {MOST_CLASSES:,} classes, not {len(chosen):,}.")
    if len(name) > MOST_LETTERS or "\0" in name:
        raise CrowdError(f"A project's name has at most {MOST_LETTERS} letters, not {len(name)}.")
    number = found.wanted if wanted is None else wanted
    own = {name: n for name, n in (quotas or {}).items() if name in chosen and n != number}
    for n in [number, *own.values()]:
        if not 1 <= n <= MOST_WANTED:
            raise CrowdError(f"The number of results wanted must be from 1 to {MOST_WANTED:,}, not {n}.")
    asked = Campaign(
        recipe=found.about(chosen),
        name=name.strip() or found.title,
        classes=chosen,
        wanted=number,
        platform=platform,
        budget_micro=budget_of(budget if budget is not None else found.budget_usd),
        team=team,
        owner=owner,
        settings=settings or {},
        quotas=own,
    )
    check_stages(asked)
    _check_known_answers(asked)
    return asked


def shared_out(images: int, classes: Sequence[str]) -> dict[str, int]:
    """Share images out to the classes as evenly as possible."""
    if images < len(classes):
        raise CrowdError(f"The recipe has {len(classes)} classes: the images must be at least {len(classes)}.")
    each, more = divmod(images, len(classes))
    return {name: each + (number < more) for number, name in enumerate(classes)}


def _with_added(recipe: Recipe, prompts: Mapping[str, str]) -> Recipe:
    """Return the recipe with the classes that somebody adds to it behind its own."""
    added = {name.strip(): text.strip() for name, text in prompts.items() if name.strip() not in recipe.classes}
    for name, prompt in added.items():
        if not CLASS_NAME.fullmatch(name) or name == recipe.negative_class:
            raise CrowdError(f"{name!r} cannot be the name of a class: use up to 60 letters, digits and _ - + .")
        if not 0 < len(prompt) <= LONGEST_PROMPT:
            raise CrowdError(f"Say in up to {LONGEST_PROMPT} letters what workers read about the class {name!r}.")
    return recipe.model_copy(update={"classes": {**recipe.classes, **added}}) if added else recipe


def _check_known_answers(asked: Campaign) -> None:
    """Refuse a training or exam about classes of which nothing is known: nobody could ever pass it."""
    if asked.recipe.known_answers != "drawn" or any(name not in asked.added for name in asked.classes):
        return
    for stage in asked.recipe.stages:
        found = stage_kind(stage.kind).Settings.model_validate(settings_for(asked, stage.name, stage.settings))
        needs = [name for name in NEEDS_KNOWN if getattr(found, name, 0)]
        if needs:
            raise CrowdError(
                f"{stage.title}: no pictures with known answers can be drawn of {', '.join(asked.classes)}. "
                "Set training, exam and control tasks to 0, or keep a class of the preset."
            )


def budget_of(text: str) -> int:
    """Return what somebody typed as a budget, in micro-dollars; CrowdError when it is none."""
    try:
        amount = micro(text)
    except ValueError as error:
        raise CrowdError(f"The budget is wrong: {error}") from None
    if amount < 0:
        raise CrowdError(f"The budget cannot be negative: {text}.")
    return amount


def check_stages(asked: Campaign) -> None:
    """Let every stage kind check its settings, overrides included."""
    names = [stage.name for stage in asked.recipe.stages]
    for name in asked.settings:
        if name not in names:
            raise CrowdError(f"There is no stage {name!r}; stages are {', '.join(names)}.")
    for stage in asked.recipe.stages:
        if stage.kind not in STAGE_KINDS:
            raise BadRecipe(f"{stage.name}: {stage.kind!r} is not a stage kind; known are {', '.join(STAGE_KINDS)}.")
        try:
            found = stage_kind(stage.kind).Settings.model_validate(settings_for(asked, stage.name, stage.settings))
        except ValidationError as error:
            raise BadRecipe(f"{stage.name}: {first_fault(error)}") from None
        for name in found.platforms if isinstance(found, CrowdSettings) else []:
            check_name(name)


def crowds_of(asked: Campaign) -> list[str]:
    """Return the names of all platforms and accounts that a campaign would use."""
    shared = [name for stage in asked.recipe.stages for name in crowds_of_stage(asked, stage) or [asked.platform]]
    return list(dict.fromkeys(shared or [asked.platform]))


def crowds_of_stage(asked: Campaign, stage: RecipeStage) -> list[str]:
    """Return who shares the crowd work of one stage; empty where there is none."""
    found = stage_kind(stage.kind).Settings.model_validate(settings_for(asked, stage.name, stage.settings))
    return list(dict.fromkeys(found.platforms or [asked.platform])) if isinstance(found, CrowdSettings) else []


def settings_for(asked: Campaign, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    return {**given, **asked.settings.get(name, {})}


def check_crowds(asked: Campaign, by: User | None) -> None:
    """Refuse accounts that this person may not use; what they are is not told."""
    for name in crowds_of(asked):
        if by is not None and not usable_by(name, by):
            raise CrowdError(f"{name!r} is not an account you can use. Ask who connected it to share it.")
