"""Reads Parquet tables of pictures with their boxes: our own, Croissant's of ours, and the layout of `datasets`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .base import (
    BadDocument,
    Boxes,
    Entry,
    LabelledPicture,
    NamedBox,
    PictureClass,
    bad,
    bounded,
    named_box,
    picture_in,
    pixels,
    polygon,
    with_corners,
)
from .documents import json_or_none, listed, mapping

ROWS_AT_ONCE = 2_000
SIDES = ("x", "y", "width", "height")


class ParquetReader:
    """A row for each picture: `file_name`, `width`, `height`, `boxes` with `label`, `x`, `y`, `width`, `height`."""

    expects = "a Parquet file, or a folder with *.parquet or data/*.parquet"
    needed = "boxes"

    def documents(self, path: Path) -> list[Path]:
        """Return the file, or the Parquet files of a folder."""
        if path.is_file():
            return [path]
        return sorted(path.glob("data/*.parquet")) or sorted(path.glob("*.parquet"))

    def read(self, document: Path) -> Iterator[Entry]:
        """Yield the pictures in the order of the rows."""
        try:
            with pq.ParquetFile(document) as file:
                names = set(file.schema_arrow.names)
                if not {"file_name", self.needed} <= names:
                    raise BadDocument(f"{document.name} has no columns `file_name` and `{self.needed}`.")
                told = self.classes(file.schema_arrow)
                number = 0
                for batch in file.iter_batches(ROWS_AT_ONCE):
                    for row in batch.to_pylist():
                        number += 1
                        yield self._entry(number, row, told, document)
        except (pa.ArrowException, OSError) as error:
            raise BadDocument(f"{document.name} cannot be read to its end: {error}.") from None

    def _entry(self, number: int, row: Mapping[str, Any], told: Sequence[str], document: Path) -> Entry:
        try:
            return self._picture(number, row, told, document)
        except ValueError as error:
            return bad(number, error, "row")

    def _picture(self, number: int, row: Mapping[str, Any], told: Sequence[str], document: Path) -> LabelledPicture:
        name = row.get("file_name")
        if not isinstance(name, str) or not name:
            raise ValueError("it names no picture")
        size = pixels(row.get("width"), "width"), pixels(row.get("height"), "height")
        boxes = [self.box(mapping(one, "a box"), told, size) for one in listed(row, self.needed, "it")]
        label = row.get("class")
        return LabelledPicture(
            number,
            name,
            Boxes("parquet", *size, bounded(boxes)),
            PictureClass("table", label) if isinstance(label, str) and label else None,
            licence=str(row.get("licence") or row.get("license") or ""),
            extra=_extra(row),
            path=_beside(document, name),
        )

    def classes(self, schema: pa.Schema) -> Sequence[str]:  # noqa: ARG002  the other layout needs it
        """Return the names of categories where boxes have numbers."""
        return ()

    def box(self, one: Mapping[str, Any], told: Sequence[str], size: tuple[int, int]) -> NamedBox:  # noqa: ARG002
        found = named_box(one.get("label"), [one.get(side) for side in SIDES], size, confidence=one.get("confidence"))
        return with_corners(found, one.get("points"))


class HuggingFaceReader(ParquetReader):
    """The layout of `datasets`: `objects` with `bbox` (left, top, width, height) and `category`, a class label."""

    expects = "a folder with data/SPLIT/metadata.parquet or data/SPLIT.parquet, or one such file"
    needed = "objects"

    def documents(self, path: Path) -> list[Path]:
        """Return the file, or those of a folder."""
        if path.is_file():
            return [path]
        return sorted(path.glob("data/*/metadata.parquet")) or sorted(path.glob("data/*.parquet"))

    def classes(self, schema: pa.Schema) -> Sequence[str]:
        """Return the names of the class label `category`, as the file's metadata has them."""
        try:
            info = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]
            objects = info["features"]["objects"]
            inner = objects[0] if isinstance(objects, list) else objects.get("feature", objects)
            return [str(name) for name in inner["category"]["names"]]
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            return ()

    def box(self, one: Mapping[str, Any], told: Sequence[str], size: tuple[int, int]) -> NamedBox:
        category, sides = one.get("category"), listed(one, "bbox", "a box")
        if isinstance(category, int):
            if not 0 <= category < len(told):
                raise ValueError(f"a box has category {category}, which the file does not name")
            category = told[category]
        if len(sides) != 4:
            raise ValueError(f"a bbox has {len(sides)} numbers; left, top, width, height are expected")
        box = named_box(category, sides, size, confidence=one.get("confidence"))
        return polygon(box, one.get("segmentation"))


class _BoxTable(ParquetReader):
    """Boxes whose corners are told as JSON."""

    def box(self, one: Mapping[str, Any], told: Sequence[str], size: tuple[int, int]) -> NamedBox:
        return super().box({**one, "points": json_or_none(one.get("points"))}, told, size)


class CroissantReader:
    """Our own Croissant layout: the tables `images.parquet` and `boxes.parquet` beside `croissant.json`."""

    expects = "a folder with croissant.json, images.parquet and boxes.parquet"

    def documents(self, path: Path) -> list[Path]:
        """Return the table of pictures beside the metadata."""
        folder = path if path.is_dir() else path.parent
        whole = all((folder / name).is_file() for name in ("croissant.json", "images.parquet", "boxes.parquet"))
        return [folder / "images.parquet"] if whole else []

    def read(self, document: Path) -> Iterator[Entry]:
        """Yield the pictures in the order of the rows; boxes stand in the same order, in a table of their own."""
        boxes = _Following(document.with_name("boxes.parquet"))
        for number, row in enumerate(_rows(document), start=1):
            try:
                name = str(row.get("file_name") or "")
                row["boxes"] = boxes.of(name)
                yield _BoxTable()._picture(number, row, (), document)
            except ValueError as error:
                if isinstance(error, BadDocument):
                    raise
                yield bad(number, error, "row")
        boxes.require_end()


class _Following:
    """Rows that belong to pictures in the order in which those come."""

    def __init__(self, path: Path) -> None:
        self._rows, self._name = _rows(path), path.name
        self._next = next(self._rows, None)

    def of(self, name: str) -> list[dict[str, Any]]:
        found = []
        while self._next is not None and self._next.get("file_name") == name:
            found.append(self._next)
            self._next = next(self._rows, None)
        return found

    def require_end(self) -> None:
        if self._next is not None:
            raise BadDocument(f"{self._name} has boxes of {self._next.get('file_name')}, which is not in its order.")


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with pq.ParquetFile(path) as file:
            if "file_name" not in file.schema_arrow.names:
                raise BadDocument(f"{path.name} has no column `file_name`.")
            for batch in file.iter_batches(ROWS_AT_ONCE):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise BadDocument(f"{path.name} cannot be read to its end: {error}.") from None


def _extra(row: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: row[name] for name in ("split", "source") if row.get(name)}
    if isinstance(row.get("attributes"), str):
        told["attributes"] = mapping(json.loads(row["attributes"]), "attributes")
    return told


def _beside(document: Path, name: str) -> Path | None:
    root = document.parent
    if root.parent.name == "data":
        root = root.parent
    root = root.parent if root.name == "data" else root
    return picture_in(root, name, (f"data/{document.parent.name}", "images", f"data/{document.stem}", ""))
