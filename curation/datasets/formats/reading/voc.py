"""Reads Pascal VOC: one XML file a picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException  # type: ignore[import-untyped]  # it ships no types
from defusedxml.ElementTree import parse  # type: ignore[import-untyped]

from .base import (
    PICTURES,
    Boxes,
    Entry,
    LabelledPicture,
    NamedBox,
    bad,
    bounded,
    in_text,
    named_box,
    picture_in,
    pixels,
    share,
    to_its_end,
)

FOLDERS = ("", "JPEGImages", "images", "Annotations")


class VocReader:
    """`Annotations/*.xml` with `JPEGImages` beside it, or XML files beside their pictures.

    Corners are taken as edges from the top left, as tools of today write them; the devkit of 2007 counts from 1, which
    is one pixel off.
    """

    expects = "a folder with *.xml or Annotations/*.xml"

    def documents(self, path: Path) -> list[Path]:
        """Return every annotation."""
        if path.is_file():
            return [path]
        return sorted(path.glob("Annotations/**/*.xml")) or sorted(path.rglob("*.xml"))

    @to_its_end
    def read(self, document: Path) -> Iterator[Entry]:
        """Yield the one picture of an annotation."""
        try:
            yield _picture(document)
        except (ValueError, ParseError, DefusedXmlException) as error:
            yield bad(1, error, "annotation")


def _picture(document: Path) -> LabelledPicture:
    root = parse(document).getroot()
    if root is None or root.tag != "annotation":
        raise ValueError("it is not an <annotation>")
    size = pixels(_value(root, "size/width"), "width"), pixels(_value(root, "size/height"), "height")
    boxes = [_box(one, size) for one in root.iterfind("object")]
    name = (root.findtext("filename") or "").strip() or document.with_suffix(".jpg").name
    return LabelledPicture(1, name, Boxes("voc", *size, bounded(boxes)), path=_file(document, name))


def _value(element: Element, path: str) -> float:
    return in_text(element.findtext(path), path)


def _box(one: Element, size: tuple[int, int]) -> NamedBox:
    left, top, right, bottom = (_value(one, f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax"))
    sure = one.findtext("confidence")
    confidence = None if sure is None else share(in_text(sure, "confidence"), "confidence")
    sides = (left, top, right - left, bottom - top)
    return named_box(one.findtext("name"), sides, size, confidence=confidence, slack=1.0)


def _file(document: Path, name: str) -> Path | None:
    """Look by the name the file tells, then by its own: people rename pictures and forget what stands inside."""
    parts = document.parts
    root = Path(*parts[: parts.index("Annotations")]) if "Annotations" in parts else document.parent
    names = [name, *(f"{document.stem}{ending}" for ending in sorted(PICTURES))]
    return next((found for one in names if (found := picture_in(root, one, FOLDERS))), None)
