"""Plain tables: CSV with a row for each box, JSON Lines with a line for each picture."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from curation.datasets.safe_cells import safe_text

from .base import About, BoxRecord, Counts, ImageRecord, LabelClass, OpenImage, checked, fresh_folder, store_image

COLUMNS = ("image", "image_width", "image_height", "split", "class", "label", "x", "y", "width", "height",
           "confidence", "licence", "source", "sha256", "points")  # fmt: skip
BOXES, PICTURES = "boxes.csv", "images.jsonl"

_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class CsvWriter:
    """Writes `boxes.csv`, a row for each box in pixels; a picture without boxes has one row with an empty label.

    The corners of a box that was drawn as an outline stand in `points`, as JSON.
    """

    def __init__(self, about: About) -> None:
        self._about = about

    def write(
        self, out: Path, classes: Sequence[LabelClass], records: Iterator[ImageRecord], open_image: OpenImage | None
    ) -> Counts:
        """Write the data set in constant memory; nothing appears at `out` unless all of it is written."""
        known, counts = {one.index: one for one in classes}, Counts()
        with fresh_folder(out) as folder, (folder / BOXES).open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(COLUMNS)
            for record in records:
                for box in checked(record, known).boxes or (None,):
                    table.writerow(_row(record, box, known))
                if open_image is not None:
                    store_image(folder / "images", record, open_image)
                counts = counts.plus(record)
        return counts


def _row(record: ImageRecord, box: BoxRecord | None, classes: Mapping[int, LabelClass]) -> list[Any]:
    drawn = ["", "", "", "", "", ""]
    if box is not None:
        sure = "" if box.confidence is None else box.confidence
        drawn = [classes[box.label].name, box.x, box.y, box.width, box.height, sure]  # type: ignore[list-item]
    told = (str(record.attributes.get(name) or "") for name in ("class", "licence", "source"))
    label, licence, source = map(safe_text, told)
    return [
        record.file_name, record.width, record.height, record.split or "", label, *drawn, licence, source,
        record.sha256 or "", _json(box.outline) if box and box.outline else "",
    ]  # fmt: skip


class JsonLinesWriter:
    """Writes `images.jsonl`, a line for each picture with everything known of it, boxes in pixels."""

    def __init__(self, about: About) -> None:
        self._about = about

    def write(
        self, out: Path, classes: Sequence[LabelClass], records: Iterator[ImageRecord], open_image: OpenImage | None
    ) -> Counts:
        """Write the data set in constant memory; nothing appears at `out` unless all of it is written."""
        known, counts = {one.index: one for one in classes}, Counts()
        with fresh_folder(out) as folder, (folder / PICTURES).open("w", encoding="utf-8") as file:
            for record in records:
                file.write(_json(_line(checked(record, known), known)) + "\n")
                if open_image is not None:
                    store_image(folder / "images", record, open_image)
                counts = counts.plus(record)
        return counts


def _line(record: ImageRecord, classes: Mapping[int, LabelClass]) -> dict[str, Any]:
    attributes = dict(record.attributes)
    told = {
        "image": record.file_name,
        "width": record.width,
        "height": record.height,
        "class": attributes.pop("class", None),
        "boxes": [_box(box, classes) for box in record.boxes],
        "split": record.split,
        "licence": attributes.pop("licence", None),
        "source": attributes.pop("source", None),
        "sha256": record.sha256,
        "attributes": attributes or None,
    }
    return {name: value for name, value in told.items() if value is not None}


def _box(box: BoxRecord, classes: Mapping[int, LabelClass]) -> dict[str, Any]:
    told = {"label": classes[box.label].name, "x": box.x, "y": box.y, "width": box.width, "height": box.height}
    sure = {} if box.confidence is None else {"confidence": box.confidence}
    return {**told, **sure, **({"points": box.outline} if box.outline else {})}
