"""Recipes: readable YAML files, checked before anything is made of them."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from curation.recipes.published import Published
from curation.recipes.search import Search

FOLDER = Path(__file__).parent
_TRAIN_FIRST = (
    "training tasks are not mixed into paid pages, there or on our own; people learn before the exam, "
    "as many tasks as training_tasks says"
)
OWN_ATTRIBUTES: Final = frozenset({"class", "status", "confidence", "adjusted", "licence", "source"})  # in exports
COLOURS: Final = ("blue", "green", "orange", "purple", "red")
NOT_OFFERED = dict.fromkeys(("training_per_page", "training_tasks_count"), _TRAIN_FIRST)


class BadRecipe(ValueError):
    """A recipe that is unknown or wrong; the sentence names the place."""


class RecipeStage(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: str
    title: str
    settings: dict[str, Any] = {}
    asks_classes: bool = False  # its answers or labels are the project's classes, before those written here

    @model_validator(mode="after")
    def _leaves_attributes_alone(self) -> Self:
        if self.name in OWN_ATTRIBUTES:
            raise ValueError(f"a stage cannot be called {self.name}: in exports that is an attribute of the picture")
        return self

    def about(self, classes: Sequence[str], before: Mapping[str, str]) -> Self:
        """Return the stage with an answer or a label for each class instead of those for the classes `before`."""
        if not self.asks_classes:
            return self
        name, key = ("labels", "name") if self.kind == "boxes" else ("options", "value")
        written = [one for one in self.settings.get(name, []) if one[key] not in before]
        asked = [_label(one, number) if name == "labels" else _option(one) for number, one in enumerate(classes)]
        return self.model_copy(update={"settings": {**self.settings, name: [*asked, *written]}})


def _option(name: str) -> dict[str, Any]:
    return {"value": name, "label": name.replace("_", " ").capitalize(), "keeps": True}


def _label(name: str, number: int) -> dict[str, str]:
    return {"name": name, "colour": COLOURS[number % len(COLOURS)]}


class Recipe(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    title: str
    description: str = ""
    media: Literal["image", "video"] = "image"
    target: str = "photo"
    consent: str = ""
    classes: dict[str, str] = Field(min_length=1)
    negative_class: str = ""
    wanted: int = Field(default=100, ge=1)
    budget_usd: str = "100"
    known_answers: Literal["drawn", "planted", "filmed", "none"] = "none"
    rehearsed_with: Literal["crowd", "clips", "search", "pictures"] = "crowd"
    is_template: bool = False  # one question about pictures that are brought; any classes, which explain themselves
    stages: list[RecipeStage] = Field(min_length=2)
    yields: dict[str, float] = {}
    answers: dict[str, float] = {}
    published: Published | None = None
    search: Search | None = None

    @model_validator(mode="after")
    def _collects_its_media(self) -> Self:
        for stage in self.stages:
            if stage.kind == "collect" and stage.settings.get("media", "image") != self.media:
                raise ValueError(f"the stage {stage.name} must say media: {self.media}, as the recipe does")
        return self

    def about(self, classes: Sequence[str]) -> Self:
        """Return the recipe asking for these classes where it asks for classes."""
        return self.model_copy(update={"stages": [stage.about(classes, self.classes) for stage in self.stages]})

    def prompts_for(self, classes: Sequence[str]) -> dict[str, str]:
        """Return what workers read about classes that explain themselves: their names, in a template."""
        return {name: name for name in classes if name not in self.classes} if self.is_template else {}


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


@cache
def load(name: str) -> Recipe:
    """Return a bundled recipe; an unknown name lists the known ones."""
    if name not in names():
        raise BadRecipe(f"There is no recipe {name!r}; known are {', '.join(names())}.")
    return parse((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"), origin=f"{name}.yaml")


def parse(text: str, *, origin: str) -> Recipe:
    try:
        recipe = Recipe.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise BadRecipe(f"{origin} is not YAML: {str(error).splitlines()[0]}.") from None
    except ValidationError as error:
        raise BadRecipe(f"{origin}: {first_fault(error)}") from None
    return recipe.about(list(recipe.classes))


def first_fault(error: ValidationError) -> str:
    """Return the first fault as one sentence with its place."""
    fault = error.errors()[0]
    place = " → ".join(str(part) for part in fault["loc"]) or "the document"
    instead = NOT_OFFERED.get(str(fault["loc"][-1])) if fault["type"] == "extra_forbidden" else None
    return f"{place}: {instead or fault['msg'].removeprefix('Value error, ')}."
