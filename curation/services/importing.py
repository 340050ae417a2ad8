"""Labelled pictures of somebody else's become assets with boxes; the same file again changes nothing.

Boxes from a file are a version of the consensus like any other (method "import"): they say where they come from, a
review can correct them, and what people of ours have said is never overwritten.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from crowd.errors import CrowdError
from curation.datasets.formats import receipt as receipts
from curation.datasets.formats.reading.base import (
    BadDocument,
    BadEntry,
    Boxes,
    Entry,
    LabelledPicture,
    NamedBox,
    Reader,
)
from curation.datasets.formats.registry import reader as reader_of
from curation.intake.found import read_limited
from curation.intake.listing import MAX_KEY, file_of
from curation.models import Asset, LabelClass, Project, Stage, User
from curation.preprocessing.limits import Unreadable
from curation.services import events
from curation.services.imported_boxes import OutsideThePicture, fractions, store
from curation.services.ingest import Incoming, RefusedFile, take

AFTER_LABELLING = ("review", "publish")
MOST_NAMED = 12


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which classes of the file are taken (none = all of them), and what they are called here."""

    classes: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)

    def takes(self, name: str) -> bool:
        return not self.classes or name in self.classes


@dataclass(slots=True)
class Imported:
    """What a run has done: lines = new + existing + left out + refused; labels are counted by picture."""

    new: int = 0
    existing: int = 0
    left_out: int = 0
    files_refused: list[RefusedFile] = field(default_factory=list)
    labels: Counter[str] = field(default_factory=Counter)
    boxes: Counter[str] = field(default_factory=Counter)

    @property
    def received(self) -> int:
        return self.new + self.existing + self.left_out + len(self.files_refused)

    def reasons(self) -> dict[str, int]:
        return dict(sorted(Counter(one.reason for one in self.files_refused).items()))


class WrongDataset(CrowdError):
    """Nothing of the file can be taken as it was asked for; nothing was stored."""


class _Refused(Exception):
    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason, self.sentence = reason, sentence


def import_dataset(
    *,
    project: Project,
    path: Path,
    form: str,
    wanted: Wanted,
    stage: Stage | None = None,
    by: User | None = None,
    now: datetime,
    progress: Callable[[int], None] | None = None,
) -> Imported:
    """Take a labelled data set in: the whole file is read and its classes are checked before anything is stored.

    Raises WrongDataset. Interrupted, the next run goes on.
    """
    reader = reader_of(form)
    try:
        files = documents(reader, path)
        classes = _classes(project, _entries(reader, files), wanted)
        run = _Run(project, stage or entry_stage(project), wanted, classes, now)
        for file in files:
            for entry in reader.read(file):
                run.take_entry(file, entry)
                if progress:
                    progress(run.done.received)
    except BadDocument as error:
        raise WrongDataset(str(error)) from None
    done = run.done
    text = f"{done.new} new of {done.received} pictures, {sum(done.boxes.values())} boxes from {path.name}."
    events.record(kind="assets.imported", text=text, project=project, by=by, now=now)
    return done


def documents(reader: Reader, path: Path) -> list[Path]:
    """Return the documents of a file, of a folder, or of one of our exports."""
    if path.is_dir():
        _require_unchanged(path)
    found = reader.documents(path)
    if not found:
        raise WrongDataset(f"{path} is not {reader.expects}.")
    return found


def _entries(reader: Reader, files: Sequence[Path]) -> Iterator[Entry]:
    for file in files:
        yield from reader.read(file)


def _require_unchanged(folder: Path) -> None:
    """Refuse an export of ours that is not what its receipt says."""
    if not (folder / receipts.NAME).is_file():
        return
    try:
        changed = receipts.changed_files(folder)
    except (ValueError, TypeError, KeyError):
        raise WrongDataset(f"The receipt of {folder} cannot be read.") from None
    if changed:
        raise WrongDataset(f"{folder} is not what its receipt says: {_listed(changed)} changed since the export.")


def entry_stage(project: Project) -> Stage:
    """Return where labelled pictures start: a person's review, else where they are published."""
    by_kind = {stage.kind: stage for stage in project.stages.order_by("-position")}
    for kind in AFTER_LABELLING:
        if kind in by_kind:
            return by_kind[kind]
    raise WrongDataset(f"{project.name} has no stage for labelled pictures; name one with --stage.")


def _classes(project: Project, entries: Iterable[Entry], wanted: Wanted) -> dict[str, LabelClass]:
    """Return the class of the project for every name of the file that is taken."""
    there = Counter(name for entry in entries for name in names_of(entry))
    known = {plain(one.name): one for one in project.classes.filter(retired_at=None)}
    taken = [name for name in there if wanted.takes(name)]
    if wanted.classes and not taken:
        raise WrongDataset(f"0 of {len(there)} classes match; the file has {_listed(there)}.")
    for name in wanted.names:
        if name not in there:
            raise WrongDataset(f"The file has no class {name!r} to map; it has {_listed(there)}.")
    found = {name: known.get(plain(wanted.names.get(name, name))) for name in taken}
    missing = [name for name, label in found.items() if label is None]
    if missing:
        ours = ", ".join(one.name for one in known.values())
        raise WrongDataset(
            f"{_listed(missing)}: no class of {project.slug}, which has {ours}. "
            "Choose with --classes, or rename with --map THEIRS=OURS."
        )
    return {name: label for name, label in found.items() if label is not None}


def own_classes(project: Project) -> dict[str, str]:
    """Return the project's classes by their plain names."""
    return {plain(name): name for name in project.classes.filter(retired_at=None).values_list("name", flat=True)}


