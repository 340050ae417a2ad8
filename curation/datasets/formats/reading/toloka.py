"""Reads Toloka's result files (TSV) with rectangles of its `field.image-annotation` or the older image editor."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .base import (
    BadDocument,
    Boxes,
    Entry,
    LabelledPicture,
    NamedBox,
    Once,
    PictureClass,
    bad,
    bounded,
    number,
    picture_in,
    relative_box,
    to_its_end,
)
from .documents import mapping

COUNTED = {"", "APPROVED", "ACCEPTED"}
FOLDERS = ("", "images")
ANY_LABEL = "object"


class TolokaReader:
    """One answer for each picture: the aggregated file, or pools of overlap 1; no control tasks, no rejected rows.

    Several answers about one picture are not labels yet: bring them in as a vendor's results, where they are added up.
    """

    expects = "a Toloka result file (*.tsv) with INPUT: and OUTPUT: columns"

    def documents(self, path: Path) -> list[Path]:
        """Return the file, or the TSV files of a folder."""
        return [path] if path.is_file() else sorted(path.glob("*.tsv"))

    @to_its_end
    def read(self, document: Path) -> Iterator[Entry]:
        """Yield the rows that count."""
        csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
        once = Once()
        with document.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, delimiter="\t")
            inputs, outputs = _columns(document, rows.fieldnames or [])
            for number, row in enumerate(rows, start=2):
                if row.get("ASSIGNMENT:status", "") not in COUNTED or any(
                    row.get(key) for key in row if str(key).startswith("GOLDEN:")
                ):
                    continue
                source = row[inputs] or ""
                try:
                    once.require(source, "has several answers; bring them in as a vendor's results")
                    yield _picture(number, source, {name: row[name] for name in outputs}, document.parent)
                except ValueError as error:
                    yield bad(number, error)


def _columns(document: Path, names: Any) -> tuple[str, list[str]]:
    inputs = [name for name in names if name.startswith("INPUT:")]
    outputs = [name for name in names if name.startswith("OUTPUT:")]
    if not inputs or not outputs:
        raise BadDocument(f"{document.name} has no INPUT: and OUTPUT: columns; a Toloka result file is expected.")
    return next((name for name in inputs if "image" in name or "url" in name), inputs[0]), outputs


def _picture(number: int, source: str, outputs: Mapping[str, str | None], folder: Path) -> LabelledPicture:
    boxes: list[NamedBox] | None = None
    said: list[str] = []
    for text in outputs.values():
        shapes = _shapes(text or "")
        if shapes is not None:
            boxes = [*(boxes or []), *(_box(mapping(one, "a shape")) for one in shapes)]
        elif text:
            said.append(text)
    found = None if boxes is None else Boxes.relative("toloka", bounded(boxes))
    picture_class = PictureClass("toloka", said[0]) if len(said) == 1 else None
    return LabelledPicture(number, source, found, picture_class, path=picture_in(folder, source.lstrip("/"), FOLDERS))


def _shapes(text: str) -> list[Any] | None:
    """Return the list of shapes of an annotation; None for an answer in words."""
    if not text.startswith("["):
        return None
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        raise ValueError("an OUTPUT column begins like a list but is not JSON") from None
    return value if isinstance(value, list) else None


def _box(shape: Mapping[str, Any]) -> NamedBox:
    """Read a rectangle in fractions: corners p1 and p2, or left, top, width, height."""
    kind = shape.get("shape", shape.get("type", "rectangle"))
    if kind != "rectangle":
        raise ValueError(f"a shape is a {kind}; only rectangles can be taken")
    told = mapping(shape.get("data", shape), "a rectangle")
    label = shape.get("label") or ANY_LABEL
    if "p1" not in told:
        return relative_box(label, [told.get(side) for side in ("left", "top", "width", "height")])
    first, second = mapping(told["p1"], "p1"), mapping(told.get("p2"), "p2")
    (left, right), (top, bottom) = (
        sorted((number(first.get(axis), f"p1's {axis}"), number(second.get(axis), f"p2's {axis}"))) for axis in "xy"
    )
    return relative_box(label, (left, top, right - left, bottom - top))
