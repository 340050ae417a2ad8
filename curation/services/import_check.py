"""Does a data set hold my classes? Counted before anything is copied."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from curation.datasets.formats.reading.base import BadDocument, BadEntry, LabelledPicture
from curation.datasets.formats.registry import reader as reader_of
from curation.intake.listing import file_of
from curation.models import Project
from curation.services.import_preparing import Wanted, names_of
from curation.services.importing import WrongDataset, documents, own_classes, plain


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

    @property
    def can_be_taken(self) -> bool:
        taken = [one for one in self.classes if one.is_taken]
        return bool(taken) and all(one.becomes is not None for one in taken)


def look_into(*, project: Project, path: Path, form: str, wanted: Wanted) -> Held:
    """Read the whole data set and store nothing. Raises WrongDataset."""
    tally = _Tally()
    reader = reader_of(form)
    try:
        for document in documents(reader, path):
            for entry in reader.read(document):
                tally.add(document, entry)
    except BadDocument as error:
        raise WrongDataset(str(error)) from None
    return tally.held(wanted, own_classes(project))


class _Tally:
    def __init__(self) -> None:
        self.pictures = self.empty = self.missing = self.wrong = 0
        self.in_pictures: Counter[str] = Counter()
        self.boxes: Counter[str] = Counter()

    def add(self, document: Path, entry: LabelledPicture | BadEntry) -> None:
        if isinstance(entry, BadEntry):
            self.wrong += 1
            return
        names = names_of(entry)
        self.pictures += 1
        self.empty += not names
        self.missing += entry.path is None and file_of(document, entry.source) is None
        self.in_pictures.update(names)
        self.boxes.update(box.name for box in (entry.boxes.boxes if entry.boxes else ()))

    def held(self, wanted: Wanted, ours: Mapping[str, str]) -> Held:
        classes = tuple(
            ClassHeld(name, n, self.boxes[name], ours.get(plain(wanted.names.get(name, name))), wanted.takes(name))
            for name, n in sorted(self.in_pictures.items())
        )
        return Held(self.pictures, self.empty, self.missing, self.wrong, classes)
