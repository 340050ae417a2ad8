"""Reads Label Studio's JSON export: https://labelstud.io/guide/export#JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import ijson

from .base import (
    Boxes,
    Entry,
    LabelledPicture,
    NamedBox,
    PictureClass,
    bad,
    bounded,
    picture_in,
    pixels,
    relative_box,
    to_its_end,
)
from .documents import listed, mapping

PREFIX = re.compile(r"^[0-9a-f]{8}-")  # Label Studio puts it before the name of an uploaded file
FOLDERS = ("", "images", "upload", "media")


class LabelStudioReader:
    """A list of tasks; the annotation marked as ground truth counts, else the last one that was not cancelled.

    Turned boxes have no upright equal and are refused with their task.
    """

    expects = "a Label Studio export (*.json)"

    def documents(self, path: Path) -> list[Path]:
        """Return the file, or the JSON files of a folder."""
        return [path] if path.is_file() else sorted(path.glob("*.json"))

    @to_its_end
    def read(self, document: Path) -> Iterator[Entry]:
        """Yield the tasks that were annotated; the others say nothing of their pictures."""
        with document.open("rb") as file:
            for number, task in enumerate(ijson.items(file, "item", use_float=True), start=1):
                try:
                    yield from _task(number, mapping(task, "it"), document.parent)
                except (ValueError, KeyError) as error:
                    yield bad(number, error, "task")


def _task(number: int, task: Mapping[str, Any], folder: Path) -> Iterator[LabelledPicture]:
    said = _chosen(listed(task, "annotations", "it"))
    if said is None:
        return
    address = next((one for one in mapping(task.get("data"), "data").values() if isinstance(one, str)), None)
    if not address:
        raise ValueError('its "data" names no picture')
    results = [mapping(one, "a result") for one in listed(said, "result", "its annotation")]
    size = next((_size(one) for one in results if "original_width" in one), None)
    boxes = [_box(one) for one in results if one.get("type") in {"rectanglelabels", "rectangle"}]
    choices = [name for one in results if one.get("type") == "choices" for name in one["value"].get("choices", [])]
    found = Boxes("labelstudio", *(size or (1, 1)), bounded(_scaled(boxes, size)), is_relative=size is None)
    picture_class = PictureClass("labelstudio", str(choices[0])) if len(choices) == 1 else None
    yield LabelledPicture(number, address, found, picture_class, path=_file(folder, address))


def _chosen(annotations: list[Any]) -> Mapping[str, Any] | None:
    standing = [one for one in annotations if isinstance(one, dict) and not one.get("was_cancelled")]
    return next((one for one in standing if one.get("ground_truth")), standing[-1] if standing else None)


def _size(result: Mapping[str, Any]) -> tuple[int, int]:
    return pixels(result.get("original_width"), "original_width"), pixels(
        result.get("original_height"), "original_height"
    )


def _box(result: Mapping[str, Any]) -> NamedBox:
    value = mapping(result.get("value"), "a value")
    if value.get("rotation"):
        raise ValueError("a box is turned; only upright boxes can be taken")
    labels = value.get("rectanglelabels") or [""]
    sides = [
        one / 100 if isinstance(one := value.get(side), int | float) else one for side in ("x", "y", "width", "height")
    ]
    return relative_box(labels[0], sides)


def _scaled(boxes: list[NamedBox], size: tuple[int, int] | None) -> list[NamedBox]:
    if size is None:
        return boxes
    wide, high = size
    return [NamedBox(one.name, one.x * wide, one.y * high, one.width * wide, one.height * high) for one in boxes]


def _file(folder: Path, address: str) -> Path | None:
    """Return the file an address means: an uploaded one, a local one (?d=…), or the last part of any."""
    parts = urlsplit(address)
    local = parse_qs(parts.query).get("d", [""])[0]
    name = unquote(local or parts.path).lstrip("/")
    last = name.rsplit("/", 1)[-1]
    return next(
        (found for one in (name, last, PREFIX.sub("", last)) if (found := picture_in(folder, one, FOLDERS))), None
    )
