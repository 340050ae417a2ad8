"""Reads Open Images box annotations: https://storage.googleapis.com/openimages/web/download_v7.html (CSV)."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path

from .base import (
    BadDocument,
    Boxes,
    Entry,
    LabelledPicture,
    NamedBox,
    bad,
    bounded,
    in_text,
    picture_in,
    relative_box,
    to_its_end,
)

COLUMNS = {"ImageID", "LabelName", "XMin", "XMax", "YMin", "YMax"}
DESCRIPTIONS = "*class-descriptions*.csv"


class OpenImagesReader:
    """Rows of one picture follow each other; classes are named by `class-descriptions….csv` where it lies beside.

    A box that stands for a group of objects is left out.
    """

    expects = f"a CSV with the columns {', '.join(sorted(COLUMNS))}, or a folder with one"

    def documents(self, path: Path) -> list[Path]:
        """Return the tables that have the columns."""
        return [one for one in ([path] if path.is_file() else sorted(path.glob("**/*.csv"))) if _header(one) >= COLUMNS]

    @to_its_end
    def read(self, document: Path) -> Iterator[Entry]:
        """Yield the pictures in the order of their first rows."""
        if not _header(document) >= COLUMNS:
            raise BadDocument(f"{document.name} has not all of the columns {', '.join(sorted(COLUMNS))}.")
        names, seen = _descriptions(document.parent), set()
        with document.open(encoding="utf-8-sig", newline="") as file:
            grouped = groupby(csv.DictReader(file), key=lambda row: row["ImageID"])
            for number, (ident, rows) in enumerate(grouped, start=1):
                if ident in seen:
                    raise BadDocument(f"{document.name}: the rows of {ident} do not follow each other; sort it first.")
                seen.add(ident)
                try:
                    yield _picture(number, ident, list(rows), names, document.parent)
                except ValueError as error:
                    yield bad(number, f"{ident}: {error}", "picture")


def _header(document: Path) -> set[str]:
    with document.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        return set(next(csv.reader(file), []))


def _descriptions(folder: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(folder.glob(DESCRIPTIONS)):
        with path.open(encoding="utf-8-sig", newline="") as file:
            found |= {row[0]: row[1] for row in csv.reader(file) if len(row) == 2}
    return found


def _picture(
    number: int, ident: str, rows: list[dict[str, str]], names: Mapping[str, str], folder: Path
) -> LabelledPicture:
    boxes = [_box(row, names) for row in rows if row.get("IsGroupOf") != "1"]
    folders = ("", "images", "data", "train", "validation", "test")
    path = picture_in(folder, f"{ident}.jpg", folders)
    return LabelledPicture(number, f"{ident}.jpg", Boxes.relative("openimages", bounded(boxes)), path=path)


def _box(row: Mapping[str, str], names: Mapping[str, str]) -> NamedBox:
    left, right, top, bottom = (in_text(row[side], side) for side in ("XMin", "XMax", "YMin", "YMax"))
    sure = row.get("Confidence")
    confidence = in_text(sure, "Confidence") if sure else None
    label = names.get(row["LabelName"], row["LabelName"])
    return relative_box(label, (left, top, right - left, bottom - top), confidence=confidence)
