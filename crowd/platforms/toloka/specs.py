"""A project on Toloka: what its tasks take in and give out, and what the worker sees, per interface of ours."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from crowd.platforms.base import BatchSpec

Json = dict[str, Any]
TASK_FIELD = "winnow_task"  # every answer names its task by it, and equal tasks are never merged
DIGEST_FIELD = "sha256"
LONGEST_NAME = 250
SHOWN: Mapping[str, str] = {"class": "string", "prompt": "string", "template": "url", "image": "url"}
COMPONENT_VERSION = "1.0.0"
OF_THE_CORE = "data."  # these parts of a view have no version of their own


def input_spec() -> Json:
    """Return the input fields, the same for every interface; what a payload has not got is left out."""
    shown = {name: {"type": kind, "required": False, "hidden": False} for name, kind in SHOWN.items()}
    return {
        TASK_FIELD: {"type": "string", "required": True, "hidden": True},
        DIGEST_FIELD: {"type": "string", "required": False, "hidden": True},
        **shown,
    }


def input_values(key: str, payload: Mapping[str, Any]) -> Json:
    """Return what of a payload the task carries; a worker's page elsewhere needs no more."""
    known = (*SHOWN, DIGEST_FIELD)
    return {TASK_FIELD: key, **{name: str(payload[name]) for name in known if payload.get(name)}}


def project_form(batch: BatchSpec) -> Json:
    """Return the project of a batch; the same words and fields make the same project."""
    form: Json = {
        "public_name": (batch.title or batch.interface)[:LONGEST_NAME],
        "public_description": (batch.title or batch.interface)[:LONGEST_NAME],
        "public_instructions": instructions_html(batch.spec),
        "assignments_issuing_type": "AUTOMATED",
        "assignments_automerge_enabled": False,
        "task_spec": task_spec(batch),
    }
    key = f"prj-{batch.project_id}-{batch.interface}-{_digest(form)}"
    return {**form, "private_comment": f"winnow:{key}", "metadata": {"winnow_key": [key]}}


def _digest(form: Json) -> str:
    return hashlib.sha256(json.dumps(form, sort_keys=True).encode()).hexdigest()[:16]


def instructions_html(spec: Mapping[str, Any]) -> str:
    given = spec.get("instructions") or []
    lines = [given] if isinstance(given, str) else [str(line) for line in given]
    listed = f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>" if lines else ""
    return f"{listed}{spec.get('guide_html', '')}"


def task_spec(batch: BatchSpec) -> Json:
    outputs, fields = INTERFACES[batch.interface](batch.spec)
    config = {
        "view": {"type": "view.list", "items": [*_shown(batch.interface), *fields]},
        "plugins": [{"type": "plugin.toloka", "layout": {"kind": "scroll", "taskWidth": 720}}],
    }
    return {
        "input_spec": input_spec(),
        "output_spec": outputs,
        "view_spec": {
            "type": "tb",
            "config": json.dumps(config, sort_keys=True),
            "lock": {"core": COMPONENT_VERSION, **dict.fromkeys(sorted(set(_parts(config))), COMPONENT_VERSION)},
            "inferDataSpec": False,
            # A judgement can always be given, and a skipped exam page would never count.
            "settings": {"showSkip": batch.interface != "choice"},
        },
    }


def _parts(config: Any) -> Iterator[str]:
    """Find the components that need a version."""
    if isinstance(config, Mapping):
        kind = config.get("type")
        if isinstance(kind, str) and not kind.startswith(OF_THE_CORE):
            yield kind
        config = list(config.values())
    if isinstance(config, list):
        for part in config:
            yield from _parts(part)


def _input(name: str) -> Json:
    return {"type": "data.input", "path": name, "default": ""}


def _output(name: str) -> Json:
    return {"type": "data.output", "path": name}


def _when_given(name: str, view: Json) -> Json:
    empty = {"type": "condition.empty", "data": _input(name)}
    return {"type": "helper.if", "condition": {"type": "condition.not", "condition": empty}, "then": view}


def _shown(interface: str) -> list[Json]:
    words = [_when_given(name, {"type": "view.text", "content": _input(name)}) for name in ("class", "prompt")]
    example = _when_given("template", {"type": "view.image", "label": "Example", "url": _input("template")})
    picture = _when_given("image", {"type": "view.image", "url": _input("image"), "fullHeight": True})
    return [*words, example, *([picture] if interface == "choice" else [])]


def _photo(_spec: Mapping[str, Any]) -> tuple[Json, list[Json]]:
    field = {
        "type": "field.media-file",
        "label": "Your photo",
        "accept": {"photo": True, "gallery": True, "fileSystem": True},
        "data": _output("photo"),
        "validation": {"type": "condition.required"},
    }
    return {"photo": {"type": "file", "required": True, "hidden": False}}, [field]


def _choice(spec: Mapping[str, Any]) -> tuple[Json, list[Json]]:
    options = [{"value": str(one["value"]), "label": str(one["label"])} for one in spec.get("options", [])]
    field = {
        "type": "field.button-radio-group",
        "options": options,
        "data": _output("answer"),
        "validation": {"type": "condition.required"},
    }
    values = [option["value"] for option in options]
    answer = {"type": "string", "required": True, "hidden": False, "allowed_values": values}
    return {"answer": answer}, [field]


def _boxes(spec: Mapping[str, Any]) -> tuple[Json, list[Json]]:
    names = [str(label["name"]) for label in spec.get("labels", [])]
    flags = [{"value": str(flag["value"]), "label": str(flag["label"])} for flag in spec.get("flags", [])]
    drawing: Json = {
        "type": "field.image-annotation",
        "image": _input("image"),
        "data": _output("result"),
        "shapes": {"rectangle": True},
        "labels": [{"label": name, "value": name} for name in names],
        "fullHeight": True,
    }
    outputs: Json = {"result": {"type": "json", "required": not flags, "hidden": False}}
    if not flags:
        return outputs, [{**drawing, "validation": {"type": "condition.required"}}]
    outputs["flags"] = {"type": "json", "required": False, "hidden": False}
    return outputs, [drawing, _flags(flags)]


def _flags(flags: Sequence[Json]) -> Json:
    either = [{"type": "condition.required", "data": _output(name)} for name in ("result", "flags")]
    return {
        "type": "field.checkbox-group",
        "options": list(flags),
        "data": _output("flags"),
        "validation": {"type": "condition.any", "conditions": either, "hint": "Draw a box, or say why there is none."},
    }


INTERFACES: Mapping[str, Callable[[Mapping[str, Any]], tuple[Json, list[Json]]]] = {
    "photo": _photo,
    "choice": _choice,
    "boxes": _boxes,
}
