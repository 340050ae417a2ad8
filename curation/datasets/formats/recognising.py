"""Which format is this? Asked of every reader, by its first entries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from . import receipt
from .reading.base import BadDocument, LabelledPicture
from .registry import READERS, reader

ENTRIES = 20
IN_ORDER = (
    "croissant", "huggingface", "parquet", "yolo", "groundtruth", "cvat", "voc", "hagrid", "coco", "labelstudio",
    "openimages", "toloka", "jsonl", "csv", "folders",
)  # fmt: skip
"""The narrow ones first: a folder per class is what any folder may look like."""


def recognise(path: Path) -> str | None:
    """Return the format of a file or folder, by the receipt where it is an export of ours; None if no reader knows."""
    told = _told(path / receipt.NAME) if path.is_dir() else None
    return told or next((name for name in IN_ORDER if _reads(name, path)), None)


def _told(place: Path) -> str | None:
    try:
        name = json.loads(place.read_text("utf-8"))["format"]
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return name if name in READERS else None


def _reads(name: str, path: Path) -> bool:
    """Whether one of the first entries is a picture with labels."""
    try:
        return any(_labelled(name, path))
    except (BadDocument, ValueError, TypeError, LookupError, AttributeError, OSError):
        return False  # a document of another kind breaks a reader in ways of its own


def _labelled(name: str, path: Path) -> Iterator[bool]:
    form = reader(name)
    for document in form.documents(path)[:ENTRIES]:
        for entry in islice(form.read(document), ENTRIES):
            yield isinstance(entry, LabelledPicture) and (entry.boxes is not None or entry.picture_class is not None)
