"""JSON lines in, values out; every refusal names the line, what stands there and what was expected."""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

from aggregation.core.answers import Box, BoxAnswer, ImageAnswers
from aggregation.core.errors import BadInput

_BOX = itemgetter("x", "y", "w", "h", "label")
_NUMBERS = frozenset((int, float))


@dataclass(frozen=True, slots=True)
class Vote:
    """One worker's label for one task."""

    task: str
    worker: str
    label: str


def documents(lines: Iterable[bytes]) -> Iterator[tuple[int, dict[str, object]]]:
    """Yield the line number and the object of every line that is not blank."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, _object(number, line)


def _object(number: int, line: bytes) -> dict[str, object]:
    try:
        document = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadInput(f"line {number}: byte {error.start + 1} is not UTF-8: expected UTF-8 text") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"line {number}: not JSON: expected one object a line") from error
    if not isinstance(document, dict):
        raise BadInput(f"line {number}: found {_kind(document)}: expected an object")
    return document


def read_images(pairs: Iterable[tuple[int, dict[str, object]]], flags: Sequence[str] = ()) -> Iterator[ImageAnswers]:
    """Yield one image a line, refusing an image that comes twice, and any flag but these where some are named."""
    seen: set[str] = set()
    for number, document in pairs:
        image = parse_image(document, where=f"line {number}")
        _require_new(image.image, seen, number)
        if flags:
            _require_known_flags(image, flags, number)
        yield image


def read_truth(pairs: Iterable[tuple[int, dict[str, object]]]) -> Iterator[tuple[str, tuple[Box, ...]]]:
    """Yield the true boxes of one image a line, refusing an image that comes twice."""
    seen: set[str] = set()
    for number, document in pairs:
        name = _text(document, "image", f"line {number}")
        where = f"line {number}, image {name!r}"
        _require_new(name, seen, number)
        yield name, tuple(_box(box, where) for box in _list(document, "boxes", where))


def _require_new(name: str, seen: set[str], number: int) -> None:
    if name in seen:
        raise BadInput(f"line {number}, image {name!r}: given twice: expected each image once")
    seen.add(name)


def _require_known_flags(image: ImageAnswers, known: Sequence[str], number: int) -> None:
    for answer in image.annotations:
        for flag in answer.flags:
            if flag not in known:
                where = f"line {number}, image {image.image!r}, annotator {answer.annotator!r}"
                raise BadInput(f"{where}: unknown flag {flag!r}: expected one of {', '.join(known)}")


def read_votes(pairs: Iterable[tuple[int, dict[str, object]]]) -> Iterator[Vote]:
    """Yield one vote a line, refusing a worker who votes twice on one task."""
    seen: set[tuple[str, str]] = set()
    for number, document in pairs:
        where = f"line {number}"
        vote = Vote(*(_text(document, key, where) for key in ("task", "worker", "label")))
        if (vote.task, vote.worker) in seen:
            raise BadInput(f"{where}, task {vote.task!r}: worker {vote.worker!r} votes twice: expected one vote each")
        seen.add((vote.task, vote.worker))
        yield vote


def parse_image(document: dict[str, object], where: str = "input") -> ImageAnswers:
    """Return the answers of one image; a ValueError names image, annotator and what was expected."""
    name = _text(document, "image", where)
    here = f"{where}, image {name!r}"
    size = [_size(document, key, here) for key in ("width", "height")]
    answers = tuple(_answer(item, here) for item in _list(document, "annotations", here))
    try:
        return ImageAnswers(name, answers, *size)
    except ValueError as error:
        raise BadInput(f"{where}, {error}") from error


def _answer(item: object, where: str) -> BoxAnswer:
    if not isinstance(item, dict):
        raise BadInput(f"{where}: an annotation is {_kind(item)}: expected an object")
    name = _text(item, "annotator", where)
    here = f"{where}, annotator {name!r}"
    boxes = tuple(_box(box, here) for box in _list(item, "boxes", here))
    flags = _list(item, "flags", here) if item.get("flags") is not None else []
    for flag in flags:
        if not isinstance(flag, str):
            raise BadInput(f"{here}: a flag is {_kind(flag)}: expected a string")
    return BoxAnswer(name, boxes, tuple(str(flag) for flag in flags))


def _box(item: object, where: str) -> Box:
    """Return a box; whatever is odd about it is looked at once more, to say what."""
    if isinstance(item, dict):
        try:
            x, y, w, h, label = _BOX(item)
            if _NUMBERS.issuperset((type(x), type(y), type(w), type(h))) and isinstance(label, str):
                return Box(float(x), float(y), float(w), float(h), label)
        except (KeyError, ValueError, OverflowError):
            pass
    return _odd_box(item, where)


def _odd_box(item: object, where: str) -> Box:
    if not isinstance(item, dict):
        raise BadInput(f"{where}: a box is {_kind(item)}: expected an object with x, y, w, h, label")
    x, y, w, h = (_number(item, key, where) for key in ("x", "y", "w", "h"))
    label = _text(item, "label", where)
    try:
        return Box(x, y, w, h, label)
    except ValueError as error:
        raise BadInput(f"{where}: {error}") from error


def _size(document: dict[str, object], key: str, where: str) -> float | None:
    if document.get(key) is None:
        return None
    value = _number(document, key, where)
    if not (math.isfinite(value) and value > 0):
        raise BadInput(f"{where}: {key!r} is {value:g}: expected a number above 0")
    return value


def _number(document: dict[str, object], key: str, where: str) -> float:
    value = _present(document, key, where)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput(f"{where}: {key!r} is {_kind(value)}: expected a number")
    try:
        return float(value)
    except OverflowError as error:
        raise BadInput(f"{where}: {key!r} is too large: expected a number of pixels") from error


def _text(document: dict[str, object], key: str, where: str) -> str:
    value = _present(document, key, where)
    if not isinstance(value, str):
        raise BadInput(f"{where}: {key!r} is {_kind(value)}: expected a string")
    return value


def _list(document: dict[str, object], key: str, where: str) -> list[object]:
    value = _present(document, key, where)
    if not isinstance(value, list):
        raise BadInput(f"{where}: {key!r} is {_kind(value)}: expected a list")
    return value


def _present(document: dict[str, object], key: str, where: str) -> object:
    if key not in document:
        raise BadInput(f"{where}: the key {key!r} is missing: expected it on every such object")
    return document[key]


_KINDS = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}


def _kind(value: object) -> str:
    return _KINDS.get(type(value), f"the number {value}")
