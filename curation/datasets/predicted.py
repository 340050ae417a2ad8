"""Files of predictions: COCO results, or a line of JSON an image. Read whole, judged before anything is kept. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final

import numpy as np

MOST_BOXES: Final = 1_000
LONGEST_VECTOR: Final = 4_096
SLACK: Final = 0.5
"""Of a pixel, by which a box may leave its image."""


class BadPredictions(ValueError):
    """A file of predictions that cannot be taken; the sentence names the line or entry."""


@dataclass(frozen=True, slots=True)
class SaidBox:
    """A predicted box in pixels, top-left origin."""

    label: str
    x: float
    y: float
    w: float
    h: float
    confidence: float
    vector: Sequence[float] = ()

    def fitted(self, wide: int, high: int, where: str) -> dict[str, Any]:
        """Return the box in fractions of its image. Raises BadPredictions if it leaves the image."""
        right, low = self.x + self.w, self.y + self.h
        if self.x < -SLACK or self.y < -SLACK or right > wide + SLACK or low > high + SLACK:
            raise BadPredictions(f"{where}: a box leaves the image of {wide} × {high} pixels; boxes are in pixels.")
        left, top = max(0.0, self.x), max(0.0, self.y)
        sides = {"x": left / wide, "y": top / high}
        sides |= {"w": (min(right, wide) - left) / wide, "h": (min(low, high) - top) / high}
        return {"label": self.label, **sides, "confidence": self.confidence}


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of one image, which `image` names; `where` is its place in the file."""

    image: str
    where: str
    boxes: Sequence[SaidBox] = ()
    label: str | None = None
    confidence: float | None = None
    vector: Sequence[float] = field(default=())
    is_vector_alone: bool = False
    """Nothing is predicted: not a label, nor that there is no box."""

    @property
    def lowest(self) -> float | None:
        """The least sure of what is said; None where nothing is."""
        sure = [box.confidence for box in self.boxes]
        return min(sure) if sure else self.confidence


