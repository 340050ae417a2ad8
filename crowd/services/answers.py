"""What a valid answer looks like, per task interface."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext

from crowd.errors import BadAnswer
from crowd.fetching import AddressRefused, Limits
from crowd.fetching.links import read_link

MOST_BOXES = 200
MOST_CHARACTERS = 1000
MOST_CORNERS = 500
LEAST_AREA = 1e-9  # of the picture; less is rounding
AND = "+"  # between the values of an answer that may have several
COLLECTS = frozenset({"photo", "link"})  # interfaces by which people send something of their own
NOBODY: frozenset[str] = frozenset()
DIGEST = re.compile(r"[0-9a-f]{64}")


def check_payload(*, interface: str, spec: Mapping[str, Any], payload: Mapping[str, Any] | None) -> None:
    """Raise BadAnswer with one sentence when an answer does not fit its task."""
    if payload is None:
        raise BadAnswer(gettext("An answer is missing: every task of the page needs one."))
    if not isinstance(payload, Mapping):
        raise BadAnswer(gettext("An answer must be an object."))
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
        raise BadAnswer(gettext("A photo is missing: send the file first."))
    if not DIGEST.fullmatch(str(file.get("sha256", ""))) or not isinstance(file.get("bytes"), int):
        raise BadAnswer(gettext("A photo needs its SHA-256 in 64 hexadecimal letters and its size in bytes."))


def _link(_: Mapping[str, Any], payload: Mapping[str, Any]) -> None:
    """Look at the text alone; where it leads is found out later, when the file is fetched."""
    link = payload.get("link")
    if not isinstance(link, str) or not link:
        raise BadAnswer(gettext("A link is missing: put the file where anybody can open it, and send its address."))
    try:
        read_link(link, limits=Limits(), allow=NOBODY)
    except AddressRefused as error:
        why = gettext(error.sentence) % error.parts
        raise BadAnswer(gettext("This link cannot be used. %(why)s") % {"why": why}) from None


def several(chosen: Iterable[str], spec: Mapping[str, Any]) -> str:
    """Return several chosen values as one answer, in the order of the options: the same set is the same word."""
    wanted = set(chosen)
    known = [str(option["value"]) for option in spec.get("options", [])]
    return AND.join([value for value in known if value in wanted] + sorted(wanted - set(known)))


def _choice(spec: Mapping[str, Any], payload: Mapping[str, Any]) -> None:
    """One of the options; where several may be chosen, one or more of them as `several` writes them."""
    known = [option["value"] for option in spec.get("options", [])]
    answer = payload.get("answer")
    if spec.get("multiple") and isinstance(answer, str) and answer:
        fits = set(answer.split(AND)) <= set(known) and answer == several(answer.split(AND), spec)
    else:
        fits = answer in known
    if not fits:
        told = {"answer": repr(payload.get("answer")), "known": ", ".join(known)}
        raise BadAnswer(gettext("%(answer)s is not one of the answers %(known)s.") % told)


def _text(spec: Mapping[str, Any], payload: Mapping[str, Any]) -> None:
    text, most = payload.get("text"), int(spec.get("most_characters", MOST_CHARACTERS))
    if not isinstance(text, str) or not text.strip():
        raise BadAnswer(gettext("Please write an answer first."))
    if len(text) > most or "\x00" in text:
        raise BadAnswer(
            gettext("The answer has %(n)s characters; %(most)s are allowed.") % {"n": len(text), "most": most}
        )


def _boxes(spec: Mapping[str, Any], payload: Mapping[str, Any]) -> None:
    boxes, flags = payload.get("boxes"), payload.get("flags", [])
    if not isinstance(boxes, list) or not isinstance(flags, list):
        raise BadAnswer(gettext("Boxes and flags must be lists."))
    if len(boxes) > MOST_BOXES:
        raise BadAnswer(
            gettext("%(n)s boxes are more than the %(most)s allowed.") % {"n": len(boxes), "most": MOST_BOXES}
        )
    known_flags = {flag["value"] for flag in spec.get("flags", [])}
    if not set(map(str, flags)) <= known_flags:
        raise BadAnswer(gettext("Unknown flag; known are %(known)s.") % {"known": ", ".join(sorted(known_flags))})
    labels = {label["name"] for label in spec.get("labels", [])}
    for number, box in enumerate(boxes, start=1):
        _box(number, box, labels)
    if not boxes and not flags:
        raise BadAnswer(gettext("Draw a box around every hand, or mark that there is none."))


def _box(number: int, box: Any, labels: set[str]) -> None:
    if not isinstance(box, Mapping) or str(box.get("label")) not in labels:
        told = {"n": number, "labels": ", ".join(sorted(labels))}
        raise BadAnswer(gettext("Box %(n)s needs one of the labels %(labels)s.") % told)
    x, y, w, h = (_side(number, box.get(side)) for side in ("x", "y", "w", "h"))
    if w <= 0 or h <= 0 or _is_outside(x, y, w, h):
        raise BadAnswer(gettext("Box %(n)s must lie inside the picture and have a size.") % {"n": number})


def _outlines(spec: Mapping[str, Any], payload: Mapping[str, Any]) -> None:
    """Outlines are boxes in all but their corners: as many, with the same labels, or a flag instead."""
    outlines = payload.get("outlines")
    if not isinstance(outlines, list):
        raise BadAnswer(gettext("Outlines and flags must be lists."))
    if not outlines and payload.get("flags") == []:
        raise BadAnswer(gettext("Outline what is asked for, or mark that there is none."))
    labels = {label["name"] for label in spec.get("labels", [])}
    boxes = [outlined(number, one, labels) for number, one in enumerate(outlines[: MOST_BOXES + 1], start=1)]
    _boxes(spec, {"boxes": boxes, "flags": payload.get("flags", [])})


def outlined(number: int, outline: Any, labels: set[str]) -> dict[str, Any]:
    """Return the box around an outline; BadAnswer says in words of outlines what is wrong with it."""
    box = _around(number, outline)
    _check_outline(number, box, outline["points"], labels)
    return box


def _check_outline(number: int, box: Mapping[str, Any], points: Sequence[Sequence[float]], labels: set[str]) -> None:
    if str(box["label"]) not in labels:
        told = {"n": number, "labels": ", ".join(sorted(labels))}
        raise BadAnswer(gettext("Outline %(n)s needs one of the labels %(labels)s.") % told)
    if _is_outside(box["x"], box["y"], box["w"], box["h"]):
        raise BadAnswer(gettext("Outline %(n)s must lie inside the picture.") % {"n": number})
    turned = [*points[1:], points[0]]
    area = abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(points, turned, strict=True))) / 2
    if area < LEAST_AREA:
        raise BadAnswer(
            gettext("Outline %(n)s has nothing inside: its corners lie on a line, or it crosses itself.")
            % {"n": number}
        )


def _is_outside(x: float, y: float, w: float, h: float) -> bool:
    slack = 1e-6
    return x < -slack or y < -slack or x + w > 1 + slack or y + h > 1 + slack


def drawn_boxes(payload: Mapping[str, Any]) -> list[Any]:
    """Return the boxes of a checked answer: those that were drawn, or those around its outlines."""
    outlines = payload.get("outlines") or []
    return [_around(number, one) for number, one in enumerate(outlines, start=1)] or payload.get("boxes") or []


def _around(number: int, outline: Any) -> dict[str, Any]:
    """Return the box around an outline whose corners can be read."""
    points = outline.get("points") if isinstance(outline, Mapping) else None
    if not isinstance(points, list) or not 3 <= len(points) <= MOST_CORNERS:
        told = {"n": number, "most": MOST_CORNERS}
        raise BadAnswer(gettext("Outline %(n)s needs 3 to %(most)s corners.") % told)
    if not all(isinstance(point, list) and len(point) == 2 for point in points):
        raise BadAnswer(gettext("A corner of outline %(n)s is not a pair of numbers.") % {"n": number})
    if not all(_is_near(value) for point in points for value in point):
        sentence = gettext("A corner of outline %(n)s needs finite numbers as fractions of the picture.")
        raise BadAnswer(sentence % {"n": number})
    xs, ys = ([float(point[axis]) for point in points] for axis in (0, 1))
    return {"label": outline.get("label"), "x": min(xs), "y": min(ys), "w": max(xs) - min(xs), "h": max(ys) - min(ys)}


def _is_near(value: Any) -> bool:
    """Say whether a fraction can be read. Infinity, no-numbers and numbers too long for a float fail the comparison."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -1 <= value <= 2


def _side(number: int, value: Any) -> float:
    if not _is_near(value):
        sentence = gettext("Box %(n)s needs finite numbers x, y, w and h as fractions of the picture.")
        raise BadAnswer(sentence % {"n": number})
    return float(value)


CHECKS: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], None]] = {
    "photo": _photo,
    "link": _link,
    "choice": _choice,
    "pair": _choice,
    "text": _text,
    "boxes": _boxes,
    "outlines": _outlines,
}
