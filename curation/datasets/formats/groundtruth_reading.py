"""Reads Ground Truth manifests, ours and other people's: a line that is wrong is named by its number, the rest goes on.

Names of label attributes are free; what a line holds is told by the `type` in its metadata.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .groundtruth import CLASSIFICATION, DETECTION, VERIFICATION

MAX_LINE = 5_000_000
MOST_BOXES = 10_000
SLACK = 0.5  # a box may stick out by what rounding to pixels does
METADATA = "-metadata"


@dataclass(frozen=True, slots=True)
class NamedBox:
    """A box in pixels, top-left origin; the class by its name in the line's own map."""

    name: str
    x: float
    y: float
    width: float
    height: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Boxes:
    """All boxes of a picture; none = somebody looked and found nothing."""

    label: str
    width: int
    height: int
    boxes: tuple[NamedBox, ...]
    is_adjusted: bool = False


@dataclass(frozen=True, slots=True)
class PictureClass:
    label: str
    name: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a person said of the labels, in the words of our review: accept or reject."""

    label: str
    verdict: str
    comments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ManifestLine:
    """One picture. What was not labelled is None; keys that mean nothing to us are kept in `extra`."""

    number: int
    source: str
    boxes: Boxes | None = None
    picture_class: PictureClass | None = None
    verdict: Verdict | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BadLine:
    number: int
    sentence: str


def read_manifest(path: Path, *, label: str | None = None) -> Iterator[ManifestLine | BadLine]:
    """Yield the lines of a manifest. `label` chooses the boxes where a line has several."""
    with path.open("rb") as lines:
        number = 0
        while line := lines.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                yield _bad(number, f"it is longer than {MAX_LINE} bytes; the manifest is read no further")
                return
            if line.strip():
                yield read_line(number, line, label=label)


def read_line(number: int, line: bytes, *, label: str | None = None) -> ManifestLine | BadLine:
    try:
        return _line(number, _object(line), label)
    except (ValueError, RecursionError) as error:
        return _bad(number, str(error))


def _bad(number: int, what: str) -> BadLine:
    return BadLine(number, f"line {number} is not taken: {what}")


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line.decode("utf-8-sig"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError("it is not JSON in UTF-8") from error
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004  all faults of a line are ValueError
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number JSON knows")


def _line(number: int, value: dict[str, Any], label: str | None) -> ManifestLine:
    source = value.pop("source-ref", None)
    if not isinstance(source, str) or not source or "\0" in source:
        raise ValueError('it has no "source-ref" with the address of a picture')
    found = _by_type(value)
    boxes = _chosen(found.get(DETECTION, []), label, "boxes")
    picture_class = _chosen(found.get(CLASSIFICATION, []), None, "classes")
    verdict = _chosen(found.get(VERIFICATION, []), None, "verdicts")
    taken = [name for name in (boxes, picture_class, verdict) if name is not None]
    return ManifestLine(
        number,
        source,
        _boxes(boxes, value) if boxes else None,
        _picture_class(picture_class, value) if picture_class else None,
        _verdict(verdict, value) if verdict else None,
        {key: one for key, one in value.items() if key.removesuffix(METADATA) not in taken},
    )


def _by_type(value: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the label attributes of a line by what they are; one that failed has metadata only and is left out."""
    found: dict[str, list[str]] = {}
    for key, metadata in value.items():
        name = key.removesuffix(METADATA)
        if name != key and name in value and isinstance(metadata, dict):
            found.setdefault(str(metadata.get("type")), []).append(name)
    return found


def _chosen(names: list[str], wanted: str | None, what: str) -> str | None:
    if wanted is not None:
        return wanted if wanted in names else None
    if len(names) > 1:
        raise ValueError(f"it has several {what}: {', '.join(sorted(names))}; say which of them to read")
    return names[0] if names else None


