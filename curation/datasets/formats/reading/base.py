"""What every reader gives, and the checks they share."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, Protocol, TypeVar
from xml.etree.ElementTree import ParseError

import ijson
import yaml
from defusedxml import DefusedXmlException  # type: ignore[import-untyped]  # it ships no types

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".heic", ".avif"})
MOST_BOXES = 10_000
MOST_CORNERS = 500  # as many as an outline drawn by people may have
BESIDE = 2.0  # pixels that a corner may lie outside of its box
SLACK = 0.5  # pixels that a box may stick out, as rounding does
RELATIVE_SLACK = 0.002
NUMBERS = (int, float)  # made once: it is asked for every side of every box
UNNAMEABLE = re.compile("[\0\ud800-\udfff]")  # neither a file nor a row may have such a name
BROKEN = (UnicodeError, csv.Error, ijson.JSONError, ParseError, DefusedXmlException, yaml.YAMLError, RecursionError)


@dataclass(frozen=True, slots=True)
class NamedBox:
    """A box in pixels, or in fractions where its `Boxes` are relative; top-left origin; the class by its name."""

    name: str
    x: float
    y: float
    width: float
    height: float
    confidence: float | None = None
    outline: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Boxes:
    """All boxes of a picture; none = somebody looked and found nothing. Relative ones lie in a picture of 1 x 1."""

    label: str
    width: int
    height: int
    boxes: tuple[NamedBox, ...]
    is_adjusted: bool = False
    is_relative: bool = False

    @classmethod
    def relative(cls, label: str, boxes: Sequence[NamedBox]) -> Boxes:
        """Return boxes in fractions of a picture whose size the format does not say."""
        return cls(label, 1, 1, tuple(boxes), is_relative=True)


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
class LabelledPicture:
    """One picture. What was not labelled is None; keys that mean nothing to us are kept in `extra`.

    `number` counts lines or entries from 1; `path` is the file where the reader knows the layout, else it is looked
    for beside the document. Raises ValueError where no file may have such a name.
    """

    number: int
    source: str
    boxes: Boxes | None = None
    picture_class: PictureClass | None = None
    verdict: Verdict | None = None
    licence: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    path: Path | None = None

    def __post_init__(self) -> None:
        if UNNAMEABLE.search(self.source):
            raise ValueError("its name holds a NUL character or half a letter")


@dataclass(frozen=True, slots=True)
class BadEntry:
    number: int
    sentence: str


Entry = LabelledPicture | BadEntry


class BadDocument(ValueError):
    """A document that is not of its format as a whole; the sentence names the file and what is expected."""


class Reader(Protocol):
    """A format that can be read; `expects` says in words what is looked for."""

    expects: str

    def documents(self, path: Path) -> list[Path]:
        """Return the documents of a file or folder, sorted; none if there is nothing of this format."""
        ...

    def read(self, document: Path) -> Iterator[Entry]:
        """Yield its pictures in order. Raises BadDocument."""
        ...


_R = TypeVar("_R", bound=Reader)


def to_its_end(read: Callable[[_R, Path], Iterator[Entry]]) -> Callable[[_R, Path], Iterator[Entry]]:
    """Make a reader say in one sentence that a document breaks off or is of another kind. Raises BadDocument."""

    @wraps(read)
    def reading(self: _R, document: Path) -> Iterator[Entry]:
        try:
            yield from read(self, document)
        except BROKEN as error:
            raise BadDocument(f"{document.name} cannot be read to its end: {error}.") from None

    return reading


def bad(number: int, what: object, entry: str = "line") -> BadEntry:
    return BadEntry(number, f"{entry} {number} is not taken: {what}")


def named_box(
    name: object,
    sides: Sequence[object],
    size: tuple[float, float],
    *,
    confidence: object = None,
    slack: float = SLACK,
    called: Sequence[str] = ("x", "y", "width", "height"),
) -> NamedBox:
    """Return a box (x, y, width, height) that lies in a picture of that size. Raises ValueError."""
    if not isinstance(name, str) or not name.strip():
        raise ValueError("a box has no class")
    x, y, width, height = (number(side, what) for side, what in zip(sides, called, strict=True))
    fits = x >= -slack and y >= -slack and x + width <= size[0] + slack and y + height <= size[1] + slack
    if width <= 0 or height <= 0 or not fits:
        raise ValueError(
            f"the box {x:g}, {y:g}, {width:g}, {height:g} does not lie in a picture of {size[0]:g}x{size[1]:g}"
        )
    return NamedBox(name.strip(), x, y, width, height, share(confidence, "confidence"))


def outlined(box: NamedBox, corners: Iterable[tuple[float, float]], *, beside: float = BESIDE) -> NamedBox:
    """Return the box with an outline that lies in it; one that lies elsewhere is none of it."""
    right, bottom = box.x + box.width + beside, box.y + box.height + beside
    outline = tuple((x, y) for x, y in corners)
    fits = all(box.x - beside <= x <= right and box.y - beside <= y <= bottom for x, y in outline)
    return replace(box, outline=outline) if fits else box


def with_corners(box: NamedBox, points: object, *, beside: float = BESIDE) -> NamedBox:
    """Return the box with the outline that a table's `points` are; what is none costs the corners, not the box."""
    if not isinstance(points, list) or not 3 <= len(points) <= MOST_CORNERS:
        return box
    try:
        corners = [(number(x, "a corner"), number(y, "a corner")) for x, y in points]
    except (TypeError, ValueError):
        return box
    return outlined(box, corners, beside=beside)


