"""Reads HaGRID's annotations: one JSON object for each class, pictures by their id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ijson

from .base import (
    Boxes,
    Entry,
    LabelledPicture,
    PictureClass,
    bad,
    bounded,
    picture_in,
    relative_box,
    to_its_end,
)
from .documents import listed, mapping

WITHOUT_CLASS = "no_class"


class HagridReader:
    """`annotations/SPLIT/CLASS.json`; pictures lie in `CLASS/ID.jpg`, with `images/` before it or not."""

    expects = "a HaGRID file CLASS.json, or a folder with annotations/**/*.json"

    def documents(self, path: Path) -> list[Path]:
        """Return the files of all classes and splits."""
        if path.is_file():
            return [path]
        return sorted(path.glob("annotations/**/*.json")) or sorted(path.glob("ann_*/**/*.json"))

    @to_its_end
    def read(self, document: Path) -> Iterator[Entry]:
        """Yield the pictures of one class."""
        with document.open("rb") as file:
            for number, (ident, value) in enumerate(ijson.kvitems(file, "", use_float=True), start=1):
                try:
                    yield _picture(number, ident, mapping(value, "it"), document)
                except ValueError as error:
                    yield bad(number, f"{ident}: {error}", "picture")


def _picture(number: int, ident: str, value: Mapping[str, Any], document: Path) -> LabelledPicture:
    sides, labels = listed(value, "bboxes", "it"), listed(value, "labels", "it")
    sure = value.get("confidences") or [None] * len(labels)
    if not len(sides) == len(labels) == len(sure):
        raise ValueError(f"{len(sides)} boxes have {len(labels)} labels and {len(sure)} confidences")
    boxes = [_box(*one) for one in zip(labels, sides, sure, strict=True)]
    name, root = document.stem, _root(document)
    folders = (
        name,
        f"images/{name}",
        f"images/{document.parent.name}/{name}",
        f"{document.parent.name}/{name}",
        "images",
    )
    return LabelledPicture(
        number,
        f"{name}/{ident}.jpg",
        Boxes.relative("hagrid", bounded(boxes)),
        None if name == WITHOUT_CLASS else PictureClass("hagrid", name),
        extra={"split": document.parent.name},
        path=picture_in(root, f"{ident}.jpg", folders),
    )


def _box(label: Any, sides: Any, confidence: Any) -> Any:
    if not isinstance(sides, list) or len(sides) != 4:
        raise ValueError("a box is not [left, top, width, height]")
    return relative_box(label, sides, confidence=confidence)


def _root(document: Path) -> Path:
    above = next((one for one in document.parents if one.name == "annotations" or one.name.startswith("ann_")), None)
    return above.parent if above else document.parent
