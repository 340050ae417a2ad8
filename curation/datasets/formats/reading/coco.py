"""Reads COCO object detection: https://cocodataset.org/#format-data. Big files are read as a stream."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ijson

from .base import (
    MOST_CORNERS,
    BadDocument,
    Boxes,
    Entry,
    LabelledPicture,
    NamedBox,
    bad,
    bounded,
    named_box,
    outlined,
    picture_in,
    pixels,
    share,
    to_its_end,
)
from .base import number as finite
from .documents import mapping

Drawn = tuple[int, tuple[float, ...], float | None, bytes]  # category, [x, y, width, height], confidence, corners


@dataclass(frozen=True, slots=True)
class _Content:
    """What is needed of a document to read one of its images."""

    categories: Mapping[int, str]
    licences: Mapping[int, str]
    drawn: Mapping[int, list[Drawn]]
    root: Path
    folders: tuple[str, ...]


class CocoReader:
    """`annotations/*.json` with the pictures in a folder beside it; kept in memory are the boxes, not the document."""

    expects = "a COCO file, or a folder with one (*.json or annotations/*.json)"

    def documents(self, path: Path) -> list[Path]:
        """Return the files that begin like COCO: other JSON, such as captions or receipts, is left alone."""
        if path.is_file():
            return [path]
        found = sorted(path.glob("annotations/*.json")) or sorted(path.glob("*.json"))
        return [one for one in found if {"images", "annotations", "categories"} <= _keys(one)]

    @to_its_end
    def read(self, document: Path) -> Iterator[Entry]:
        """Yield every picture in the order of the file; one without annotations has no boxes on purpose."""
        content = _Content(
            _categories(document), _licences(document), _drawn(document), _root(document), _folders(document)
        )
        for number, item in enumerate(_items(document, "images"), start=1):
            try:
                yield _picture(number, mapping(item, "it"), content)
            except ValueError as error:
                yield bad(number, error, "image")


def _keys(document: Path) -> set[str]:
    with document.open("rb") as file:
        try:
            return {value for prefix, event, value in ijson.parse(file) if not prefix and event == "map_key"}
        except ijson.JSONError:
            return set()


def _items(document: Path, name: str) -> Iterator[Any]:
    with document.open("rb") as file:
        yield from ijson.items(file, f"{name}.item", use_float=True)


def _categories(document: Path) -> dict[int, str]:
    found: dict[int, str] = {}
    for item in _items(document, "categories"):
        if not isinstance(item, dict) or not isinstance(item.get("id"), int) or not isinstance(item.get("name"), str):
            raise BadDocument(f"{document.name}: a category needs an id and a name.")
        found[item["id"]] = item["name"]
    if not found:
        raise BadDocument(f"{document.name} lists no categories; a COCO file of object detection is expected.")
    return found


def _licences(document: Path) -> dict[int, str]:
    """Return the licences by their ids, by name, else by address."""
    found: dict[int, str] = {}
    for item in _items(document, "licenses"):
        name = (item.get("name") or item.get("url")) if isinstance(item, dict) else None
        if isinstance(name, str) and isinstance(item.get("id"), int):
            found[item["id"]] = name
    return found


def _drawn(document: Path) -> dict[int, list[Drawn]]:
    """Return the boxes of every image by its id; crowds stand for no single object and are left out."""
    found: dict[int, list[Drawn]] = defaultdict(list)
    for number, item in enumerate(_items(document, "annotations"), start=1):
        try:
            box, image, category = item["bbox"], item["image_id"], item["category_id"]
            if item.get("iscrowd"):
                continue
            sure = share(item.get("confidence", item.get("score")), "confidence")
            found[image].append((category, tuple(box), sure, _outline(item.get("segmentation"))))
        except (KeyError, TypeError, ValueError) as error:
            raise BadDocument(f"{document.name}: annotation {number} is not one of boxes ({error}).") from None
    return found


def _outline(segmentation: Any) -> bytes:
    """Return the corners, packed, of what is drawn in one piece; all else is known by its box alone."""
    if not isinstance(segmentation, list) or len(segmentation) != 1 or not isinstance(segmentation[0], list):
        return b""
    (sides,) = segmentation
    if len(sides) % 2 or not 6 <= len(sides) <= 2 * MOST_CORNERS:
        return b""
    try:
        return struct.pack(f"{len(sides)}d", *(finite(side, "a corner") for side in sides))
    except ValueError:
        return b""


def _root(document: Path) -> Path:
    return document.parent.parent if document.parent.name == "annotations" else document.parent


def _folders(document: Path) -> tuple[str, ...]:
    """Return where pictures lie, seen from the folder above `annotations`, or from that of the file."""
    split = document.stem.rsplit("_", 1)[-1]
    return ("", "images", document.stem, f"images/{document.stem}", split, f"images/{split}")


def _picture(number: int, item: Mapping[str, Any], content: _Content) -> LabelledPicture:
    name = item.get("file_name")
    if not isinstance(name, str) or not name:
        raise ValueError("it has no file_name")
    size = pixels(item.get("width"), "width"), pixels(item.get("height"), "height")
    try:
        drawn = content.drawn.get(item.get("id", -1), [])
    except TypeError:
        raise ValueError("its id is neither a number nor a text") from None
    boxes = [_named(one, content.categories, size) for one in drawn]
    return LabelledPicture(
        number,
        name,
        Boxes("coco", *size, bounded(boxes)),
        licence=_licence(item, content.licences),
        extra={"attributes": item["attributes"]} if isinstance(item.get("attributes"), dict) else {},
        path=picture_in(content.root, name, content.folders),
    )


def _licence(item: Mapping[str, Any], licences: Mapping[int, str]) -> str:
    number = item.get("license")
    return licences.get(number, "") if isinstance(number, int) else ""


def _named(one: Drawn, categories: Mapping[int, str], size: tuple[int, int]) -> NamedBox:
    category, sides, confidence, outline = one
    if not isinstance(category, Hashable) or category not in categories:
        raise ValueError(f"a box has category {category}, which the file does not list")
    if len(sides) != 4:
        raise ValueError(f"a bbox has {len(sides)} numbers; x, y, width, height are expected")
    box = named_box(categories[category], sides, size, confidence=confidence)
    return outlined(box, struct.iter_unpack("2d", outline)) if outline else box
