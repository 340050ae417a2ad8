"""What a valid answer looks like, per task interface."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from crowd.errors import BadAnswer
from crowd.fetching import AddressRefused, Limits
from crowd.fetching.links import read_link

MOST_BOXES = 200
COLLECTS = frozenset({"photo", "link"})  # interfaces by which people send something of their own
NOBODY: frozenset[str] = frozenset()
DIGEST = re.compile(r"[0-9a-f]{64}")


def check_payload(*, interface: str, spec: Mapping[str, Any], payload: Mapping[str, Any] | None) -> None:
    """Raise BadAnswer with one sentence when an answer does not fit its task."""
    if payload is None:
        raise BadAnswer("An answer is missing: every task of the page needs one.")
    if not isinstance(payload, Mapping):
        raise BadAnswer("An answer must be an object.")
    CHECKS[interface](spec, payload)


def inside_the_picture(payload: Any) -> Any:
    """Return an answer of another's page with its boxes cut at the picture's border.

    Where people may draw over the edge, many do; the part inside is what they saw. A box of which nothing lies
    inside stays as it is, and so does what is no box: `check_payload` refuses both.
    """
    if not isinstance(payload, Mapping) or not isinstance(payload.get("boxes"), list):
        return payload
    return {**payload, "boxes": [_cut(box) for box in payload["boxes"]]}


def _cut(box: Any) -> Any:
    try:
        x, y, w, h = (_side(0, box.get(side)) for side in ("x", "y", "w", "h"))
    except (AttributeError, BadAnswer):
        return box
    left, top, right, bottom = max(0.0, x), max(0.0, y), min(1.0, x + w), min(1.0, y + h)
    if left >= right or top >= bottom or (left, top, right, bottom) == (x, y, x + w, y + h):
        return box
    return {**box, "x": left, "y": top, "w": right - left, "h": bottom - top}


def _photo(_: Mapping[str, Any], payload: Mapping[str, Any]) -> None:
    file = payload.get("file")
    if not isinstance(file, Mapping) or not file.get("key") or not isinstance(file["key"], str):
        raise BadAnswer("A photo is missing: send the file first.")
    if not DIGEST.fullmatch(str(file.get("sha256", ""))) or not isinstance(file.get("bytes"), int):
        raise BadAnswer("A photo needs its SHA-256 in 64 hexadecimal letters and its size in bytes.")


def _link(_: Mapping[str, Any], payload: Mapping[str, Any]) -> None:
    """Look at the text alone; where it leads is found out later, when the file is fetched."""
    link = payload.get("link")
    if not isinstance(link, str) or not link:
        raise BadAnswer("A link is missing: put the file where anybody can open it, and send its address.")
    try:
        read_link(link, limits=Limits(), allow=NOBODY)
    except AddressRefused as error:
        raise BadAnswer(f"This link cannot be used. {error}") from None


def _choice(spec: Mapping[str, Any], payload: Mapping[str, Any]) -> None:
    known = [option["value"] for option in spec.get("options", [])]
    if payload.get("answer") not in known:
        raise BadAnswer(f"{payload.get('answer')!r} is not one of the answers {', '.join(known)}.")


def _boxes(spec: Mapping[str, Any], payload: Mapping[str, Any]) -> None:
    boxes, flags = payload.get("boxes"), payload.get("flags", [])
    if not isinstance(boxes, list) or not isinstance(flags, list):
        raise BadAnswer("Boxes and flags must be lists.")
    if len(boxes) > MOST_BOXES:
        raise BadAnswer(f"{len(boxes)} boxes are more than the {MOST_BOXES} allowed.")
    known_flags = {flag["value"] for flag in spec.get("flags", [])}
    if not set(map(str, flags)) <= known_flags:
        raise BadAnswer(f"Unknown flag; known are {', '.join(sorted(known_flags))}.")
    labels = {label["name"] for label in spec.get("labels", [])}
    for number, box in enumerate(boxes, start=1):
        _box(number, box, labels)
    if not boxes and not flags:
        raise BadAnswer("Draw a box around every hand, or mark that there is none.")


def _box(number: int, box: Any, labels: set[str]) -> None:
    if not isinstance(box, Mapping) or str(box.get("label")) not in labels:
        raise BadAnswer(f"Box {number} needs one of the labels {', '.join(sorted(labels))}.")
    x, y, w, h = (_side(number, box.get(side)) for side in ("x", "y", "w", "h"))
    slack = 1e-6
    if w <= 0 or h <= 0 or x < -slack or y < -slack or x + w > 1 + slack or y + h > 1 + slack:
        raise BadAnswer(f"Box {number} must lie inside the picture and have a size.")


def _side(number: int, value: Any) -> float:
    """Return a fraction. Infinity, no-numbers and whole numbers too long for a float all fail the comparison."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not -1 <= value <= 2:
        raise BadAnswer(f"Box {number} needs finite numbers x, y, w and h as fractions of the picture.")
    return float(value)


CHECKS: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], None]] = {
    "photo": _photo,
    "link": _link,
    "choice": _choice,
    "boxes": _boxes,
}
