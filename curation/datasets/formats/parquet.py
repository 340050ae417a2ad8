"""Parquet, one file a split and a row for each picture with its boxes: https://parquet.apache.org/docs/."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from .base import About, BoxRecord, Counts, ImageRecord, LabelClass, OpenImage, checked, fresh_folder, store_image
from .columns import Tables
from .splits import split_name

CLASSES_KEY = b"winnow.classes"
OWN_COLUMNS = ("class", "licence", "source")
BOX = pa.struct(
    [
        ("class_id", pa.int32()),
        ("label", pa.string()),
        *((side, pa.float64()) for side in ("x", "y", "width", "height", "confidence")),
        ("points", pa.list_(pa.list_(pa.float64()))),
    ]
)
COLUMNS = (
    ("file_name", pa.string()),
    ("width", pa.int32()),
    ("height", pa.int32()),
    ("class", pa.string()),
    ("boxes", pa.list_(BOX)),
    ("split", pa.string()),
    ("licence", pa.string()),
    ("source", pa.string()),
    ("sha256", pa.string()),
    ("attributes", pa.string()),
)

_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True).encode


class ParquetWriter:
    """Writes `data/SPLIT.parquet` and, if asked, `images/NAME`; boxes are in pixels, `points` the corners of
    those that were drawn as outlines.

    `class_id` is the class's own index; the file's metadata lists all classes under `winnow.classes`. What has no
    column of its own stands in `attributes`, as JSON.
    """

    def __init__(self, about: About) -> None:
        self._about = about

    def write(
        self, out: Path, classes: Sequence[LabelClass], records: Iterator[ImageRecord], open_image: OpenImage | None
    ) -> Counts:
        """Write the data set in constant memory; nothing appears at `out` unless all of it is written."""
        known, counts = {one.index: one for one in sorted(classes, key=lambda one: one.index)}, Counts()
        told = {CLASSES_KEY: _json({str(index): one.name for index, one in known.items()})}
        schema = pa.schema(COLUMNS, metadata=told)
        with fresh_folder(out) as folder, Tables(schema).closing() as tables:
            for record in records:
                split = split_name(checked(record, known).split)
                tables.of(folder / "data" / f"{split}.parquet").add(_row(record, known))
                if open_image is not None:
                    store_image(folder / "images", record, open_image)
                counts = counts.plus(record)
            if not counts.images:
                tables.of(folder / "data" / f"{split_name(None)}.parquet")
        return counts


def _row(record: ImageRecord, classes: Mapping[int, LabelClass]) -> dict[str, Any]:
    return {
        "file_name": record.file_name,
        "width": record.width,
        "height": record.height,
        "boxes": [_box(box, classes) for box in record.boxes],
        "split": record.split,
        "sha256": record.sha256,
        "attributes": other_attributes(record),
        **text_columns(record),
    }


def text_columns(record: ImageRecord) -> dict[str, str | None]:
    """Return the attributes that have columns of their own."""
    told = {name: record.attributes.get(name) for name in OWN_COLUMNS}
    return {name: None if value is None else str(value) for name, value in told.items()}


def other_attributes(record: ImageRecord) -> str | None:
    """Return the attributes without columns of their own, as JSON."""
    rest = {name: value for name, value in record.attributes.items() if name not in OWN_COLUMNS}
    return _json(rest) if rest else None


def _box(box: BoxRecord, classes: Mapping[int, LabelClass]) -> dict[str, Any]:
    return {
        "class_id": box.label,
        "label": classes[box.label].name,
        "x": box.x,
        "y": box.y,
        "width": box.width,
        "height": box.height,
        "confidence": box.confidence,
        "points": box.outline or None,
    }
