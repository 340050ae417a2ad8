"""What is asked of a forecast: recipe, images, people and the settings that may be turned, read from an address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from crowd.errors import CrowdError
from crowd.money import micro
from curation.dashboard.plan_form import MOST_PEOPLE, USUAL_PEOPLE, known_recipe
from curation.engine.asking import Campaign, campaign, shared_out
from curation.recipes.loading import Recipe, RecipeStage, load
from curation.services.pools.changing import MOST_WANTED
from curation.stages.registry import stage_kind

PLATFORM: Final = "inhouse"
CENTS: Final = "cents"


@dataclass(frozen=True, slots=True)
class Knob:
    """A setting that may be turned, of every stage kind that has it. `unit` stands behind its number."""

    name: str
    label: str
    low: int
    high: int
    unit: str = ""


KNOBS: Final[Mapping[str, Sequence[Knob]]] = {
    "collect": (Knob("price_usd", "Price of a photo", 1, 50, CENTS),),
    "validate": (
        Knob("overlap", "People about one photo", 1, 9),
        Knob("page_size", "Photos on a page", 1, 50),
        Knob("control_per_page", "Known ones among them", 0, 10),
        Knob("price_usd", "Price of a page", 1, 50, CENTS),
        Knob("exam_gate", "Exam passed from", 0, 100, "%"),
    ),
    "boxes": (
        Knob("overlap", "People about one photo", 1, 7),
        Knob("page_size", "Photos on a page", 1, 30),
        Knob("price_usd", "Price of a page", 1, 50, CENTS),
    ),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """A knob of one stage as it stands: the text in its field, what the recipe has, and what is wrong with it."""

    stage: RecipeStage
    knob: Knob
    text: str
    usual: str
    error: str = ""

    @property
    def place(self) -> str:
        return f"{self.stage.name}.{self.knob.name}"

    @property
    def changed(self) -> bool:
        return self.text != self.usual

    @property
    def value(self) -> int | str:
        """Return the number as the stage kind takes it."""
        return _dollars(self.text) if self.knob.unit == CENTS else int(self.text)


@dataclass(frozen=True, slots=True)
class Asked:
    """All that stands in the address, right or wrong. `people` are at work at once."""

    recipe: Recipe
    images: str
    people: str
    settings: Sequence[Setting]
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def first_error(self) -> str:
        wrong = [*self.errors.values(), *(one.error for one in self.settings if one.error)]
        return wrong[0] if wrong else ""

    @property
    def changes(self) -> dict[str, dict[str, Any]]:
        """Return what differs from the recipe, stage by stage."""
        found: dict[str, dict[str, Any]] = {}
        for one in self.settings:
            if one.changed and not one.error:
                found.setdefault(one.stage.name, {})[one.knob.name] = one.value
                if one.knob.name == "price_usd" and one.stage.settings.get("price_by_skill"):
                    found[one.stage.name]["price_by_skill"] = None
                if one.knob.name == "overlap" and one.stage.kind == "validate":
                    found[one.stage.name]["most_overlap"] = max(int(one.text), int(_given(one.stage, "most_overlap")))
        return found

    def campaign(self, *, changed: bool) -> Campaign:
        """Return the campaign as it was turned, or as the recipe has it. Raises BadRecipe or CrowdError."""
        if self.first_error:
            raise CrowdError(self.first_error)
        return campaign(
            recipe=self.recipe.name,
            platform=PLATFORM,
            quotas=shared_out(int(self.images), list(self.recipe.classes)),
            settings=self.changes if changed else {},
        )


def read(given: Mapping[str, str]) -> Asked:
    """Read an address; what is not in it is as the recipe has it."""
    recipe = load(known_recipe(given.get("recipe", "")))
    images = _text(given, "images", str(recipe.wanted * len(recipe.classes)))
    people = _text(given, "people", str(USUAL_PEOPLE))
    settings = [
        _setting(stage, knob, given)
        for stage in recipe.stages
        for knob in KNOBS.get(stage.kind, ())
        if knob.name in _values(stage)
    ]
    return Asked(recipe, images, people, settings, _errors(recipe, images, people))


def _errors(recipe: Recipe, images: str, people: str) -> dict[str, str]:
    found, fewest = {}, len(recipe.classes)
    if not (images.isdecimal() and fewest <= int(images) <= MOST_WANTED):
        found["images"] = f"Images wanted: a whole number from {fewest:,} (one a class) to {MOST_WANTED:,}."
    if not (people.isdecimal() and 1 <= int(people) <= MOST_PEOPLE):
        found["people"] = f"People at work at once: a whole number from 1 to {MOST_PEOPLE:,}."
    return found


def _setting(stage: RecipeStage, knob: Knob, given: Mapping[str, str]) -> Setting:
    usual = _given(stage, knob.name)
    text = _text(given, f"{stage.name}.{knob.name}", usual)
    error = "" if text == usual else _fault(stage, knob, text)
    return Setting(stage, knob, text, usual, error)


def _fault(stage: RecipeStage, knob: Knob, text: str) -> str:
    """Say what is wrong with a number; sliders end before fields do."""
    said = f"{stage.title}, {knob.label.lower()}: "
    if knob.unit == CENTS:
        try:
            return "" if 0 <= micro(_dollars(text)) <= micro(100) else f"{said}from 0 to 10,000 cents."
        except (ValueError, ArithmeticError):
            return f"{said}an amount in cents, not {text!r}."
    return "" if text.isdecimal() and knob.low <= int(text) <= knob.high else f"{said}from {knob.low} to {knob.high}."


def _text(given: Mapping[str, str], name: str, usual: str) -> str:
    return given.get(name, "").replace("\0", "").replace(",", "").strip()[:12] or usual


def _values(stage: RecipeStage) -> dict[str, Any]:
    return stage_kind(stage.kind).Settings.model_validate(stage.settings).model_dump()


def _given(stage: RecipeStage, name: str) -> str:
    value = _values(stage)[name]
    return f"{micro(value) / 10_000:g}" if name == "price_usd" else str(value)


def _dollars(cents: str) -> str:
    """Return '0.09' of '9' cents."""
    return f"{Decimal(cents) / 100:f}"
