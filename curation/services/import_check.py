"""Does a data set hold my classes? Counted before anything is copied."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from curation.datasets.formats.reading.base import BadDocument, BadEntry, LabelledPicture
from curation.datasets.formats.registry import reader as reader_of
from curation.intake.listing import file_of
from curation.models import Project
from curation.services.import_preparing import Wanted, names_of
from curation.services.importing import MOST_NAMED, WrongDataset, documents, own_classes, plain

MOST_LETTERS = 300


@dataclass(frozen=True, slots=True)
class ClassHeld:
    """A class of the file: in how many pictures, how many boxes, and what it would become (None = no class here)."""

    name: str
    pictures: int
    boxes: int
    becomes: str | None
    is_taken: bool


@dataclass(frozen=True, slots=True)
class Held:
    """What a data set holds; `missing` pictures are told of but do not lie beside it."""

    pictures: int
    empty: int
    missing: int
    wrong: int
    classes: tuple[ClassHeld, ...]
    problems: tuple[str, ...] = ()  # the first entries that are wrong

    @property
    def can_be_taken(self) -> bool:
        taken = [one for one in self.classes if one.is_taken]
        return bool(taken) and all(one.becomes is not None for one in taken)

    def chosen(self, wanted: Wanted, ours: Mapping[str, str]) -> "Held":
        """Return what becomes of the classes by another choice, with the project's classes by their plain names."""
        return replace(self, classes=tuple(_becoming(one, wanted, ours) for one in self.classes))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> "Held":
        counts = {name: told[name] for name in ("pictures", "empty", "missing", "wrong")}
        classes = tuple(ClassHeld(**one) for one in told["classes"])
        return cls(**counts, classes=classes, problems=tuple(told["problems"]))


def _becoming(one: ClassHeld, wanted: Wanted, ours: Mapping[str, str]) -> ClassHeld:
    becomes = ours.get(plain(wanted.names.get(one.name, one.name)))
    return replace(one, becomes=becomes, is_taken=wanted.takes(one.name))


def look_into(
    *, project: Project, path: Path, form: str, wanted: Wanted, progress: Callable[[int], None] | None = None
) -> Held:
    """Read the whole data set and store nothing. Raises WrongDataset."""
    tally = _Tally()
    reader = reader_of(form)
    try:
        for document in documents(reader, path):
            for entry in reader.read(document):
                tally.add(document, entry)
                if progress:
                    progress(tally.pictures + tally.wrong)
    except BadDocument as error:
        raise WrongDataset(str(error)) from None
    return tally.held(wanted, own_classes(project))


class _Tally:
    def __init__(self) -> None:
        self.pictures = self.empty = self.missing = self.wrong = 0
        self.in_pictures: Counter[str] = Counter()
        self.boxes: Counter[str] = Counter()
        self.problems: list[str] = []

    def add(self, document: Path, entry: LabelledPicture | BadEntry) -> None:
        if isinstance(entry, BadEntry):
            self.wrong += 1
            if len(self.problems) < MOST_NAMED:
                self.problems.append(f"{document.name}: {entry.sentence}"[:MOST_LETTERS])
            return
        names = names_of(entry)
        self.pictures += 1
        self.empty += not names
        self.missing += entry.path is None and file_of(document, entry.source) is None
        self.in_pictures.update(names)
        self.boxes.update(box.name for box in (entry.boxes.boxes if entry.boxes else ()))

    def held(self, wanted: Wanted, ours: Mapping[str, str]) -> Held:
        classes = tuple(
            ClassHeld(name, n, self.boxes[name], None, is_taken=True) for name, n in sorted(self.in_pictures.items())
        )
        told = Held(self.pictures, self.empty, self.missing, self.wrong, classes, tuple(self.problems))
        return told.chosen(wanted, ours)
