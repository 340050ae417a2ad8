"""HaGRID's annotations, one JSON object for each class: https://github.com/hukenovs/hagrid."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import Any, TextIO

from .base import About, Counts, ImageRecord, LabelClass, OpenImage, checked, fresh_folder, store_image
from .splits import split_name

WITHOUT_CLASS = "no_class"

_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class HagridWriter:
    """Writes `annotations/SPLIT/CLASS.json` and, if asked, `images/CLASS/NAME.jpg`.

    Boxes are [left, top, width, height] in fractions of the picture; a picture stands under the class it was made for,
    `no_class` without one. Who made a picture is not told: `user_id` is left out.
    """

    def __init__(self, about: About) -> None:
        self._about = about

    def write(
        self, out: Path, classes: Sequence[LabelClass], records: Iterator[ImageRecord], open_image: OpenImage | None
    ) -> Counts:
        """Write the data set in constant memory; nothing appears at `out` unless all of it is written."""
        known, counts = {one.index: one for one in classes}, Counts()
        with fresh_folder(out) as folder, ExitStack() as files:
            documents: dict[tuple[str, str], TextIO] = {}
            for record in records:
                place = (split_name(checked(record, known).split), _folder_name(record.attributes.get("class")))
                first = place not in documents
                if first:
                    path = folder / "annotations" / place[0] / f"{place[1]}.json"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    documents[place] = files.enter_context(path.open("w", encoding="utf-8"))
                stem = str(PurePosixPath(record.file_name).with_suffix(""))
                lead = "{" if first else ","
                documents[place].write(f"{lead}\n{_json(stem)}:{_json(_entry(record, known))}")
                if open_image is not None:
                    store_image(folder / "images" / place[1], record, open_image)
                counts = counts.plus(record)
            for file in documents.values():
                file.write("\n}\n")
            if not documents:
                (folder / "annotations").mkdir()
        return counts


def _entry(record: ImageRecord, classes: Mapping[int, LabelClass]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "bboxes": [
            [box.x / record.width, box.y / record.height, box.width / record.width, box.height / record.height]
            for box in record.boxes
        ],
        "labels": [classes[box.label].name for box in record.boxes],
    }
    if any(box.confidence is not None for box in record.boxes):
        entry["confidences"] = [box.confidence for box in record.boxes]
    if record.attributes:
        entry["attributes"] = dict(record.attributes)
    return entry


def _folder_name(label: object) -> str:
    """Return the class as a name of a file: what a path could trip over becomes an underscore."""
    text = "".join(sign if sign.isalnum() or sign in "-_ " else "_" for sign in str(label or WITHOUT_CLASS)).strip()
    return text or WITHOUT_CLASS
