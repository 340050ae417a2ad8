"""Reads YOLO text labels: Ultralytics v5 to v11 (data.yaml) and Darknet (classes.txt beside pictures and labels)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count, product
from pathlib import Path
from typing import Any

import yaml

from .base import (
    MOST_CORNERS,
    PICTURES,
    RELATIVE_SLACK,
    BadDocument,
    Boxes,
    Entry,
    LabelledPicture,
    NamedBox,
    bad,
    bounded,
    in_text,
    outlined,
    relative_box,
    to_its_end,
)

SPLITS = ("train", "val", "valid", "test", "all")
NAMES = ("classes.txt", "obj.names", "_darknet.labels")
MOST_LABELS = 5_000_000


class YoloReader:
    """A picture's labels lie where its path says `labels` for `images`; no file = looked at, nothing there."""

    expects = f"a folder with data.yaml, or with one of {', '.join(NAMES)}"

    def documents(self, path: Path) -> list[Path]:
        """Return the file with the names of the classes."""
        if path.is_file():
            return [path]
        described = [one for one in sorted(path.glob("*.y*ml")) if "names" in _yaml(one)]
        return described[:1] or [path / name for name in NAMES if (path / name).is_file()][:1]

    @to_its_end
    def read(self, document: Path) -> Iterator[Entry]:
        """Yield every picture of every split once."""
        described = document.suffix in {".yaml", ".yml"}
        names = _names(document, _yaml(document)) if described else _listed_names(document)
        pictures = _of_splits(document, _yaml(document)) if described else _below(document.parent)
        numbers, seen = count(1), set()
        for path, split in pictures:
            if path in seen:
                continue
            seen.add(path)
            number = next(numbers)
            try:
                yield _picture(number, path, split, names, document.parent.resolve())
            except ValueError as error:
                yield bad(number, f"{path.name}: {error}", "picture")


def _yaml(document: Path) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(document.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        return {}
    return content if isinstance(content, dict) else {}


def _names(document: Path, content: Mapping[str, Any]) -> dict[int, str]:
    names = content.get("names")
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not all(isinstance(at, int) for at in names):
        raise BadDocument(f"{document.name} has no list of class names under `names`.")
    return {at: str(name) for at, name in names.items()}


def _listed_names(document: Path) -> dict[int, str]:
    lines = document.read_text("utf-8-sig").splitlines()
    return dict(enumerate(line.strip() for line in lines if line.strip()))


def _of_splits(document: Path, content: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yield the pictures that `train`, `val` … name: a folder, a list of pictures, or several of them."""
    here = document.parent.resolve()
    base = _found(here, str(content.get("path") or "."))
    root = base if base is not None and base.is_dir() and base.is_relative_to(here) else here
    for split in (name for name in SPLITS if content.get(name)):
        told = content[split]
        for place in told if isinstance(told, list) else [told]:
            yield from ((path, split) for path in _pictures_at(root, here, str(place)))


def _pictures_at(root: Path, here: Path, place: str) -> Iterator[Path]:
    """Yield what a place means; downloads often begin it with ../ though it lies beside the file."""
    ends = [place, place.removeprefix("../"), place.removeprefix("./")]
    found = next((one for end in ends if (one := _found(root, end)) is not None and one.is_relative_to(here)), None)
    if found is None:
        return
    if found.is_dir():
        yield from (path for path, _ in _below(found))
    else:
        lines = (line.strip() for line in found.read_text("utf-8").splitlines())
        listed = (_found(found.parent, line) for line in lines if line)
        yield from (path for path in listed if path is not None and path.is_file() and path.is_relative_to(here))


def _found(folder: Path, place: str) -> Path | None:
    """Return what lies there; nothing does under a name that no file may have."""
    try:
        return (folder / place).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return None


def _below(folder: Path) -> Iterator[tuple[Path, str]]:
    yield from ((one.resolve(), "") for one in sorted(folder.rglob("*")) if one.suffix.lower() in PICTURES)


def _picture(number: int, path: Path, split: str, names: Mapping[int, str], root: Path) -> LabelledPicture:
    labels = _labels_of(path, root)
    if labels is not None and labels.stat().st_size > MOST_LABELS:
        raise ValueError(f"its labels are longer than {MOST_LABELS} bytes")
    lines = labels.read_text("ascii").splitlines() if labels else []
    boxes = [_box(line.split(), names) for line in lines if line.strip()]
    name = path.relative_to(root).as_posix()
    return LabelledPicture(
        number, name, Boxes.relative("yolo", bounded(boxes)), extra={"split": split} if split else {}, path=path
    )


def _labels_of(picture: Path, root: Path) -> Path | None:
    parts = list(picture.relative_to(root).parts)
    beside = picture.with_suffix(".txt")
    if "images" in parts:
        at = len(parts) - 1 - parts[::-1].index("images")
        parts[at] = "labels"
        beside = root.joinpath(*parts).with_suffix(".txt")
    return beside if beside.is_file() else None


def _box(words: list[str], names: Mapping[int, str]) -> NamedBox:
    """Read `class x y w h [confidence]`, centre and size, or an outline `class x1 y1 x2 y2 …` with its bounding box."""
    index, numbers = in_text(words[0], "class"), [in_text(word, "a number") for word in words[1:]]
    name = names.get(int(index))
    if name is None:
        raise ValueError(f"a box has class {words[0]}, which the names do not list")
    if len(numbers) >= 6 and len(numbers) % 2 == 0:
        return _outlined(name, list(zip(numbers[0::2], numbers[1::2], strict=True)))
    if len(numbers) not in {4, 5}:
        raise ValueError(f"a line has {len(words)} words; class, x, y, width, height are expected")
    x, y, width, height = numbers[:4]
    sides = (x - width / 2, y - height / 2, width, height)
    return relative_box(name, sides, confidence=numbers[4] if len(numbers) == 5 else None)


def _outlined(name: str, corners: list[tuple[float, float]]) -> NamedBox:
    """Return the bounding box with its outline; four corners that are the box's own are a plain box."""
    xs, ys = zip(*corners, strict=True)
    box = relative_box(name, (min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)))
    is_plain = len(corners) == 4 and {*corners} == {*product((min(xs), max(xs)), (min(ys), max(ys)))}
    return box if is_plain or len(corners) > MOST_CORNERS else outlined(box, corners, beside=RELATIVE_SLACK)
