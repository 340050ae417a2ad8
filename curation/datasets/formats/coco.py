"""COCO object detection: https://cocodataset.org/#format-data, one JSON document per split, written as a stream."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

from .base import About, BoxRecord, Counts, ImageRecord, LabelClass, OpenImage, checked, fresh_folder, store_image

BUFFER = 1 << 18
WITHOUT_SPLIT = "all"


_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class _Document:
    """One COCO file being written: images go straight in, annotations wait in a file beside it."""

    def __init__(self, path: Path, classes: Sequence[LabelClass], about: About, files: ExitStack) -> None:
        self._classes = classes
        self._licences: dict[str, int] = {}
        self._beside = path.with_suffix(".annotations")
        self._file: TextIO = files.enter_context(path.open("w", encoding="utf-8", buffering=BUFFER))
        self._annotations: TextIO = files.enter_context(self._beside.open("w", encoding="utf-8", buffering=BUFFER))
        self._images = 0
        self._boxes = 0
        self._file.write(f'{{"info":{_json(_info(about))},\n"images":[')

    def add(self, record: ImageRecord) -> None:
        self._images += 1
        image = _image(self._images, record, self._licence_of(record))
        self._file.write(("\n" if self._images == 1 else ",\n") + _json(image))
        for box in record.boxes:
            self._boxes += 1
            line = _json(_annotation(self._boxes, self._images, box))
            self._annotations.write(("\n" if self._boxes == 1 else ",\n") + line)

    def _licence_of(self, record: ImageRecord) -> int | None:
        """Return the licence's number; licences are listed at the end, when all of them have been seen."""
        name = record.attributes.get("licence")
        return self._licences.setdefault(str(name), len(self._licences) + 1) if name else None

    def close(self) -> None:
        self._annotations.close()
        self._file.write('\n],\n"annotations":[')
        self._file.flush()
        with self._beside.open("rb") as annotations:
            shutil.copyfileobj(annotations, self._file.buffer, BUFFER)
        categories = [{"id": one.index, "name": one.name, "supercategory": ""} for one in self._classes]
        licences = [{"id": number, "name": name, "url": _address(name)} for name, number in self._licences.items()]
        self._file.write(f'\n],\n"licenses":{_json(licences)},\n"categories":{_json(categories)}}}\n')
        self._file.close()
        self._beside.unlink()


def _info(about: About) -> dict[str, str]:
    card = about.card
    told = {
        "description": " ".join(part for part in (about.name or "Exported from Winnow", card.description) if part),
        "version": about.version,
        "contributor": "Winnow",
        "url": card.homepage,
        "licence": card.licence,
        "intended_use": card.intended_use,
        "date_created": about.created,
    }
    return {name: value for name, value in told.items() if value}


def _address(licence: str) -> str:
    return licence if licence.startswith(("https://", "http://")) else ""


def _image(number: int, record: ImageRecord, licence: int | None) -> dict[str, Any]:
    line: dict[str, Any] = {
        "id": number,
        "file_name": record.file_name,
        "width": record.width,
        "height": record.height,
    }
    if licence is not None:
        line["license"] = licence
    if record.sha256 is not None:
        line["sha256"] = record.sha256
    if record.attributes:
        line["attributes"] = dict(record.attributes)
    return line


def _annotation(number: int, image: int, box: BoxRecord) -> dict[str, Any]:
    line: dict[str, Any] = {
        "id": number,
        "image_id": image,
        "category_id": box.label,
        "bbox": [box.x, box.y, box.width, box.height],
        "area": box.area,
        "iscrowd": 0,
        "segmentation": box.polygons,
    }
    if box.confidence is not None:
        line["confidence"] = box.confidence
    return line


class CocoWriter:
    """Writes `annotations/SPLIT.json` (`all.json` without splits) and, if asked, `images/`.

    Category ids are the classes' own indexes, so they survive added and retired classes.
    """

    def __init__(self, about: About) -> None:
        self._about = about

    def write(
        self, out: Path, classes: Sequence[LabelClass], records: Iterator[ImageRecord], open_image: OpenImage | None
    ) -> Counts:
        """Write the data set in constant memory; nothing appears at `out` unless all of it is written."""
        known = {one.index: one for one in classes}
        with fresh_folder(out) as folder:
            return self._write(folder, known, records, open_image)

    def _write(
        self,
        folder: Path,
        classes: Mapping[int, LabelClass],
        records: Iterator[ImageRecord],
        open_image: OpenImage | None,
    ) -> Counts:
        annotations, counts = folder / "annotations", Counts()
        annotations.mkdir()
        documents: dict[str, _Document] = {}
        ordered = sorted(classes.values(), key=lambda one: one.index)
        with ExitStack() as files:
            for record in records:
                split = checked(record, classes).split or WITHOUT_SPLIT
                if split not in documents:
                    documents[split] = _Document(_path(annotations, split), ordered, self._about, files)
                documents[split].add(record)
                if open_image is not None:
                    store_image(folder / "images", record, open_image)
                counts = counts.plus(record)
            if not documents:
                documents[WITHOUT_SPLIT] = _Document(_path(annotations, WITHOUT_SPLIT), ordered, self._about, files)
            for document in documents.values():
                document.close()
        return counts


def _path(folder: Path, split: str) -> Path:
    if not split.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"{split!r} is not a name for a split; use letters, digits, - and _")
    return folder / f"{split}.json"
