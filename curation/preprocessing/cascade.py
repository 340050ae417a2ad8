"""Taggers one after the other, cheap ones first: an expensive one sees only what the ones before let through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .intervals import smoothed
from .taggers.base import Tag

Subject = TypeVar("Subject")


class BadCascade(ValueError):
    """A cascade that cannot be used; the sentence names the place."""


class Rule(BaseModel):
    """Keep a picture when one of the values is among its tags of this key: the `top` surest, if given."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    key: str = Field(min_length=1)
    any_of: list[str] = Field(min_length=1, description="values that let a picture through")
    top: int | None = Field(default=None, ge=1, description="look at so many of the surest tags only")
    least_score: float = Field(default=0.0, ge=0, le=1)

    def keeps(self, tags: Iterable[Tag]) -> bool:
        mine = sorted((tag for tag in tags if tag.key == self.key), key=lambda tag: -tag.score)
        return any(tag.value in self.any_of and tag.score >= self.least_score for tag in mine[: self.top])


class Layer(BaseModel):
    """One tagger, what it lets through, and how its frames are made into intervals."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    tagger: str
    keep: Rule
    min_length: int = Field(default=1, ge=1, le=1000, description="frames; shorter intervals are false triggers")
    max_gap: int = Field(default=0, ge=0, le=1000, description="frames; shorter gaps are bridged")


class NameFilter(BaseModel):
    """Keep a picture when a model names one of the `terms` among its `top` surest labels; no model keeps everything."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    model: str = Field(default="", max_length=60, description="the tagger that names what is shown; none = no filter")
    terms: list[str] = Field(default=[], max_length=500, description="names that let a picture through")
    top: int = Field(default=4, ge=1, le=1000, description="how many of its surest names are looked at")
    least_score: float = Field(default=0.0, ge=0, le=1, description="how sure of a name it must be, from 0 to 1")

    @property
    def naming(self) -> list[Layer]:
        """Return the rule as the last layer of a cascade."""
        if not self.model or not self.terms:
            return []
        rule = Rule(key="label", any_of=self.terms, top=self.top, least_score=self.least_score)
        return [Layer(tagger=self.model, keep=rule)]


def layers_of(settings: Mapping[str, Any]) -> list[Layer]:
    """Return all layers of a stage's settings, the filter by names behind the others."""
    given = {name: settings[name] for name in NameFilter.model_fields if name in settings}
    return [*map(Layer.model_validate, settings.get("layers", [])), *NameFilter.model_validate(given).naming]


class Cascade(BaseModel):
    """Layers in order, and taggers that describe whatever is left at the end."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    layers: list[Layer] = Field(min_length=1, max_length=20)
    taggers: list[str] = []


def read_cascade(file: Path) -> Cascade:
    """Read a cascade from a YAML file. Raises BadCascade."""
    try:
        return Cascade.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise BadCascade(f"{file} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadCascade(f"{file} is not YAML: {str(error).splitlines()[0]}") from None
    except ValidationError as error:
        fault = error.errors()[0]
        raise BadCascade(f"{file}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}") from None


@dataclass(slots=True)
class Step(Generic[Subject]):
    """One picture or frame on its way; `stopped_at` is the layer that ended it, -1 while it goes on."""

    subject: Subject
    index: int = 0
    seconds: float = 0.0
    stopped_at: int = -1


@dataclass(frozen=True, slots=True)
class Interval:
    """Frames from first to last, both counted, with their times."""

    layer: int
    first: int
    last: int
    start: float
    end: float


def run(
    steps: Iterable[Step[Subject]],
    layers: Sequence[Layer],
    tag: Callable[[str, Subject], Sequence[Tag]],
    found: list[Interval],
) -> Iterator[Step[Subject]]:
    """Send one video's frames (or pictures one by one) through the layers; every step comes out, stopped or not.

    `tag` is asked for a tagger's word on a subject only when all layers before let it through. A frame in a bridged gap
    goes on if it reached the layer. Few frames are held at a time: what `smoothed` needs, layer by layer.
    The intervals of each layer are added to `found`; they are complete when the steps are.
    """
    going = iter(steps)
    for number, layer in enumerate(layers):
        going = _through(going, number, layer, tag, found)
    return going


def _through(
    steps: Iterator[Step[Subject]],
    number: int,
    layer: Layer,
    tag: Callable[[str, Subject], Sequence[Tag]],
    found: list[Interval],
) -> Iterator[Step[Subject]]:
    flagged = ((step, step.stopped_at < 0 and layer.keep.keeps(tag(layer.tagger, step.subject))) for step in steps)
    first: Step[Subject] | None = None
    last: Step[Subject] | None = None
    for step, inside in smoothed(flagged, min_length=layer.min_length, max_gap=layer.max_gap):
        if inside:
            first, last = first or step, step
        elif first and last:
            found.append(Interval(number, first.index, last.index, first.seconds, last.seconds))
            first = last = None
        if step.stopped_at < 0 and not inside:
            step.stopped_at = number
        yield step
    if first and last:
        found.append(Interval(number, first.index, last.index, first.seconds, last.seconds))
