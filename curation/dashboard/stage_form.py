"""A form from the schema of a stage's settings: which field is drawn how, and what was typed back into values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

import yaml
from django.http import HttpRequest
from pydantic.fields import FieldInfo

from crowd.errors import CrowdError
from curation.engine import stage_settings
from curation.engine.stage_settings import Effect
from curation.models import Stage

LONGEST = 20_000
NUMBERS: Final = {int: "integer", float: "number"}
WIDE: Final = frozenset({"lines", "yaml"})
# What a schema leaves to its name, in a sentence for people.
HINTS: Final[Mapping[str, str]] = {
    "assignment_seconds": "seconds a worker has for a page before others get it",
    "audience": "who may work: languages, countries, devices, skills; empty = everybody",
    "block_difference": "how different the most different part of two pictures may be for them to be the same photo",
    "conditions": "what a good answer needs; workers read it above the task",
    "control_per_page": "tasks of a page whose answer is known",
    "control_rate": "fixed, or fewer control tasks for people who have shown that they are right",
    "duplicates": "look for the same picture sent before",
    "exam_gate": "percent of the exam that must be right",
    "exam_tasks": "tasks of the exam; 0 = no exam",
    "flags": "what people can say about the whole picture instead of boxing",
    "labels": "what a box can be called",
    "least_seconds": "faster answers a task count as careless",
    "most_megabytes": "larger files are refused",
    "most_characters": "longest text a worker may write",
    "most_overlap": "answers bought at most while the votes tie",
    "needs_skill": "the skill that lets people in; empty = none",
    "needs_value": "how much of that skill",
    "options": "the possible answers; those that keep let the picture go on",
    "overlap": "answers asked for about each picture",
    "page_size": "tasks on a page",
    "price_by_skill": "other page prices for other skills; empty = one price",
    "price_usd": "what a page pays",
    "skill": "the skill that training and exam give",
    "templates": "look for copies of the example picture",
    "title": "the question above the task",
    "training_gate": "percent of the training that must be right",
    "training_tasks": "tasks of the training; 0 = no training",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One field. `kind` says how it is drawn: check, choice, integer, number, date, text, lines, yaml."""

    name: str
    label: str
    hint: str
    kind: str
    value: str
    usual: str
    effect: Effect
    choices: Sequence[str] = ()
    low: str = ""
    high: str = ""
    may_be_empty: bool = False
    error: str = ""


class NotYaml(CrowdError):
    """A field that is written as in a recipe cannot be read."""

    def __init__(self, name: str, error: yaml.YAMLError) -> None:
        self.fields = {name: "this is not YAML as a recipe has it"}
        super().__init__(f"{label_of(name)} cannot be read: {str(error).splitlines()[0]}")


def rows_of(
    stage: Stage, *, typed: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None
) -> list[Row]:
    """Return the fields of a stage with what is set, or with what was typed and refused."""
    schema, values = stage_settings.schema_of(stage), stage_settings.values_of(stage)
    rows = [
        _row(
            name=name,
            field=field,
            value=typed[name] if typed is not None and name in typed else _text(values[name], field),
            effect=stage_settings.effect_of(stage, name),
            error=(errors or {}).get(name, ""),
        )
        for name, field in schema.model_fields.items()
    ]
    return sorted(rows, key=lambda row: row.kind in WIDE)


def read(request: HttpRequest, stage: Stage) -> dict[str, Any]:
    """Return what the form says, as the schema takes it. A field that was not sent is not changed."""
    fields = stage_settings.schema_of(stage).model_fields
    return {
        name: _value(name, field, request.POST.get(name, "").replace("\x00", "")[:LONGEST])
        for name, field in fields.items()
        if name in request.POST or (_kind(field) == "check" and f"{name}-asked" in request.POST)
    }


def typed_by(request: HttpRequest) -> dict[str, str]:
    return {name: value.replace("\x00", "")[:LONGEST] for name, value in request.POST.items() if isinstance(value, str)}


def label_of(name: str) -> str:
    return name.replace("_", " ").capitalize().replace(" usd", ", USD").replace("Usd", "USD")


def _row(*, name: str, field: FieldInfo, value: str, effect: Effect, error: str) -> Row:
    kind = _kind(field)
    low, high = _bounds(field)
    usual = "" if field.is_required() or kind in WIDE else _text(field.get_default(), field)
    return Row(
        name=name,
        label=label_of(name),
        hint=field.description or HINTS.get(name, ""),
        kind=kind,
        value=value,
        usual=usual,
        effect=effect,
        choices=[str(one) for one in get_args(_plain(field))] if kind == "choice" else (),
        low=low,
        high=high,
        may_be_empty=_is_optional(field.annotation),
        error=error,
    )


def _kind(field: FieldInfo) -> str:
    plain = _plain(field)
    if get_origin(plain) is Literal:
        return "choice"
    if plain is bool:
        return "check"
    if plain in NUMBERS:
        return NUMBERS[plain]
    if plain == list[str]:
        return "lines"
    return {str: "text", date: "date"}.get(plain, "yaml")


def _plain(field: FieldInfo) -> Any:
    """Return the annotation without `None`."""
    annotation = field.annotation
    if _is_optional(annotation):
        kept = [one for one in get_args(annotation) if one is not NoneType]
        return kept[0] if len(kept) == 1 else annotation
    return annotation


def _is_optional(annotation: Any) -> bool:
    return get_origin(annotation) in {Union, UnionType} and NoneType in get_args(annotation)


def _bounds(field: FieldInfo) -> tuple[str, str]:
    low = high = ""
    for one in field.metadata:
        low = str(next((getattr(one, name) for name in ("ge", "gt") if hasattr(one, name)), low))
        high = str(next((getattr(one, name) for name in ("le", "lt") if hasattr(one, name)), high))
    return low, high


def _text(value: Any, field: FieldInfo) -> str:
    kind = _kind(field)
    if value is None:
        return ""
    if kind == "check":
        return "on" if value else ""
    if kind == "lines":
        return "\n".join(value)
    if kind != "yaml":
        return f"{value:.15g}" if isinstance(value, float) else str(value)  # 0.0 is the usual 0
    if not value or value == stage_settings.usual_value(field):
        return ""
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100).strip()


def _value(name: str, field: FieldInfo, text: str) -> Any:
    kind = _kind(field)
    if kind == "check":
        return text == "on"
    if kind == "lines":
        return [line.strip() for line in text.splitlines() if line.strip()]
    if kind == "yaml":
        return _from_yaml(name, field, text)
    stripped = text.strip()
    return None if not stripped and _is_optional(field.annotation) else stripped


def _from_yaml(name: str, field: FieldInfo, text: str) -> Any:
    """Read what is written as in a recipe; nothing at all is the usual value."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise NotYaml(name, error) from None
    if value is not None or _is_optional(field.annotation) or field.is_required():
        return value
    return stage_settings.usual_value(field)