def _boxes(label: str, value: Mapping[str, Any]) -> Boxes:
    body, metadata = _mapping(value[label], label), value[label + METADATA]
    sizes, annotations = _list(body, "image_size", label), _list(body, "annotations", label)
    size = _mapping(sizes[0] if sizes else None, f"{label}.image_size")
    width, height = _whole(size, "width", label), _whole(size, "height", label)
    objects = _list(metadata, "objects", label + METADATA)
    if len(objects) != len(annotations):
        raise ValueError(f"{label} has {len(annotations)} boxes but its metadata speaks of {len(objects)}")
    if len(annotations) > MOST_BOXES:
        raise ValueError(f"{label} has {len(annotations)} boxes, more than the {MOST_BOXES} allowed")
    names = _mapping(metadata.get("class-map", {}), "class-map")
    found = (_box(one, about, names, (width, height)) for one, about in zip(annotations, objects, strict=True))
    return Boxes(label, width, height, tuple(found), metadata.get("adjustment-status") == "adjusted")


def _box(value: Any, about: Any, names: Mapping[str, Any], size: tuple[int, int]) -> NamedBox:
    box = _mapping(value, "a box")
    name = names.get(str(box.get("class_id")))
    if not isinstance(name, str) or not name:
        raise ValueError(f"a box has class_id {box.get('class_id')!r}, which the class-map does not list")
    x, y, width, height = (_number(box.get(side), side) for side in ("left", "top", "width", "height"))
    fits = x + width <= size[0] + SLACK and y + height <= size[1] + SLACK
    if width <= 0 or height <= 0 or x < -SLACK or y < -SLACK or not fits:
        raise ValueError(
            f"the box {x:g}, {y:g}, {width:g}, {height:g} does not lie in a picture of {size[0]}x{size[1]}"
        )
    return NamedBox(name, x, y, width, height, _confidence(_mapping(about, "an entry of objects")))


def _picture_class(label: str, value: Mapping[str, Any]) -> PictureClass:
    metadata = value[label + METADATA]
    name = metadata.get("class-name")
    if not isinstance(name, str) or not name:
        raise ValueError(f"{label}{METADATA} has no class-name")
    return PictureClass(label, name, _confidence(metadata))


def _verdict(label: str, value: Mapping[str, Any]) -> Verdict:
    metadata = value[label + METADATA]
    words = {"good": "accept", "bad": "reject"}
    said = metadata.get("class-name")
    if said not in words:
        raise ValueError(f"{label}{METADATA} has the class-name {said!r}; good and bad are known")
    feedback = metadata.get("worker-feedback", [])
    told = feedback if isinstance(feedback, list) else []
    comments = (one.get("comment") for one in told if isinstance(one, dict))
    return Verdict(label, words[said], tuple(str(text) for text in comments if text))


def _confidence(value: Mapping[str, Any]) -> float | None:
    if "confidence" not in value:
        return None
    number = _number(value["confidence"], "confidence")
    if not 0 <= number <= 1:
        raise ValueError(f"a confidence of {number:g} is not between 0 and 1")
    return number


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is not an object")  # noqa: TRY004  all faults of a line are ValueError
    return value


def _list(value: Mapping[str, Any], name: str, where: str) -> list[Any]:
    found = value.get(name)
    if not isinstance(found, list):
        raise ValueError(f'{where} has no list "{name}"')  # noqa: TRY004  all faults of a line are ValueError
    return found


def _whole(value: Mapping[str, Any], name: str, where: str) -> int:
    number = _number(value.get(name), f"{where} {name}")
    if number < 1 or not number.is_integer():
        raise ValueError(f"{where} has the {name} {number:g}; whole pixels from 1 are expected")
    return int(number)


def _number(value: Any, what: str) -> float:
    """Return a finite number; whole numbers too long for a float fail the comparison."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e9 <= value <= 1e9 or math.isnan(value):
        raise ValueError(f"{what} is {str(value)[:40]!r}, not a number")
    return float(value)