def read(data: bytes, *, categories: Mapping[int, str], images: Mapping[int, str] | str) -> list[Said]:
    """Read COCO results (a list in brackets) or JSON Lines. `categories` and `images` say what COCO's numbers mean.

    Numbers of images are refused where `images` is a sentence that says why. Raises BadPredictions.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadPredictions("The file is no text in UTF-8; COCO results or JSON Lines are expected.") from None
    found = _coco(text, categories, images) if text.lstrip().startswith("[") else list(_lines(text))
    if not found:
        raise BadPredictions("There is no prediction in the file.")
    seen: dict[str, str] = {}
    for one in found:
        if one.image in seen:
            raise BadPredictions(f"{one.where}: {one.image} was there before, in {seen[one.image]}.")
        seen[one.image] = one.where
    return found


def stem(name: str) -> str:
    """Return the name of an image as exports call it: without folder and ending."""
    return PurePosixPath(name.replace("\\", "/")).stem


# --- COCO results ----------------------------------------------------------------------------------------------------
def _coco(text: str, categories: Mapping[int, str], images: Mapping[int, str] | str) -> list[Said]:
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadPredictions(f"The COCO results are no JSON: {str(error)[:120]}.") from None
    by_image: dict[str, list[SaidBox]] = {}
    for number, entry in enumerate(entries, 1):
        where = f"Entry {number:,}"
        if not isinstance(entry, dict):
            raise BadPredictions(f"{where} is no object with image_id, category_id, bbox and score.")
        image = _coco_image(entry.get("image_id"), images, where)
        label = categories.get(entry.get("category_id")) if isinstance(entry.get("category_id"), int) else None  # type: ignore[arg-type]
        if label is None:
            raise BadPredictions(f"{where}: category {str(entry.get('category_id'))[:20]} is none of the data set.")
        sides = entry.get("bbox")
        if not isinstance(sides, list) or len(sides) != 4:
            raise BadPredictions(f"{where}: bbox is [x, y, width, height] in pixels.")
        box = SaidBox(label, *_sides(sides, where), _confidence(entry.get("score"), where, "score"))
        by_image.setdefault(image, []).append(box)
        _not_too_many(by_image[image], where)
    return [Said(image, f"the results of {image}", boxes) for image, boxes in by_image.items()]


def _coco_image(told: Any, images: Mapping[int, str] | str, where: str) -> str:
    if isinstance(told, int) and not isinstance(told, bool):
        if isinstance(images, str):
            raise BadPredictions(f"{where}: image_id {told} may mean several images: {images}")
        if told not in images:
            raise BadPredictions(f"{where}: image_id {told} is none of our export's; ids count from 1 in its order.")
        return images[told]
    if isinstance(told, str) and told:
        return stem(told)
    raise BadPredictions(f"{where}: image_id is a number of the export, or the name of an image.")


# --- JSON Lines ------------------------------------------------------------------------------------------------------
def _lines(text: str) -> Iterator[Said]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield _line(line, f"Line {number:,}")


def _line(line: str, where: str) -> Said:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        raise BadPredictions(f"{where} is no JSON.") from None
    if not isinstance(told, dict) or not isinstance(told.get("image"), str) or not told["image"]:
        raise BadPredictions(f'{where} is no object with an "image", its id or its name in an export.')
    boxes = told.get("boxes", [])
    if not isinstance(boxes, list):
        raise BadPredictions(f'{where}: "boxes" is a list of objects with label, x, y, w, h and confidence.')
    _not_too_many(boxes, where)
    label = told.get("label")
    if label is not None and not isinstance(label, str):
        raise BadPredictions(f'{where}: "label" is a word.')
    if label is not None and boxes:
        raise BadPredictions(f"{where} has a label of the whole image and boxes; send the one or the other.")
    confidence = _confidence(told.get("confidence"), where, "confidence") if label is not None else None
    said = [_said_box(box, where) for box in boxes]
    vector = _vector(told.get("embedding"), where)
    is_alone = bool(vector) and label is None and "boxes" not in told
    return Said(stem(told["image"]), where, said, label, confidence, vector, is_alone)


def _said_box(box: Any, where: str) -> SaidBox:
    if not isinstance(box, dict) or not isinstance(box.get("label"), str) or not box["label"]:
        raise BadPredictions(f"{where}: a box is an object with label, x, y, w, h and confidence.")
    sides = _sides([box.get(name) for name in "xywh"], where)
    sure = _confidence(box.get("confidence"), where, "the confidence of a box")
    return SaidBox(box["label"], *sides, sure, _vector(box.get("embedding"), where))


def _sides(told: Sequence[Any], where: str) -> tuple[float, float, float, float]:
    if not all(_is_number(one) for one in told):
        raise BadPredictions(f"{where}: x, y, width and height of a box are numbers.")
    x, y, w, h = map(float, told)
    if w <= 0 or h <= 0:
        raise BadPredictions(f"{where}: a box of {w:g} × {h:g} pixels is no box.")
    return x, y, w, h


def _confidence(told: Any, where: str, what: str) -> float:
    if not _is_number(told) or not 0 <= told <= 1:
        raise BadPredictions(f"{where}: {what} is a number from 0 to 1, not {str(told)[:20]}.")
    return float(told)


def _vector(told: Any, where: str) -> Sequence[float]:
    if told is None:
        return ()
    if not isinstance(told, list) or not 2 <= len(told) <= LONGEST_VECTOR or not all(map(_is_number, told)):
        raise BadPredictions(f'{where}: "embedding" is a list of 2 to {LONGEST_VECTOR:,} numbers.')
    kept = np.array(told, dtype=np.float32)
    kept[np.abs(kept) < np.finfo(np.float32).tiny] = 0  # what is smaller is no real number of the database's
    if not kept.any():
        raise BadPredictions(f'{where}: an "embedding" of zeros has no direction.')
    return [float(one) for one in kept]


def _is_number(told: Any) -> bool:
    return isinstance(told, (int, float)) and not isinstance(told, bool) and abs(told) < 1e9


def _not_too_many(boxes: Sequence[Any], where: str) -> None:
    if len(boxes) > MOST_BOXES:
        raise BadPredictions(f"{where}: an image has at most {MOST_BOXES:,} boxes.")
