"""Reads plain tables, as our own exports write them: CSV with a row for each box, JSON Lines with a line a picture."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from .base import (
    BESIDE,
    RELATIVE_SLACK,
    BadDocument,
    Boxes,
    Entry,
    LabelledPicture,
    NamedBox,
    Once,
    PictureClass,
    bad,
    bounded,
    in_text,
    named_box,
    picture_in,
    pixels,
    relative_box,
    to_its_end,
    with_corners,
)
from .documents import json_object, json_or_none, listed, mapping

SIDES = ("x", "y", "width", "height")
FOLDERS = ("", "images")
MAX_LINE = 5_000_000


class CsvReader:
    """Columns `image` and `label` or `class`; a box has `x`, `y`, `width`, `height`.

    They are pixels where `image_width` and `image_height` are given, fractions of the picture without. Rows of one
    picture follow each other.
    """

    expects = "a CSV file with the column image, or a folder with one"

    def documents(self, path: Path) -> list[Path]:
        """Return the file, or the CSV files of a folder."""
        return [path] if path.is_file() else sorted(path.glob("*.csv"))

    @to_its_end
    def read(self, document: Path) -> Iterator[Entry]:
        """Yield the pictures in the order of their first rows."""
        with document.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if "image" not in (rows.fieldnames or []):
                raise BadDocument(f"{document.name} has no column `image`.")
            once = Once()
            numbered = enumerate(rows, start=2)
            for name, group in groupby(numbered, key=lambda pair: pair[1]["image"] or ""):
                lines = list(group)
                try:
                    once.require(name, "stands in rows that do not follow each other")
                    yield _of_rows(lines[0][0], name, [row for _, row in lines], document.parent)
                except ValueError as error:
                    yield bad(lines[0][0], error)


def _of_rows(number: int, name: str, rows: list[dict[str, str]], folder: Path) -> LabelledPicture:
    if not name:
        raise ValueError("it names no picture")
    first = rows[0]
    size = _size(first.get("image_width"), first.get("image_height"))
    marked = [row for row in rows if row.get("label") and row.get("x")]
    boxes = [_row_box(row, size) for row in marked]
    has_boxes = "label" in first and "x" in first
    label = first.get("class") or ("" if has_boxes else first.get("label"))
    return _labelled((number, name), _boxes("csv", boxes, size) if has_boxes else None, label, first, folder)


def _row_box(row: Mapping[str, str], size: tuple[int, int] | None) -> NamedBox:
    sides = [in_text(row.get(side), side) for side in SIDES]
    sure = row.get("confidence")
    found = _one_box(row["label"], sides, in_text(sure, "confidence") if sure else None, size)
    return _outlined(found, json_or_none(row.get("points")), size)


class JsonLinesReader:
    """A line for each picture: `image`, `boxes` with `label`, `x`, `y`, `width`, `height`, `points`, and `class`.

    Boxes are in pixels where the line has `width` and `height`, in fractions of the picture without.
    """

    expects = "a JSON Lines file (*.jsonl), or a folder with one"

    def documents(self, path: Path) -> list[Path]:
        """Return the file, or the JSON Lines files of a folder."""
        return [path] if path.is_file() else sorted(path.glob("*.jsonl"))

    @to_its_end
    def read(self, document: Path) -> Iterator[Entry]:
        """Yield the pictures, one a line."""
        with document.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(MAX_LINE + 1), b""), start=1):
                if not line.strip():
                    continue
                try:
                    yield _of_line(number, line, document.parent)
                except (ValueError, RecursionError) as error:
                    yield bad(number, error)


def _of_line(number: int, line: bytes, folder: Path) -> LabelledPicture:
    if len(line) > MAX_LINE:
        raise ValueError(f"it is longer than {MAX_LINE} bytes")
    value = json_object(line)
    name = value.get("image")
    if not isinstance(name, str) or not name:
        raise ValueError('it has no "image" with the name of a picture')
    size = _size(value.get("width"), value.get("height"))
    boxes = None
    if "boxes" in value:
        drawn = [mapping(one, "a box") for one in listed(value, "boxes", "it")]
        boxes = _boxes("jsonl", [_drawn(box, size) for box in drawn], size)
    return _labelled((number, name), boxes, value.get("class"), value, folder)


def _drawn(box: Mapping[str, Any], size: tuple[int, int] | None) -> NamedBox:
    found = _one_box(box.get("label"), [box.get(side) for side in SIDES], box.get("confidence"), size)
    return _outlined(found, box.get("points"), size)


def _outlined(box: NamedBox, points: object, size: tuple[int, int] | None) -> NamedBox:
    return with_corners(box, points, beside=RELATIVE_SLACK if size is None else BESIDE)


def _size(width: Any, height: Any) -> tuple[int, int] | None:
    if width in {None, ""} or height in {None, ""}:
        return None
    wide, high = (in_text(one, "size") if isinstance(one, str) else one for one in (width, height))
    return pixels(wide, "width"), pixels(high, "height")


def _one_box(label: Any, sides: list[Any], confidence: Any, size: tuple[int, int] | None) -> NamedBox:
    if size is None:
        return relative_box(label, sides, confidence=confidence)
    return named_box(label, sides, size, confidence=confidence)


def _boxes(form: str, boxes: list[NamedBox], size: tuple[int, int] | None) -> Boxes:
    return Boxes.relative(form, bounded(boxes)) if size is None else Boxes(form, *size, bounded(boxes))


def _labelled(
    entry: tuple[int, str], boxes: Boxes | None, label: Any, about: Mapping[str, Any], folder: Path
) -> LabelledPicture:
    number, name = entry
    told = {key: about[key] for key in ("split", "source", "attributes") if about.get(key)}
    return LabelledPicture(
        number,
        name,
        boxes,
        PictureClass("table", label) if isinstance(label, str) and label else None,
        licence=str(about.get("licence") or ""),
        extra=told,
        path=picture_in(folder, name, FOLDERS),
    )
