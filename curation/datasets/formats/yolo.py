"""YOLO text labels of Ultralytics v5 to v11: https://docs.ultralytics.com/datasets/detect/ and …/segment/."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

import yaml

from .base import (
    About,
    BoxRecord,
    Counts,
    ImageRecord,
    LabelClass,
    OpenImage,
    checked,
    fresh_folder,
    store_image,
    store_text,
)
from .splits import split_name

DIGITS = 10
STANDING_IN = {"train": ("train", "all"), "val": ("val", "valid", "validation", "test", "all", "train")}


class YoloWriter:
    """Writes `data.yaml`, `labels/SPLIT/NAME.txt` and, if asked, `images/SPLIT/NAME.jpg`.

    YOLO counts classes from zero without gaps: a class's number is its place among all classes of the project, retired
    ones included, so it moves for nobody; `classes.json` says which class is which. A picture without boxes has an
    empty file. The format has no place for confidences, attributes and outlines.
    """

    def __init__(self, about: About) -> None:
        self._about = about

    def write(
        self, out: Path, classes: Sequence[LabelClass], records: Iterator[ImageRecord], open_image: OpenImage | None
    ) -> Counts:
        """Write the data set in constant memory; nothing appears at `out` unless all of it is written."""
        ordered = sorted(classes, key=lambda one: one.index)
        known, places = {one.index: one for one in ordered}, {one.index: at for at, one in enumerate(ordered)}
        counts, splits = Counts(), set()
        with fresh_folder(out) as folder:
            for record in records:
                split = split_name(checked(record, known).split)
                splits.add(split)
                self._write_labels(folder / "labels" / split, record, places)
                if open_image is not None:
                    store_image(folder / "images" / split, record, open_image)
                counts = counts.plus(record)
            _write_yaml(folder, ordered, splits or {split_name(None)})
            numbers = [{"number": places[one.index], "id": one.index, "name": one.name} for one in ordered]
            (folder / "classes.json").write_text(json.dumps(numbers, ensure_ascii=False, indent=1) + "\n", "utf-8")
        return counts

    def _write_labels(self, folder: Path, record: ImageRecord, places: Mapping[int, int]) -> None:
        path = (folder / PurePosixPath(record.file_name)).with_suffix(".txt")
        lines = (f"{places[box.label]} {_fractions(self._numbers(box), record)}\n" for box in record.boxes)
        store_text(path, record, "".join(lines))

    def _numbers(self, box: BoxRecord) -> Iterator[tuple[float, float]]:
        """Yield centre and size."""
        yield box.x + box.width / 2, box.y + box.height / 2
        yield box.width, box.height


class YoloSegWriter(YoloWriter):
    """The same with an outline a line, as training of segmentation wants it: a plain box is written by its corners."""

    def _numbers(self, box: BoxRecord) -> Iterator[tuple[float, float]]:
        """Yield the corners."""
        yield from box.outline or box.corners


def _fractions(numbers: Iterator[tuple[float, float]], record: ImageRecord) -> str:
    sides = (side for x, y in numbers for side in (x / record.width, y / record.height))
    return " ".join(f"{one:.{DIGITS}f}".rstrip("0").rstrip(".") for one in sides)


def _write_yaml(folder: Path, classes: Sequence[LabelClass], splits: set[str]) -> None:
    """Name the splits; training wants two of them, so one that is missing is stood in for."""
    paths = {split: f"images/{split}" for split in sorted(splits)}
    for needed, others in STANDING_IN.items():
        paths.setdefault(needed, f"images/{next((one for one in others if one in splits), min(splits))}")
    content = {"path": ".", **paths, "names": {at: one.name for at, one in enumerate(classes)}}
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    (folder / "data.yaml").write_text(text, encoding="utf-8")
