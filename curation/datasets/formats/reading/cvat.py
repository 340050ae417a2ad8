"""Reads CVAT for images 1.1 (XML): https://docs.cvat.ai/docs/manual/advanced/xml_format/."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import iterparse  # type: ignore[import-untyped]  # it ships no types

from .base import (
    Boxes,
    Entry,
    LabelledPicture,
    NamedBox,
    PictureClass,
    bad,
    bounded,
    in_text,
    named_box,
    picture_in,
    pixels,
    to_its_end,
)

FOLDERS = ("", "images", "images/default", "default")


class CvatReader:
    """`annotations.xml`; outlines (polygons) give their bounding boxes, other shapes are no boxes and are left out."""

    expects = "a CVAT file annotations.xml, or a folder with one"

    def documents(self, path: Path) -> list[Path]:
        """Return the file, or `annotations.xml` of a folder."""
        if path.is_file():
            return [path]
        return [one for one in (path / "annotations.xml",) if one.is_file()]

    @to_its_end
    def read(self, document: Path) -> Iterator[Entry]:
        """Yield the pictures one at a time."""
        number = 0
        for _, element in iterparse(document, events=("end",)):
            if element.tag == "image":
                number += 1
                yield _read(number, element, document.parent)
                element.clear()


def _read(number: int, image: Element, folder: Path) -> Entry:
    try:
        return _picture(number, image, folder)
    except ValueError as error:
        return bad(number, f"{image.get('name')}: {error}", "image")


def _picture(number: int, image: Element, folder: Path) -> LabelledPicture:
    name = image.get("name") or ""
    size = (
        pixels(in_text(image.get("width"), "width"), "width"),
        pixels(in_text(image.get("height"), "height"), "height"),
    )
    boxes = [_box(one, size) for one in image if one.tag in {"box", "polygon"}]
    tags = [tag.get("label") or "" for tag in image.iterfind("tag")]
    return LabelledPicture(
        number,
        name,
        Boxes("cvat", *size, bounded(boxes)),
        PictureClass("cvat", tags[0]) if len(tags) == 1 and tags[0] else None,
        extra={"split": image.get("subset")} if image.get("subset") else {},
        path=picture_in(folder, name, FOLDERS),
    )


def _box(one: Element, size: tuple[int, int]) -> NamedBox:
    if one.tag == "box":
        xs = [in_text(one.get(side), side) for side in ("xtl", "xbr")]
        ys = [in_text(one.get(side), side) for side in ("ytl", "ybr")]
    else:
        points = [point.split(",") for point in (one.get("points") or "").split(";")]
        if any(len(point) != 2 for point in points):
            raise ValueError("a polygon's points are not x,y;x,y…")
        xs, ys = ([in_text(point[axis], "a point") for point in points] for axis in (0, 1))
    sides = (min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))
    return named_box(one.get("label"), sides, size)
