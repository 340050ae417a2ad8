"""The formats there are. A writer or reader is loaded on first use, so that none slows the start."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

from .base import About, Writer
from .reading.base import Reader

_HERE = "curation.datasets.formats"

WRITERS: Mapping[str, str] = {
    "coco": f"{_HERE}.coco:CocoWriter",
    "croissant": f"{_HERE}.croissant:CroissantWriter",
    "csv": f"{_HERE}.tables:CsvWriter",
    "groundtruth": f"{_HERE}.groundtruth:GroundTruthWriter",
    "hagrid": f"{_HERE}.hagrid:HagridWriter",
    "huggingface": f"{_HERE}.huggingface:HuggingFaceWriter",
    "jsonl": f"{_HERE}.tables:JsonLinesWriter",
    "package": f"{_HERE}.package:PackageWriter",
    "parquet": f"{_HERE}.parquet:ParquetWriter",
    "voc": f"{_HERE}.voc:VocWriter",
    "yolo": f"{_HERE}.yolo:YoloWriter",
    "yolo-seg": f"{_HERE}.yolo:YoloSegWriter",
}
"""`yolo` reads what `yolo-seg` has written as well."""

WITH_OUTLINES = frozenset({"coco", "croissant", "csv", "huggingface", "jsonl", "package", "parquet", "yolo-seg"})
"""Formats with a place for the corners of outlines; the others have the boxes around them."""

READERS: Mapping[str, str] = {
    "coco": f"{_HERE}.reading.coco:CocoReader",
    "croissant": f"{_HERE}.reading.parquet:CroissantReader",
    "csv": f"{_HERE}.reading.tables:CsvReader",
    "cvat": f"{_HERE}.reading.cvat:CvatReader",
    "folders": f"{_HERE}.reading.folders:FoldersReader",
    "groundtruth": f"{_HERE}.reading.groundtruth:GroundTruthReader",
    "hagrid": f"{_HERE}.reading.hagrid:HagridReader",
    "huggingface": f"{_HERE}.reading.parquet:HuggingFaceReader",
    "jsonl": f"{_HERE}.reading.tables:JsonLinesReader",
    "labelstudio": f"{_HERE}.reading.labelstudio:LabelStudioReader",
    "openimages": f"{_HERE}.reading.openimages:OpenImagesReader",
    "parquet": f"{_HERE}.reading.parquet:ParquetReader",
    "toloka": f"{_HERE}.reading.toloka:TolokaReader",
    "voc": f"{_HERE}.reading.voc:VocReader",
    "yolo": f"{_HERE}.reading.yolo:YoloReader",
}


class UnknownFormat(LookupError):
    """A format nobody has written yet."""


def writer(name: str, about: About | None = None) -> Writer:
    """Return the writer of a format by its name, for an export of what `about` says."""
    return cast(Writer, _load(WRITERS, name, "write")(about or About()))


def reader(name: str) -> Reader:
    """Return the reader of a format by its name."""
    return cast(Reader, _load(READERS, name, "read")())


def _load(known: Mapping[str, str], name: str, verb: str) -> Any:
    if name not in known:
        raise UnknownFormat(f"{name!r} is not a format we {verb}; there are: {', '.join(sorted(known))}")
    module, _, attribute = known[name].partition(":")
    return getattr(import_module(module), attribute)
