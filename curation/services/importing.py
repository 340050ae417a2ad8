"""Labelled pictures of somebody else's become assets with boxes; the same file again changes nothing.

Nothing of a data set is in the project before all of it can be: `import_preparing`, then `import_writing`.

Boxes from a file are a version of the consensus like any other (method "import"): they say where they come from, a
review can correct them, and what people of ours have said is never overwritten.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django.db import transaction

from crowd.errors import CrowdError
from curation.datasets.formats import receipt as receipts
from curation.datasets.formats.reading.base import BadDocument, Entry, Reader
from curation.datasets.formats.registry import reader as reader_of
from curation.models import DataSource, LabelClass, Project, Stage, User
from curation.services import events
from curation.services.import_preparing import Choice, Preparing, Wanted, names_of
from curation.services.import_spool import spool_of
from curation.services.import_writing import Writing, Written
from curation.services.ingest import RefusedFile

AFTER_LABELLING = ("review", "publish")
MOST_NAMED = 12


@dataclass(slots=True)
class Imported:
    """What a run has done: lines = new + existing + left out + refused; labels are counted by picture."""

    new: int = 0
    existing: int = 0
    left_out: int = 0
    files_refused: list[RefusedFile] = field(default_factory=list)
    labels: Counter[str] = field(default_factory=Counter)
    boxes: Counter[str] = field(default_factory=Counter)
    also_in: Counter[str] = field(default_factory=Counter)  # pictures that other sources have too
    other_licence: int = 0  # pictures that are here already under another licence

    @property
    def received(self) -> int:
        return self.new + self.existing + self.left_out + len(self.files_refused)

    def reasons(self) -> dict[str, int]:
        return dict(sorted(Counter(one.reason for one in self.files_refused).items()))


@dataclass(frozen=True, slots=True)
class Origin:
    """What the source is called, the licence of pictures that name none, and where a picture lies and may stay."""

    name: str
    licence: str = ""
    address_of: Callable[[Path], str] | None = None


class WrongDataset(CrowdError):
    """Nothing of the file can be taken as it was asked for; nothing was stored."""


def import_dataset(
    *,
    project: Project,
    path: Path,
    form: str,
    wanted: Wanted,
    stage: Stage | None = None,
    origin: Origin | None = None,
    by: User | None = None,
    now: datetime,
    progress: Callable[[int], None] | None = None,
    prepared: Callable[[], None] | None = None,
    written: Callable[[Imported], None] | None = None,
) -> Imported:
    """Take a labelled data set in: read and checked whole, then prepared, then written in one transaction.

    Nothing of it is in the project before all of it is. Interrupted, the next run goes on with what is prepared.
    `prepared` is called after pictures that are new were stored, and may break off.
    `written` is called at the end of that transaction: what it raises takes everything back.
    Raises WrongDataset, ImportRunning.
    """
    reader = reader_of(form)
    origin = origin or Origin(path.name)
    with spool_of(project) as spool:
        try:
            files = documents(reader, path)
            classes = _classes(project, _entries(reader, files), wanted)
            at = stage or entry_stage(project)
            run = Preparing(project, at, Choice(wanted, classes, origin.licence, origin.address_of), spool, prepared)
            for file in files:
                for entry in reader.read(file):
                    run.add(file, entry)
                    if progress:
                        progress(run.read)
            run.finish()
        except BadDocument as error:
            raise WrongDataset(str(error)) from None
        with transaction.atomic():
            source = _source(project, form, origin, now)
            rows = Writing(project, at, source, spool.prepared, now).write(spool.lines())
            done = _imported(run, rows)
            if written:
                written(done)
        spool.clear()
    text = f"{done.new} new of {done.received} pictures, {sum(done.boxes.values())} boxes from {origin.name}."
    events.record(kind="assets.imported", text=text, project=project, by=by, now=now)
    return done


def _imported(run: Preparing, rows: Written) -> Imported:
    return Imported(
        new=rows.new,
        existing=rows.existing,
        left_out=run.left_out,
        files_refused=run.refused,
        labels=rows.labels,
        boxes=rows.boxes,
        also_in=rows.also_in,
        other_licence=rows.other_licence,
    )


def _source(project: Project, form: str, origin: Origin, now: datetime) -> DataSource:
    told = {"format": form, "licence": origin.licence[:120], "created_at": now}
    return DataSource.objects.get_or_create(project=project, name=origin.name[:120], defaults=told)[0]


def documents(reader: Reader, path: Path) -> list[Path]:
    """Return the documents of a file, of a folder, or of one of our exports."""
    if path.is_dir():
        _require_unchanged(path)
    found = reader.documents(path)
    if not found:
        raise WrongDataset(f"{path.name} is not {reader.expects}.")
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
        raise WrongDataset(f"The receipt of {folder.name} cannot be read.") from None
    if changed:
        raise WrongDataset(f"{folder.name} is not what its receipt says: {listed(changed)} changed since the export.")


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
        raise WrongDataset(f"0 of {len(there)} classes match; the file has {listed(there)}.")
    for name in wanted.names:
        if name not in there:
            raise WrongDataset(f"The file has no class {name!r} to map; it has {listed(there)}.")
    found = {name: known.get(plain(wanted.names.get(name, name))) for name in taken}
    missing = [name for name, label in found.items() if label is None]
    if missing:
        ours = ", ".join(one.name for one in known.values())
        raise WrongDataset(
            f"{listed(missing)}: no class of {project.slug}, which has {ours}. "
            "Choose with --classes, or rename with --map THEIRS=OURS."
        )
    return {name: label for name, label in found.items() if label is not None}


def own_classes(project: Project) -> dict[str, str]:
    """Return the project's classes by their plain names."""
    return {plain(one.name): one.name for one in project.classes.all() if one.retired_at is None}


def listed(names: Sequence[str] | Counter[str]) -> str:
    shown = ", ".join(repr(name) for name in list(names)[:MOST_NAMED])
    return f"{shown} and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else shown or "none"


def plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")
