"""Answers on their way between Toloka's output fields and our payloads."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]


def payload_of(values: Mapping[str, Any]) -> Json:
    """Return our payload of a task's output values; the fields tell which interface it was."""
    if "answer" in values:
        return {"answer": values["answer"]}
    if "photo" in values:
        return _file(values["photo"])
    if "result" in values or "flags" in values:
        return _annotation(values.get("result"), values.get("flags"))
    return dict(as_it_came(values))


def _annotation(result: Any, flags: Any) -> Json:
    """One broken answer must not stop a pull: it is handed on as it came, and refused where answers are checked."""
    try:
        return {"boxes": boxes_of(result), "flags": flags_of(flags)}
    except (AttributeError, KeyError, TypeError, ValueError):
        return {"boxes": as_it_came(result), "flags": flags_of(flags)}


def as_it_came(value: Any) -> Any:
    """Return plain JSON: exact decimals become the numbers they were."""
    return json.loads(json.dumps(value, default=float))


def output_values(answer: Mapping[str, Any]) -> Json:
    """Return a known answer as output values."""
    if "boxes" not in answer:
        return dict(answer)
    flags = list(answer.get("flags", []))
    result = [_rectangle(box) for box in answer["boxes"]]
    return {"result": result, **({"flags": dict.fromkeys(flags, True)} if flags else {})}


def _file(value: Any) -> Json:
    """A file field holds an attachment id, or a list of them: the first one counts."""
    ref = value[0] if isinstance(value, list) and value else value
    return {"file_ref": str(ref or ""), "name": str(ref or "")}


def boxes_of(result: Any) -> list[Json]:
    """Return boxes as fractions, from both shapes in use; what is no rectangle becomes the box around it.

    Raises an error of any kind for what is no drawing.
    """
    return [_box(one) for one in result or []]


def flags_of(value: Any) -> list[str]:
    """Ticks come as `{"no_hands": true}` or as a list."""
    if isinstance(value, Mapping):
        return [str(name) for name, ticked in value.items() if ticked]
    return [str(one) for one in value] if isinstance(value, list) else []


def _box(one: Mapping[str, Any]) -> Json:
    label = str(one.get("label", one.get("annotation", "")) or "")
    if isinstance(one.get("data"), Mapping):
        return _around(_corners(one["data"]), label)
    if "width" in one:
        return _made(one["left"], one["top"], one["width"], one["height"], label)
    points = one.get("points") or ([one] if "left" in one else [])
    return _around([(point["left"], point["top"]) for point in points], label)


def _corners(data: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """The classic component names its points p1, p2, or gives a list."""
    points = data.values() if not isinstance(data.get("points"), list) else data["points"]
    return [(point["x"], point["y"]) for point in points if isinstance(point, Mapping)]


def _around(points: Sequence[tuple[Any, Any]], label: str) -> Json:
    xs, ys = [float(x) for x, _ in points], [float(y) for _, y in points]
    return _made(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys), label)


def _made(x: Any, y: Any, w: Any, h: Any, label: str) -> Json:
    """Cut off what was drawn beyond the edge of the picture."""
    left, width = _inside(float(x), float(w))
    top, height = _inside(float(y), float(h))
    return {"x": left, "y": top, "w": width, "h": height, "label": label}


def _inside(start: float, length: float) -> tuple[float, float]:
    first = max(0.0, start)
    return first, min(length - (first - start), 1.0 - first)


def _rectangle(box: Mapping[str, Any]) -> Json:
    sides = {"left": box["x"], "top": box["y"], "width": box["w"], "height": box["h"]}
    return {"shape": "rectangle", **sides, "label": box["label"]}
