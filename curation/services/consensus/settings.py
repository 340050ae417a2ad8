"""How a stage's answers are added up: the method, its numbers, and when one more answer is bought."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from aggregation import BOX_METHODS, BoxSettings
from crowd.errors import CrowdError
from crowd.money import micro
from curation.models import Stage
from curation.recipes.loading import first_fault

RULE_BASED = "hard-soft-drop"
LEARNING = "reliability"
GIVEN = ("person", "import")  # methods of results that were drawn as they are, not added up from answers
USUAL_ANSWERS = 3  # an image, where nobody says how many people are asked
LIBRARY = {field.name for field in fields(BoxSettings)}


class ConsensusSettings(BaseModel):
    """What a lead may turn. Numbers outside their bounds are refused with the library's own sentence."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field(default="boxes", description="name of the stage whose answers are added up")
    method: str = RULE_BASED
    iou: float = 0.7
    iou_rule: Literal["every_pair", "mean_pair"] = "every_pair"
    match_iou: float = 0.5
    combine: Literal["median", "mean"] = "median"
    dot_px: float = 3.0
    dot_share: float = 0.004
    duplicate_iou: float = 0.85
    quorum: float = 0.6
    ignore_px: float = Field(default=0.0, description="reliability: narrower boxes decide nothing about their image")
    max_drop: int = 3
    min_answers: int = USUAL_ANSWERS
    max_answers: int = 5
    accept: float = Field(default=0.8, ge=0, le=1, description="reliability: less sure images are not agreed")
    buy_when: Literal["drop", "not_hard", "worth"] = "drop"
    value_usd: str = Field(default="0.10", description="what a right image is worth, for buying where it pays")
    on_drop: Literal["drop", "review"] = "drop"

    @field_validator("method")
    @classmethod
    def _known(cls, method: str) -> str:
        if method not in BOX_METHODS:
            raise ValueError(f"{method!r} is not a method; known are {', '.join(known_methods())}")
        return method

    @field_validator("value_usd", mode="before")
    @classmethod
    def _amount(cls, value: Any) -> Any:
        text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
        if isinstance(text, str) and micro(text) < 0:
            raise ValueError(f"{text} is negative; a right image is worth 0 or more dollars")
        return text

    @model_validator(mode="after")
    def _within_bounds(self) -> Self:
        if self.max_answers < self.min_answers:
            raise ValueError(f"max_answers is {self.max_answers}: expected at least min_answers, {self.min_answers}")
        self.library(labels=2, empty_flags=())
        return self

    def library(self, *, labels: int, empty_flags: tuple[str, ...]) -> BoxSettings:
        """Return the settings as the library takes them. Whether an answer pays is not decided by the rule."""
        given = {name: value for name, value in self.model_dump().items() if name in LIBRARY}
        given["buy_when"] = "drop" if self.buy_when == "worth" else self.buy_when
        return BoxSettings(**given, label_count=max(2, labels), empty_flags=empty_flags)


def known_methods() -> list[str]:
    return sorted(BOX_METHODS)


def read(given: Mapping[str, Any]) -> ConsensusSettings:
    """Check settings from outside. CrowdError names the first one that is wrong and what is expected."""
    try:
        return ConsensusSettings.model_validate(dict(given))
    except ValidationError as error:
        raise CrowdError(first_fault(error)) from None


def source_of(stage: Stage) -> Stage:
    """Return the crowd stage whose answers this stage adds up."""
    found = source_if_there(stage)
    if found is None:
        raise Stage.DoesNotExist(f"{stage.name} adds up answers of a stage that is not there.")
    return found


def source_if_there(stage: Stage) -> Stage | None:
    """Look for it; among the project's stages where the project is at hand, as a page has read both already."""
    name = read(stage.settings).source
    if Stage.project.is_cached(stage):
        return next((one for one in stage.project.stages.all() if one.name == name), None)
    return Stage.objects.filter(project_id=stage.project_id, name=name).first()


def for_library(settings: ConsensusSettings, source: Stage) -> BoxSettings:
    """Complete the settings with what the source stage asks people: its labels, and its flags for "nothing there"."""
    flags = tuple(str(flag["value"]) for flag in source.settings.get("flags", []))
    return settings.library(labels=len(source.settings.get("labels", [])), empty_flags=flags)
