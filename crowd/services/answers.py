"""What a valid answer looks like, per task interface."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.utils.translation import gettext

from crowd.authored import told
from crowd.errors import BadAnswer
from crowd.fetching import AddressRefused, Limits
from crowd.fetching.links import read_link

MOST_BOXES = 200
MOST_CHARACTERS = 1000
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
        raise BadAnswer(gettext("This link cannot be used. %(why)s") % {"why": told(str(error))}) from None


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
    slack = 1e-6
    if w <= 0 or h <= 0 or x < -slack or y < -slack or x + w > 1 + slack or y + h > 1 + slack:
        raise BadAnswer(gettext("Box %(n)s must lie inside the picture and have a size.") % {"n": number})


def _side(number: int, value: Any) -> float:
    """Return a fraction. Infinity, no-numbers and whole numbers too long for a float all fail the comparison."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not -1 <= value <= 2:
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
}
