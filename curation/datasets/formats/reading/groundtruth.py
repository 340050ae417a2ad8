"""Reads Ground Truth manifests, ours and other people's: a line that is wrong is named by its number, the rest goes on.

Names of label attributes are free; what a line holds is told by the `type` in its metadata.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from curation.datasets.formats.groundtruth import CLASSIFICATION, DETECTION, VERIFICATION

from .base import (
    Boxes,
    Entry,
    LabelledPicture,
    NamedBox,
    PictureClass,
    Verdict,
    bad,
    bounded,
    named_box,
    pixels,
    share,
)
from .documents import json_object, listed, mapping

MAX_LINE = 5_000_000
METADATA = "-metadata"
MANIFEST = ".manifest"
SIDES = ("left", "top", "width", "height")


class GroundTruthReader:
    """Manifests of SageMaker Ground Truth: https://docs.aws.amazon.com/sagemaker/latest/dg/sms-data-output.html."""

    expects = f"a manifest or a folder with *{MANIFEST} in it"

    def documents(self, path: Path) -> list[Path]:
        """Return the manifests of a file, of a folder, or of one of our exports."""
        if path.is_file():
            return [path]
        return sorted(path.glob(f"*{MANIFEST}")) or sorted((path / "manifests").glob(f"*{MANIFEST}"))

    def read(self, document: Path) -> Iterator[Entry]:
        """Yield the lines of a manifest."""
        return read_manifest(document)


def read_manifest(path: Path, *, label: str | None = None) -> Iterator[Entry]:
    """Yield the lines of a manifest. `label` chooses the boxes where a line has several."""
    with path.open("rb") as lines:
        number = 0
        while line := lines.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                yield bad(number, f"it is longer than {MAX_LINE} bytes; the manifest is read no further")
                return
            if line.strip():
                yield read_line(number, line, label=label)


def read_line(number: int, line: bytes, *, label: str | None = None) -> Entry:
    try:
        return _line(number, json_object(line), label)
    except (ValueError, RecursionError) as error:
        return bad(number, str(error))


def _line(number: int, value: dict[str, Any], label: str | None) -> LabelledPicture:
    source = value.pop("source-ref", None)
    if not isinstance(source, str) or not source or "\0" in source:
        raise ValueError('it has no "source-ref" with the address of a picture')
    found = _by_type(value)
    boxes = _chosen(found.get(DETECTION, []), label, "boxes")
    picture_class = _chosen(found.get(CLASSIFICATION, []), None, "classes")
    verdict = _chosen(found.get(VERIFICATION, []), None, "verdicts")
    taken = [name for name in (boxes, picture_class, verdict) if name is not None]
    return LabelledPicture(
        number,
        source,
        _boxes(boxes, value) if boxes else None,
        _picture_class(picture_class, value) if picture_class else None,
        _verdict(verdict, value) if verdict else None,
        extra={key: one for key, one in value.items() if key.removesuffix(METADATA) not in taken},
    )


def _by_type(value: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the label attributes of a line by what they are; one that failed has metadata only and is left out."""
    found: dict[str, list[str]] = {}
    for key, metadata in value.items():
        name = key.removesuffix(METADATA)
        if name != key and name in value and isinstance(metadata, dict):
            found.setdefault(str(metadata.get("type")), []).append(name)
    return found


def _chosen(names: list[str], wanted: str | None, what: str) -> str | None:
    if wanted is not None:
        return wanted if wanted in names else None
    if len(names) > 1:
        raise ValueError(f"it has several {what}: {', '.join(sorted(names))}; say which of them to read")
    return names[0] if names else None


def _boxes(label: str, value: Mapping[str, Any]) -> Boxes:
    body, metadata = mapping(value[label], label), value[label + METADATA]
    sizes, annotations = listed(body, "image_size", label), listed(body, "annotations", label)
    size = mapping(sizes[0] if sizes else None, f"{label}.image_size")
    width, height = pixels(size.get("width"), f"{label} width"), pixels(size.get("height"), f"{label} height")
    objects = listed(metadata, "objects", label + METADATA)
    if len(objects) != len(annotations):
        raise ValueError(f"{label} has {len(annotations)} boxes but its metadata speaks of {len(objects)}")
    names = mapping(metadata.get("class-map", {}), "class-map")
    found = [_box(one, about, names, (width, height)) for one, about in zip(annotations, objects, strict=True)]
    return Boxes(label, width, height, bounded(found), metadata.get("adjustment-status") == "adjusted")


def _box(value: Any, about: Any, names: Mapping[str, Any], size: tuple[int, int]) -> NamedBox:
    box = mapping(value, "a box")
    name = names.get(str(box.get("class_id")))
    if not isinstance(name, str) or not name:
        raise ValueError(f"a box has class_id {box.get('class_id')!r}, which the class-map does not list")
    sides = [box.get(side) for side in SIDES]
    return named_box(name, sides, size, confidence=_confidence(about), called=SIDES)


def _confidence(value: Any) -> float | None:
    return share(mapping(value, "the metadata of a label").get("confidence"), "confidence")


def _picture_class(label: str, value: Mapping[str, Any]) -> PictureClass:
    metadata = value[label + METADATA]
    name = metadata.get("class-name")
    if not isinstance(name, str) or not name:
        raise ValueError(f"{label}{METADATA} has no class-name")
    return PictureClass(label, name, _confidence(metadata))


def _verdict(label: str, value: Mapping[str, Any]) -> Verdict:
    metadata = value[label + METADATA]
    words = {"good": "accept", "bad": "reject"}
    said = metadata.get("class-name")
    if said not in words:
        raise ValueError(f"{label}{METADATA} has the class-name {said!r}; good and bad are known")
    feedback = metadata.get("worker-feedback", [])
    told = feedback if isinstance(feedback, list) else []
    comments = (one.get("comment") for one in told if isinstance(one, dict))
    return Verdict(label, words[said], tuple(str(text) for text in comments if text))