def names_of(line: Entry) -> set[str]:
    if isinstance(line, BadEntry):
        return set()
    named = {box.name for box in line.boxes.boxes} if line.boxes else set()
    return named | ({line.picture_class.name} if line.picture_class else set())


def _listed(names: Sequence[str] | Counter[str]) -> str:
    shown = ", ".join(repr(name) for name in list(names)[:MOST_NAMED])
    return f"{shown} and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else shown or "none"


def plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")


class _Run:
    """One run over the lines of a data set."""

    def __init__(
        self, project: Project, stage: Stage, wanted: Wanted, classes: Mapping[str, LabelClass], now: datetime
    ) -> None:
        self._project, self._stage, self._now = project, stage, now
        self._wanted, self._classes = wanted, classes
        self.done = Imported()

    def take_entry(self, file: Path, line: Entry) -> None:
        """Take one picture with its boxes; a line that is wrong is named, and the rest goes on."""
        if isinstance(line, BadEntry):
            self._refuse(f"{file.name}:{line.number}", "bad_line", line.sentence)
            return
        if not self._concerns_us(line):
            self.done.left_out += 1
            return
        try:
            boxes = self._boxes(line)
            asset, is_new = self._picture(file, line)
            self._label(asset, file, line, boxes)
        except Unreadable as refusal:
            self._refuse(line.source, refusal.reason_code, refusal.sentence)
        except _Refused as refusal:
            self._refuse(line.source, refusal.reason, refusal.sentence)
        else:
            self.done.new += is_new
            self.done.existing += not is_new

    def _refuse(self, name: str, reason: str, sentence: str) -> None:
        self.done.files_refused.append(RefusedFile(name, reason, sentence))

    def _concerns_us(self, line: LabelledPicture) -> bool:
        """A picture on which nothing was found belongs to any choice of classes; one with others' classes does not."""
        names = names_of(line)
        return not names or any(self._wanted.takes(name) for name in names)

    def _picture(self, file: Path, line: LabelledPicture) -> tuple[Asset, bool]:
        if line.boxes is None and line.picture_class is None:
            raise _Refused("no_labels", f"line {line.number} has neither boxes nor a class")
        if line.verdict is not None and line.verdict.verdict == "reject":
            raise _Refused("labels_rejected", f"the labels of line {line.number} were found bad by who verified them")
        key, path = _key(line.source), line.path or file_of(file, line.source)
        if path is None:
            known = Asset.objects.filter(project=self._project, client_key=key).first() if key else None
            if known is None:
                raise _Refused("missing", "there is no such picture beside the document")
            _require_size(known, line)
            return known, False
        incoming = Incoming(
            name=path.name,
            data=read_limited(path),
            source=f"{file.name}: {line.source}",
            client_key=key,
            label_class=self._class_of(line),
            licence=_licence(line),
            drawn_on=_drawn_on(line.boxes),
        )
        taken = take(project=self._project, stage=self._stage, incoming=incoming, now=self._now)
        if not taken.is_new:
            _require_size(taken.asset, line)
        return taken.asset, taken.is_new

    def _class_of(self, line: LabelledPicture) -> LabelClass | None:
        """Return the class the line names, else the only one of its boxes that shows something."""
        if line.picture_class is not None:
            return self._classes.get(line.picture_class.name)
        drawn = {self._classes[box.name] for box in self._kept(line) if not self._classes[box.name].is_negative}
        return drawn.pop() if len(drawn) == 1 else None

    def _kept(self, line: LabelledPicture) -> list[NamedBox]:
        return [box for box in line.boxes.boxes if box.name in self._classes] if line.boxes else []

    def _boxes(self, line: LabelledPicture) -> list[dict[str, Any]] | None:
        """Return the boxes that are taken, before the picture is: a line is taken whole or not at all."""
        if line.boxes is None:
            return None
        try:
            return [fractions(box, line.boxes, self._classes[box.name].name) for box in self._kept(line)]
        except OutsideThePicture as error:
            raise _Refused("bad_line", f"line {line.number} is not taken: {error}") from None

    def _label(self, asset: Asset, file: Path, line: LabelledPicture, boxes: list[dict[str, Any]] | None) -> None:
        if boxes is None:
            return
        became = store(asset, self._stage, boxes, _origin(file, line), self._now)
        self.done.labels[became] += 1
        if became in {"new", "changed"}:
            self.done.boxes.update(box["label"] for box in boxes)


def _key(source: str) -> str | None:
    """Return what an address in a bucket is known by; a path says nothing outside of its own data set."""
    return source[-MAX_KEY:] if "://" in source else None


def _drawn_on(boxes: Boxes | None) -> tuple[int, int] | None:
    return None if boxes is None or boxes.is_relative else (boxes.width, boxes.height)


def _licence(line: LabelledPicture) -> str:
    if line.licence:
        return line.licence
    own = line.extra.get("winnow")
    attributes = own.get("attributes") if isinstance(own, dict) else None
    for place in (line.extra, attributes if isinstance(attributes, dict) else {}):
        for name in ("licence", "license"):
            if isinstance(place.get(name), str):
                return str(place[name])
    return ""


def _require_size(known: Asset, line: LabelledPicture) -> None:
    """Boxes in pixels mean nothing on a picture of another size."""
    drawn = _drawn_on(line.boxes)
    if drawn is not None and (known.width, known.height) != drawn:
        size, drawn_on = f"{known.width}x{known.height}", f"{drawn[0]}x{drawn[1]}"
        raise _Refused("other_size", f"the picture is {size}, but its boxes were drawn on {drawn_on}")


def _origin(file: Path, line: LabelledPicture) -> dict[str, Any]:
    label = line.boxes.label if line.boxes else ""
    return {"file": file.name, "line": line.number, "source": line.source, "label": label}
