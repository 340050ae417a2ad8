"""What a vendor needs besides the pictures: the brief for its people, the form as data, what an answer looks like."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

Json = dict[str, Any]
COLUMNS = {
    "file": "name of the picture or of the task, as in items/",
    "worker": "the person's number at the vendor, always the same for the same person",
    "answer": "see answer below; JSON in one cell",
    "start": "when the person began, 2026-11-20T10:00:00Z",
    "end": "when the person was done",
    "status": "done or skipped",
}


def files(batch: Mapping[str, Any], excluded: Sequence[str]) -> dict[str, bytes]:
    """Return the files of the methodology by name."""
    return {
        "methodology/brief.html": _brief(batch).encode(),
        "methodology/config.json": _json(_config(batch)),
        "methodology/specification.json": _json({"columns": COLUMNS, "answer": _answer(batch)}),
        "methodology/example.json": _json(_example(batch)),
        "excluded_workers.txt": "".join(f"{one}\n" for one in excluded).encode(),
    }


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def _brief(batch: Mapping[str, Any]) -> str:
    spec = batch["spec"]
    lines = "".join(f"<li>{escape(str(line))}</li>\n" for line in spec.get("instructions", []))
    kinds = spec.get("labels") or spec.get("options") or []
    names = "".join(f"<li>{escape(_name(one))}</li>\n" for one in kinds)
    title = escape(str(batch["title"]))
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title></head>\n<body>\n'
        f"<h1>{title}</h1>\n<ul>\n{lines}</ul>\n<h2>Answers</h2>\n<ul>\n{names}</ul>\n</body>\n</html>\n"
    )


def _name(one: Any) -> str:
    if not isinstance(one, Mapping):
        return str(one)
    return str(one.get("label") or one.get("name") or one.get("value") or "")


def _config(batch: Mapping[str, Any]) -> Json:
    spec = batch["spec"]
    shown = {name: spec[name] for name in ("options", "labels", "flags") if name in spec}
    return {"interface": batch["interface"], "answers_per_task": batch["overlap"], **shown}


def _answer(batch: Mapping[str, Any]) -> Json:
    if batch["interface"] == "choice":
        values = [option["value"] for option in batch["spec"].get("options", [])]
        return {"form": "one of the values", "values": values}
    return {
        "form": "a list of boxes; an empty list where there is nothing to box",
        "box": {"label": "a name from config.json", "x": "left", "y": "top", "w": "width", "h": "height"},
        "unit": "fractions of the picture from its top left corner, or all of them in pixels",
    }


def _example(batch: Mapping[str, Any]) -> Json:
    if batch["interface"] == "choice":
        value = next(iter(_answer(batch)["values"]), "")
        return {"file": "task-1.jpg", "worker": "17", "answer": value, "status": "done"}
    label = next((_name(one) for one in batch["spec"].get("labels", [])), "")
    box = {"label": label, "x": 0.1, "y": 0.2, "w": 0.3, "h": 0.4}
    return {"file": "task-1.jpg", "worker": "17", "answer": [box], "status": "done"}
