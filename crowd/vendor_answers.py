"""Answers as vendors send them in one cell: a choice, or boxes in one of the shapes that are about.

Pure. Nothing is guessed that could be paid for: what cannot be read is a BadCell with one sentence.
"""

import ast
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from crowd.vendor_tables import MOST_CHARACTERS, BadCell, no_constant

DEEP = 40


def choice_of(cell: Any) -> dict[str, Any]:
    """Return the payload of a choice: the value itself, or JSON that holds it."""
    value = _value(cell)
    if isinstance(value, Mapping):
        value = value.get("answer")
    if isinstance(value, bool) or not isinstance(value, str | int) or str(value).strip() == "":
        raise BadCell("the answer is empty or is not a single value")
    return {"answer": str(value).strip()}


def boxes_of(cell: Any, *, size: tuple[int, int] | None = None, flags: Sequence[str] = ()) -> dict[str, Any]:
    """Return the payload of boxes as fractions of the picture.

    A number above 2 says that all of them are pixels of a picture of `size`: a fraction that sticks out stays wrong.
    An empty list means the only flag there is.
    """
    value = _value(cell)
    raised = value.get("flags", []) if isinstance(value, Mapping) else []
    found = value.get("boxes") if isinstance(value, Mapping) else value
    if not isinstance(found, list) or not isinstance(raised, list):
        raise BadCell("the answer is not a list of boxes")
    boxes = [_box(number, one) for number, one in enumerate(found, start=1)]
    if any(box[side] > 2 for box in boxes for side in "xywh"):
        boxes = [_fractions(box, size) for box in boxes]
    if not boxes and not raised and len(flags) == 1:
        raised = list(flags)
    return {"boxes": boxes, "flags": [str(flag) for flag in raised]}


def _value(cell: Any) -> Any:
    """Return what a cell holds: JSON, or a Python literal as some exports have it, or the text."""
    if not isinstance(cell, str):
        return cell
    text = cell.strip()
    if len(text) > MOST_CHARACTERS:
        raise BadCell(f"the answer has {len(text):,} characters; {MOST_CHARACTERS:,} are allowed")
    if not text.startswith(("[", "{", '"', "'")):
        return text
    if _depth(text) > DEEP:
        raise BadCell("the answer is nested too deep")
    try:
        return json.loads(text, parse_constant=no_constant)
    except ValueError:
        pass
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise BadCell("the answer is neither JSON nor a Python literal") from None


def _depth(text: str) -> int:
    deepest = depth = 0
    for sign in text:
        depth += (sign in "[{(") - (sign in "]})")
        deepest = max(deepest, depth)
    return deepest


def _box(number: int, value: Any) -> dict[str, Any]:
    """Read one box: ours, of the template builder, or of the older component with two corners."""
    if not isinstance(value, Mapping):
        raise BadCell(f"box {number} is not an object")
    label = value.get("label") or value.get("annotation")
    data = value.get("data")
    if isinstance(data, Mapping) and isinstance(data.get("p1"), Mapping) and isinstance(data.get("p2"), Mapping):
        sides = _between(number, data["p1"], data["p2"])
    elif "left" in value:
        sides = _numbers(number, (value.get(side) for side in ("left", "top", "width", "height")))
    else:
        sides = _numbers(number, (value.get(side) for side in ("x", "y", "w", "h")))
    if value.get("shape", value.get("type", "rectangle")) not in {"rectangle", "box"}:
        raise BadCell(f"box {number} is a {value.get('shape', value.get('type'))}, not a rectangle")
    if not isinstance(label, str) or not label.strip():
        raise BadCell(f"box {number} has no label")
    return {"label": label.strip(), **dict(zip("xywh", sides, strict=True))}


def _between(number: int, one: Mapping[str, Any], other: Mapping[str, Any]) -> list[float]:
    ax, ay, bx, by = _numbers(number, (one.get("x"), one.get("y"), other.get("x"), other.get("y")))
    return [min(ax, bx), min(ay, by), abs(ax - bx), abs(ay - by)]


def _numbers(number: int, values: Iterable[Any]) -> list[float]:
    found = []
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float) or not -1e6 <= value <= 1e6:
            raise BadCell(f"box {number} needs four numbers")
        found.append(float(value))
    return found


def _fractions(box: dict[str, Any], size: tuple[int, int] | None) -> dict[str, Any]:
    if size is None:
        raise BadCell("the boxes are in pixels and the size of the picture is not known")
    width, height = size
    sides = {"x": box["x"] / width, "y": box["y"] / height, "w": box["w"] / width, "h": box["h"] / height}
    return {"label": box["label"], **sides}
