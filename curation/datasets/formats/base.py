"""What every format writes, and the small moves they share."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol

AttributeValue = str | int | float | bool | None


class BadRecord(ValueError):
    """A record that no format can hold; the sentence names the file and what is wrong."""


@dataclass(frozen=True, slots=True)
class LabelClass:
    """A class of the project; the index never changes, also when other classes are retired."""

    index: int
    name: str


@dataclass(frozen=True, slots=True)
class BoxRecord:
    """One box in pixels of the displayed picture, top-left origin; confidence 0..1 or unknown.

    `outline` are the corners of what was drawn inside it, where it was drawn corner by corner.
    """

    label: int
    x: float
    y: float
    width: float
    height: float
    confidence: float | None = None
    outline: tuple[tuple[float, float], ...] = ()

    @property
    def corners(self) -> tuple[tuple[float, float], ...]:
        """Return the four corners from the upper left one on, clockwise."""
        right, bottom = self.x + self.width, self.y + self.height
        return (self.x, self.y), (right, self.y), (right, bottom), (self.x, bottom)

    @property
    def polygons(self) -> list[list[float]]:
        """Return the outline as COCO writes it, [x, y, x, y, …]; nothing for a plain box."""
        return [[side for corner in self.outline for side in corner]] if self.outline else []

    @property
    def area(self) -> float:
        """Return the pixels inside: of the outline (shoelace formula), or of the box."""
        if not self.outline:
            return self.width * self.height
        turned = (*self.outline[1:], self.outline[0])
        return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(self.outline, turned, strict=True))) / 2


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One picture of a data set; without boxes it is a negative, and negatives are kept."""

    file_name: str
    width: int
    height: int
    boxes: tuple[BoxRecord, ...] = ()
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    split: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How much was written; the caller compares it with what was to be written."""

    images: int = 0
    boxes: int = 0
    negatives: int = 0

    def plus(self, record: ImageRecord) -> Counts:
        boxes = len(record.boxes)
        return Counts(self.images + 1, self.boxes + boxes, self.negatives + (boxes == 0))


OpenImage = Callable[[ImageRecord], bytes | None]  # None = this export leaves the picture out


@dataclass(frozen=True, slots=True)
class Card:
    """What its makers say of a data set; empty = nothing was written."""

    title: str = ""
    description: str = ""
    licence: str = ""
    intended_use: str = ""
    limits: str = ""
    consent: str = ""
    citation: str = ""
    homepage: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """What an export is of, for formats that say so: no format looks at a clock or knows where pictures will lie."""

    name: str = ""
    created: str = ""  # ISO 8601 in UTC, whole seconds
    label: str = "labels"  # key of the annotations, in formats where it is free
    source: str = "images/"  # what stands before a picture's name, such as s3://bucket/folder/
    version: str = "1.0"
    card: Card = Card()
    facts: tuple[tuple[str, str], ...] = ()  # figures of the data set with their names, for formats with a card


class Writer(Protocol):
    """A format that can be written from a stream of records in constant memory. It is made with an `About`."""

    def write(
        self, out: Path, classes: Sequence[LabelClass], records: Iterator[ImageRecord], open_image: OpenImage | None
    ) -> Counts:
        """Write the whole data set into the folder `out`, with the pictures if `open_image` gives them."""
        ...


@contextmanager
def fresh_folder(out: Path) -> Iterator[Path]:
    """Give a folder to write into that becomes `out` only when everything is written."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"{out} is not empty; name a new folder for the export")
    part = out.with_name(out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        if out.exists():
            out.rmdir()
        part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def checked(record: ImageRecord, classes: Mapping[int, LabelClass]) -> ImageRecord:
    """Return the record if it can be written as it is; raise BadRecord otherwise."""
    _check_name(record.file_name)
    if record.width < 1 or record.height < 1:
        raise BadRecord(f"{record.file_name}: a picture of {record.width}x{record.height} pixels cannot be")
    for box in record.boxes:
        _check_box(record, box, classes)
    return record


def _check_name(name: str) -> None:
    parts = PurePosixPath(name).parts
    if not name or name.startswith("/") or ".." in parts or any(sign in name for sign in "\\\0:\n\r"):
        raise BadRecord(f"{name!r} is not a file name inside the export")


def _check_box(record: ImageRecord, box: BoxRecord, classes: Mapping[int, LabelClass]) -> None:
    sides = (box.x, box.y, box.width, box.height)
    if box.label not in classes:
        raise BadRecord(f"{record.file_name}: a box has class {box.label}, which the data set does not list")
    if not all(map(math.isfinite, sides)) or box.width <= 0 or box.height <= 0:
        raise BadRecord(f"{record.file_name}: a box of {sides} is not a box")
    slack = 0.5  # answers are rounded to pixels now and then
    inside = box.x >= -slack and box.y >= -slack
    if not inside or box.x + box.width > record.width + slack or box.y + box.height > record.height + slack:
        raise BadRecord(f"{record.file_name}: the box {sides} leaves the picture of {record.width}x{record.height}")


def store_image(folder: Path, record: ImageRecord, open_image: OpenImage) -> None:
    """Write one picture under its name; two records of one name are an error, never an overwrite."""
    target = folder / record.file_name
    target.parent.mkdir(parents=True, exist_ok=True)
    data = open_image(record)
    if data is None:
        return
    try:
        with target.open("xb") as file:
            file.write(data)
    except FileExistsError as error:
        raise BadRecord(f"{record.file_name} occurs twice in the data set") from error


def store_text(path: Path, record: ImageRecord, text: str) -> None:
    """Write the file that goes with one picture; two records of one name are an error, never an overwrite."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise BadRecord(f"{record.file_name} occurs twice in the data set") from error
