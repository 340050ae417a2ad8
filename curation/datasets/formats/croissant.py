"""Croissant 1.0 metadata over Parquet tables: https://docs.mlcommons.org/croissant/docs/croissant-spec.html."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from .base import About, BoxRecord, Counts, ImageRecord, LabelClass, OpenImage, checked, fresh_folder, store_image
from .columns import Table
from .parquet import text_columns
from .splits import split_name

NAME = "croissant.json"
CONFORMS = "http://mlcommons.org/croissant/1.0"
PARQUET = "application/x-parquet"
TEXT, WHOLE, REAL = "sc:Text", "sc:Integer", "sc:Float"
IMAGES = {
    "file_name": (pa.string(), TEXT, "Name of the image"),
    "width": (pa.int32(), WHOLE, "Width in pixels"),
    "height": (pa.int32(), WHOLE, "Height in pixels"),
    "class": (pa.string(), TEXT, "Class the image was made for"),
    "split": (pa.string(), TEXT, "Part of the data set"),
    "licence": (pa.string(), TEXT, "Licence of the image"),
    "source": (pa.string(), TEXT, "Where the image came from"),
    "sha256": (pa.string(), TEXT, "Digest of the file that was sent in"),
}
BOXES = {
    "file_name": (pa.string(), TEXT, "Image the box is on"),
    "class_id": (pa.int32(), WHOLE, "Number of the class, which never changes"),
    "label": (pa.string(), TEXT, "Name of the class"),
    "x": (pa.float64(), REAL, "Left edge in pixels"),
    "y": (pa.float64(), REAL, "Upper edge in pixels"),
    "width": (pa.float64(), REAL, "Width in pixels"),
    "height": (pa.float64(), REAL, "Height in pixels"),
    "confidence": (pa.float64(), REAL, "Confidence from 0 to 1"),
    "points": (pa.string(), TEXT, "Corners of an outline in pixels, as JSON: [[x, y], …]; a plain box has none"),
}
CLASSES = {
    "class_id": (pa.int32(), WHOLE, "Number of the class, which never changes"),
    "name": (pa.string(), TEXT, "Name of the class"),
}
TABLES = {"images": IMAGES, "boxes": BOXES, "classes": CLASSES}
BLOCK = 1 << 20
Columns = Mapping[str, tuple[Any, str, str]]


class CroissantWriter:
    """Writes `images.parquet`, `boxes.parquet`, `classes.parquet`, `croissant.json` and, if asked, `images/NAME`."""

    def __init__(self, about: About) -> None:
        self._about = about

    def write(
        self, out: Path, classes: Sequence[LabelClass], records: Iterator[ImageRecord], open_image: OpenImage | None
    ) -> Counts:
        """Write the data set in constant memory; nothing appears at `out` unless all of it is written."""
        known, counts = {one.index: one for one in sorted(classes, key=lambda one: one.index)}, Counts()
        with fresh_folder(out) as folder:
            tables = {name: Table(folder / f"{name}.parquet", _schema(TABLES[name])) for name in TABLES}
            try:
                for one in known.values():
                    tables["classes"].add({"class_id": one.index, "name": one.name})
                for record in records:
                    tables["images"].add(_image(checked(record, known)))
                    for box in record.boxes:
                        tables["boxes"].add(_box(record, box, known))
                    if open_image is not None:
                        store_image(folder / "images", record, open_image)
                    counts = counts.plus(record)
            finally:
                for table in tables.values():
                    table.close()
            document = metadata(self._about, counts, folder)
            text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
            (folder / NAME).write_text(text, encoding="utf-8")
        return counts


def _schema(columns: Columns) -> pa.Schema:
    return pa.schema([(name, kind) for name, (kind, _, _) in columns.items()])


def _image(record: ImageRecord) -> dict[str, Any]:
    return {
        "file_name": record.file_name,
        "width": record.width,
        "height": record.height,
        "split": split_name(record.split) if record.split else None,
        "sha256": record.sha256,
        **text_columns(record),
    }


def _box(record: ImageRecord, box: BoxRecord, classes: Mapping[int, LabelClass]) -> dict[str, Any]:
    return {
        "file_name": record.file_name,
        "class_id": box.label,
        "label": classes[box.label].name,
        "x": box.x,
        "y": box.y,
        "width": box.width,
        "height": box.height,
        "confidence": box.confidence,
        "points": json.dumps(box.outline) if box.outline else None,
    }


def metadata(about: About, counts: Counts, folder: Path) -> dict[str, Any]:
    """Return the JSON-LD document over tables that are written."""
    card = about.card
    told = {
        "name": (about.name or "winnow").replace("/", "-"),
        "alternateName": card.title,
        "description": card.description or f"{counts.images} images with {counts.boxes} boxes.",
        "conformsTo": CONFORMS,
        "license": card.licence,
        "url": card.homepage,
        "citeAs": card.citation,
        "usageInfo": card.intended_use,
        "version": about.version,
        "datePublished": about.created,
    }
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        **{name: value for name, value in told.items() if value},
        "distribution": [*(_file(folder, name) for name in TABLES), *_pictures(folder)],
        "recordSet": [_record_set(name, columns) for name, columns in TABLES.items()],
    }


def _file(folder: Path, name: str) -> dict[str, Any]:
    path = folder / f"{name}.parquet"
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "@type": "cr:FileObject",
        "@id": path.name,
        "name": path.name,
        "contentUrl": path.name,
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": PARQUET,
        "sha256": digest,
    }


def _pictures(folder: Path) -> list[dict[str, Any]]:
    """Return the files of pictures, where they were asked for; `file_name` in the tables is a name below `images/`."""
    if not (folder / "images").is_dir():
        return []
    told = {"@type": "cr:FileSet", "@id": "pictures", "name": "pictures"}
    return [{**told, "encodingFormat": "image/jpeg", "includes": "images/*.jpg"}]


def _record_set(name: str, columns: Columns) -> dict[str, Any]:
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"{name}/{column}",
            "name": column,
            "description": description,
            "dataType": kind,
            "source": {"fileObject": {"@id": f"{name}.parquet"}, "extract": {"column": column}},
        }
        for column, (_, kind, description) in columns.items()
    ]
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "field": fields}


CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
