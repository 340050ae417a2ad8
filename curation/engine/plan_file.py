"""A plan as a file: what somebody asks for, in YAML, readable and the same for browser and command line."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from crowd.money import plain
from curation.engine.asking import Campaign
from curation.recipes.loading import BadRecipe, first_fault

MOST_BYTES = 256 * 1024
HEAD = "# A campaign. The same plan from a shell: ./winnow mine --plan THIS-FILE\n"


class ClassWish(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    wanted: int | None = None
    prompt: str = ""


class PlanFile(BaseModel):
    """What stands in such a file; only the recipe must."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    recipe: str
    name: str = Field(default="", max_length=120)
    platform: str = "inhouse"
    budget_usd: str | None = None
    wanted: int | None = None
    team: str = ""
    owner: str = ""
    classes: dict[str, ClassWish] = {}
    settings: dict[str, dict[str, Any]] = {}

    @field_validator("budget_usd", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    @field_validator("classes", mode="before")
    @classmethod
    def _in_short(cls, value: Any) -> Any:
        """A class may stand alone in a list, or with nothing but a number."""
        if isinstance(value, Sequence) and not isinstance(value, str):
            return {str(name): {} for name in value}
        if not isinstance(value, Mapping):
            return value
        return {str(name): _wish(one) for name, one in value.items()}

    @property
    def quotas(self) -> dict[str, int]:
        return {name: one.wanted for name, one in self.classes.items() if one.wanted is not None}

    @property
    def prompts(self) -> dict[str, str]:
        return {name: one.prompt for name, one in self.classes.items() if one.prompt}


def _wish(value: Any) -> Any:
    if value is None:
        return {}
    return {"wanted": value} if isinstance(value, int) and not isinstance(value, bool) else value


def read_plan(text: str, *, origin: str = "the plan") -> PlanFile:
    """Read such a file. Raises BadRecipe with one sentence that names the place."""
    if len(text.encode()) > MOST_BYTES:
        raise BadRecipe(f"{origin} is larger than {MOST_BYTES // 1024} KB; a plan is a few lines of YAML.")
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise BadRecipe(f"{origin} is not YAML: {str(error).splitlines()[0]}.") from None
    if not isinstance(found, Mapping):
        raise BadRecipe(f"{origin} holds no plan: it must say recipe: and, if you like, name, classes and settings.")
    try:
        return PlanFile.model_validate(found)
    except ValidationError as error:
        raise BadRecipe(f"{origin}: {first_fault(error)}") from None


def plan_text(asked: Campaign) -> str:
    """Return the file of a campaign."""
    classes: dict[str, Any] = {
        name: {"wanted": asked.wanted_of(name), "prompt": asked.added[name]}
        if name in asked.added
        else asked.quotas.get(name)
        for name in asked.classes
    }
    plan = {
        "recipe": asked.recipe.name,
        "name": asked.name,
        "platform": asked.platform,
        "budget_usd": plain(asked.budget_micro),
        "wanted": asked.wanted,
        "team": asked.team,
        "owner": asked.owner,
        "classes": classes,
        "settings": {stage: dict(changed) for stage, changed in asked.settings.items() if changed},
    }
    body = yaml.safe_dump(
        {name: value for name, value in plan.items() if value not in ("", {})}, sort_keys=False, allow_unicode=True
    )
    return HEAD + body.replace(": null\n", ":\n")
