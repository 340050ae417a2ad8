"""SageMaker Ground Truth manifests, one JSON line per picture; read back by `reading.groundtruth`.

https://docs.aws.amazon.com/sagemaker/latest/dg/sms-data-output.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

from .base import About, BoxRecord, Counts, ImageRecord, LabelClass, OpenImage, checked, fresh_folder, store_image

DETECTION = "groundtruth/object-detection"
CLASSIFICATION = "groundtruth/image-classification"
VERIFICATION = "groundtruth/label-verification"
WITHOUT_SPLIT = "all"
BUFFER = 1 << 18
COLOURS = 3  # exported pictures are colour JPEGs

_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class GroundTruthWriter:
    """Writes `manifests/SPLIT.manifest` (`all.manifest` without splits) and, if asked, `images/`.

    `class_id` is the class's own index. What the format has no place for goes under the key `winnow`.
    """

    def __init__(self, about: About) -> None:
        if about.label in {"", "source-ref", "winnow"} or about.label.endswith("-metadata"):
            raise ValueError(f"{about.label!r} cannot be the name of the labels; choose another, such as 'labels'")
        self._about = about

    def write(
        self, out: Path, classes: Sequence[LabelClass], records: Iterator[ImageRecord], open_image: OpenImage | None
    ) -> Counts:
        """Write the data set in constant memory; nothing appears at `out` unless all of it is written."""
        known, counts = {one.index: one for one in sorted(classes, key=lambda one: one.index)}, Counts()
        with fresh_folder(out) as folder, ExitStack() as files:
            manifests = _Manifests(folder / "manifests", files)
            for record in records:
                split = checked(record, known).split or WITHOUT_SPLIT
                manifests.of(split).write(_json(manifest_line(record, known, self._about)) + "\n")
                if open_image is not None:
                    store_image(folder / "images", record, open_image)
                counts = counts.plus(record)
            manifests.require_one()
        return counts


class _Manifests:
    """The manifests being written, one for each split."""

    def __init__(self, folder: Path, files: ExitStack) -> None:
        folder.mkdir()
        self._folder, self._files = folder, files
        self._open: dict[str, TextIO] = {}

    def of(self, split: str) -> TextIO:
        if split not in self._open:
            if not split.replace("-", "").replace("_", "").isalnum():
                raise ValueError(f"{split!r} is not a name for a split; use letters, digits, - and _")
            path = self._folder / f"{split}.manifest"
            self._open[split] = self._files.enter_context(path.open("w", encoding="utf-8", buffering=BUFFER))
        return self._open[split]

    def require_one(self) -> None:
        """An empty data set is an empty manifest, not a missing one."""
        if not self._open:
            self.of(WITHOUT_SPLIT)


def manifest_line(record: ImageRecord, classes: Mapping[int, LabelClass], about: About) -> dict[str, Any]:
    """Return one line: the picture, its boxes, the class it was made for, and whatever else is known of it."""
    line: dict[str, Any] = {"source-ref": about.source + record.file_name}
    line |= _detection(record, classes, about)
    line |= _classification(record, classes, about)
    return line | _besides(record)


def _detection(record: ImageRecord, classes: Mapping[int, LabelClass], about: About) -> dict[str, Any]:
    size = {"width": record.width, "height": record.height, "depth": COLOURS}
    metadata: dict[str, Any] = {
        "objects": [{} if box.confidence is None else {"confidence": _plain(box.confidence)} for box in record.boxes],
        "class-map": {str(index): one.name for index, one in classes.items()},
    }
    if record.attributes.get("adjusted") is True:
        metadata["adjustment-status"] = "adjusted"
    return {
        about.label: {"image_size": [size], "annotations": [_annotation(box) for box in record.boxes]},
        f"{about.label}-metadata": metadata | _provenance(DETECTION, about),
    }


def _annotation(box: BoxRecord) -> dict[str, Any]:
    return {
        "class_id": box.label,
        "left": _plain(box.x),
        "top": _plain(box.y),
        "width": _plain(box.width),
        "height": _plain(box.height),
    }


def _classification(record: ImageRecord, classes: Mapping[int, LabelClass], about: About) -> dict[str, Any]:
    """Say the class a picture was made for, where it is one of the data set's."""
    name, key = record.attributes.get("class"), f"{about.label}-class"
    index = next((index for index, one in classes.items() if one.name == name), None)
    if index is None:
        return {}
    return {key: index, f"{key}-metadata": {"class-name": name, **_provenance(CLASSIFICATION, about)}}


def _provenance(kind: str, about: About) -> dict[str, Any]:
    told = {"type": kind, "human-annotated": "yes", "creation-date": about.created, "job-name": about.name}
    return {name: value for name, value in told.items() if value}


def _besides(record: ImageRecord) -> dict[str, Any]:
    besides: dict[str, Any] = {}
    if record.sha256 is not None:
        besides["sha256"] = record.sha256
    if record.attributes:
        besides["attributes"] = dict(record.attributes)
    return {"winnow": besides} if besides else {}


def _plain(number: float) -> int | float:
    """Return whole numbers as such: 40, not 40.0."""
    return int(number) if float(number).is_integer() else number
