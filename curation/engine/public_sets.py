"""Public data sets as a rehearsal needs them: several formats, each with names and other things of its own."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from crowd.emulators.search.drawing import draw
from crowd.emulators.search.world import says
from crowd.rehearsal.pictures.truth import Truth
from curation.datasets.formats.base import BoxRecord, ImageRecord, LabelClass
from curation.datasets.formats.registry import writer
from curation.engine.search_plan import ClassShare

FORMATS = ("coco", "voc", "yolo")
STRANGE = "van"  # a class of theirs that nobody asked for
Learn = Callable[[bytes, dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class PublicSet:
    """A data set on disk: `names` are the classes of it that are wanted, and what they are called here."""

    name: str
    path: Path
    form: str
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Drawn:
    file_name: str
    data: bytes
    truth: Truth
    label: int


def write_sets(folder: Path, *, seed: str, shares: Sequence[ClassShare], learn: Learn) -> Iterator[PublicSet]:
    """Write the public images of each class, dealt out to the formats in turn; every set has one strange image more."""
    for number, form in enumerate(FORMATS):
        classes = [LabelClass(index, _theirs(one.name, number)) for index, one in enumerate(shares)]
        strange = LabelClass(len(classes), STRANGE)
        drawn = [*_pictures(seed, number, shares), _one(seed, f"{form}-strange", STRANGE, 1, strange.index)]
        files = {one.file_name: one.data for one in drawn}
        out = folder / form
        records = (_record(one) for one in drawn)
        writer(form).write(out, [*classes, strange], records, partial(_bytes_of, files))
        for one in drawn:
            learn(one.data, one.truth.to_json())
        held = {one.label for one in drawn}
        names = {_theirs(one.name, number): one.name for index, one in enumerate(shares) if index in held}
        if names:  # of so few images that a set has none, nobody imports it
            yield PublicSet(f"public set {number + 1}", out, form, names)


def _bytes_of(files: Mapping[str, bytes], record: ImageRecord) -> bytes:
    return files[record.file_name]


def _theirs(name: str, number: int) -> str:
    """Return what a class is called in a set: no two agree on it."""
    return (name, name.capitalize(), f"{name}s")[number % 3]


def _pictures(seed: str, number: int, shares: Sequence[ClassShare]) -> Iterator[_Drawn]:
    for label, share in enumerate(shares):
        things = share.things[share.crawled :]
        for place in range(number, len(things), len(FORMATS)):
            yield _one(seed, f"{share.name}-{place}", share.name, things[place], label)


def _one(seed: str, name: str, shape: str, things: int, label: int) -> _Drawn:
    return _Drawn(f"{name}.jpg", *draw(f"{seed} public {name}", shape, things, says(shape, name)), label)


def _record(one: _Drawn) -> ImageRecord:
    boxes = tuple(BoxRecord(one.label, box.x, box.y, box.w, box.h) for box in one.truth.boxes)
    return ImageRecord(one.file_name, one.truth.width, one.truth.height, boxes)