def polygon(box: NamedBox, segmentation: object) -> NamedBox:
    """Return the box with its outline as COCO writes one, [[x, y, x, y, …]]; several pieces are known by the box."""
    if not isinstance(segmentation, list) or len(segmentation) != 1 or not isinstance(segmentation[0], list):
        return box
    (sides,) = segmentation
    return box if len(sides) % 2 else with_corners(box, [*zip(sides[0::2], sides[1::2], strict=True)])


def relative_box(name: object, sides: Sequence[object], *, confidence: object = None) -> NamedBox:
    """Return a box in fractions of its picture. Raises ValueError."""
    return named_box(name, sides, (1.0, 1.0), confidence=confidence, slack=RELATIVE_SLACK)


def share(value: object, what: str) -> float | None:
    """Return a number from 0 to 1; None and an empty text are unknown. Raises ValueError."""
    if value is None or value == "":
        return None
    found = number(value, what)
    if not 0 <= found <= 1:
        raise ValueError(f"a {what} of {found:g} is not between 0 and 1")
    return found


def number(value: object, what: str) -> float:
    """Return a finite number; whole numbers too long for a float are refused. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, NUMBERS) or not -1e9 <= value <= 1e9:
        raise ValueError(f"{what} is {str(value)[:40]!r}, not a number")
    return float(value)


def in_text(text: str | None, what: str) -> float:
    """Return the number a text says. Raises ValueError."""
    try:
        return number(float(text or ""), what)
    except ValueError:
        raise ValueError(f"{what} is {str(text)[:40]!r}, not a number") from None


def pixels(value: object, what: str) -> int:
    """Return whole pixels from 1. Raises ValueError."""
    found = number(value, what)
    if found < 1 or not found.is_integer():
        raise ValueError(f"the {what} is {found:g}; whole pixels from 1 are expected")
    return int(found)


def bounded(boxes: Sequence[NamedBox]) -> tuple[NamedBox, ...]:
    if len(boxes) > MOST_BOXES:
        raise ValueError(f"it has {len(boxes)} boxes, more than the {MOST_BOXES} allowed")
    return tuple(boxes)


def picture_in(root: Path, name: str, folders: Sequence[str]) -> Path | None:
    """Return the file of that name in the first of the folders below `root` that has it; never one outside."""
    if not name or "\0" in name:
        return None
    place, wanted = _resolved(str(root)), name.replace("\\", "/")
    last = wanted.rstrip("/").rpartition("/")[2]
    for tail in (last,) if last == wanted or "://" in wanted else (wanted, last):
        for folder in folders:
            found = f"{place}/{folder}/{tail}"
            if os.access(found, os.F_OK):
                path = Path(found).resolve()
                if path.is_relative_to(place) and path.is_file():
                    return path
    return None


@lru_cache(maxsize=16)
def _resolved(root: str) -> Path:
    return Path(root).resolve()


class Once:
    """Remembers the pictures of a document, for formats that tell one by several rows."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def require(self, name: str, otherwise: str) -> None:
        """Raise ValueError for a picture that was there before."""
        if name in self._seen:
            raise ValueError(f"{name} {otherwise}")
        self._seen.add(name)
