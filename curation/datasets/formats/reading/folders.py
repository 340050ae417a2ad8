"""Reads plain folders: one for each class, pictures inside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .base import PICTURES, Entry, LabelledPicture, PictureClass, bad


class FoldersReader:
    """`CLASS/NAME.jpg`; the folder above a picture names its class, boxes there are none."""

    expects = "a folder with one folder of pictures for each class"

    def documents(self, path: Path) -> list[Path]:
        """Return the folders that hold pictures."""
        if not path.is_dir():
            return []
        return sorted({one.parent for one in path.rglob("*") if one.suffix.lower() in PICTURES and one.parent != path})

    def read(self, document: Path) -> Iterator[Entry]:
        """Yield the pictures of one class."""
        pictures = sorted(one for one in document.iterdir() if one.suffix.lower() in PICTURES and one.is_file())
        for number, path in enumerate(pictures, start=1):
            name = f"{document.name}/{path.name}"
            try:
                yield LabelledPicture(number, name, None, PictureClass("folders", document.name), path=path)
            except ValueError as error:
                yield bad(number, error, "picture")
