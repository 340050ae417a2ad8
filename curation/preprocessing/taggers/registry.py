"""Taggers by name: those that come along, those of installed packages, those an operator has set up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .base import Tagger

BUILT_IN: Mapping[str, str] = {
    "shape": "curation.preprocessing.taggers.shape:Shape",
    "light": "curation.preprocessing.taggers.light:Lighting",
    "colour": "curation.preprocessing.taggers.colour:Colour",
    "texture": "curation.preprocessing.taggers.texture:Texture",
    "jpeg": "curation.preprocessing.taggers.jpeg:JpegQuality",
    "clock": "curation.preprocessing.taggers.clock:TimeOfDay",
    "motion": "curation.preprocessing.taggers.motion:Motion",
    "people": "curation.preprocessing.taggers.people:People",
    "faces": "curation.preprocessing.taggers.faces:Faces",
    "simulated": "curation.preprocessing.taggers.simulated:Simulated",
}
USUAL = ("shape", "light", "colour", "texture", "jpeg", "clock", "motion")
"""What is run when nothing is said: measurements only, about 5 ms a picture."""
GROUP = "winnow.taggers"


class BadTagger(ValueError):
    """A tagger that is unknown or cannot be set up; the sentence says why."""


class Setup(BaseModel):
    """One tagger of an operator's file: the class by its dotted path, and what it is made with."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    path: str = Field(alias="class", pattern=r"^[\w.]+:\w+$")
    options: dict[str, Any] = {}


def read_setups(file: Path) -> dict[str, Setup]:
    """Read an operator's YAML file of taggers: name -> class and options. Raises BadTagger with the place."""
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise BadTagger(f"{file} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadTagger(f"{file} is not YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(document, dict):
        raise BadTagger(f"{file} must map names of taggers to their class and options")
    try:
        return {str(name): Setup.model_validate(given) for name, given in document.items()}
    except ValidationError as error:
        fault = error.errors()[0]
        raise BadTagger(f"{file}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}") from None


def names(setups: Mapping[str, Setup] | None = None) -> list[str]:
    return sorted({*BUILT_IN, *_installed(), *(setups or {})})


def load(wanted: Iterable[str], setups: Mapping[str, Setup] | None = None) -> dict[str, Tagger]:
    """Make the taggers of these names, cheapest first. Raises BadTagger; an unknown name lists the known ones."""
    made = {name: _made(name, setups or {}) for name in dict.fromkeys(wanted)}
    return dict(sorted(made.items(), key=lambda item: item[1].cost_ms))


def _made(name: str, setups: Mapping[str, Setup]) -> Tagger:
    if name in setups:
        tagger = _call(name, setups[name].path, {"name": name, **setups[name].options})
    elif name in BUILT_IN:
        tagger = _call(name, BUILT_IN[name], {})
    elif name in _installed():
        tagger = _call(name, _installed()[name], {})
    else:
        raise BadTagger(f"there is no tagger {name!r}; known are {', '.join(names(setups))}")
    if not isinstance(tagger, Tagger):
        raise BadTagger(f"{name}: {type(tagger).__name__} is no tagger; it needs name, version, needs, cost_ms, tags")
    return tagger


def _call(name: str, path: str, options: Mapping[str, Any]) -> object:
    module, _, attribute = path.partition(":")
    try:
        return getattr(import_module(module), attribute)(**options)
    except (ImportError, AttributeError) as error:
        raise BadTagger(f"{name}: {path} cannot be loaded: {error}") from None
    except TypeError as error:
        raise BadTagger(f"{name}: {error}") from None


def _installed() -> dict[str, str]:
    return {point.name: point.value for point in entry_points(group=GROUP)}
