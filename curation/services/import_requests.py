"""Data sets to be imported are asked for, started and cancelled; the job that does it is in `import_jobs`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction

from curation.datasets.formats.registry import READERS, UnknownFormat
from curation.models import DatasetImport, FileUpload, Project, Stage, User
from curation.services import events, held_files, import_audit, jobs, registering
from curation.services.import_check import Held
from curation.services.import_preparing import Wanted
from curation.services.importing import WrongDataset, entry_stage, listed, own_classes

KIND = "import_dataset"
PATIENCE = timedelta(days=3)
MOST_OPEN = 20
State = DatasetImport.State
OPEN = (State.CHECKING, State.CHECKED, State.TAKING_IN)


@dataclass(frozen=True, slots=True)
class ImportWish:
    """How a data set is taken in; `format` empty = recognise it."""

    format: str = ""
    classes: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    licence: str = ""
    stage: Stage | None = None
    audit: float = 0.0
    starts_itself: bool = False


@transaction.atomic
def request_import(
    *,
    project: Project,
    wish: ImportWish,
    by: User,
    upload: FileUpload | None = None,
    address: str = "",
    now: datetime,
) -> DatasetImport:
    """Have a job look into an upload, or into what lies at an address in a bucket that may be read.

    The wish for an upload that is being imported already is answered with that import.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    if upload is not None and (known := DatasetImport.objects.filter(upload=upload).first()):
        return known
    _require_possible(project, wish)
    if upload is not None:
        held_files.hold(upload=upload)
    row = DatasetImport.objects.create(
        project=project,
        created_by=by,
        upload=upload,
        address=address,
        format=wish.format,
        classes=sorted(wish.classes),
        names=dict(wish.names),
        source=wish.source or _called(upload.name if upload else address),
        licence=wish.licence,
        stage=wish.stage,
        audit=wish.audit,
        starts_itself=wish.starts_itself,
        created_at=now,
    )
    row.refresh_from_db()
    jobs.enqueue(kind=KIND, key=str(row.pk), project_id=project.pk)
    text = f"{by.name} asked to import {row.source}."
    events.record(kind="import.requested", text=text, project=project, subject=row, by=by, now=now)
    return row


def require_readable(address: str) -> None:
    """Raise SourceRefused unless the operator lets this be read and the bucket answers."""
    registering.check(address)


def _require_possible(project: Project, wish: ImportWish) -> None:
    if wish.format and wish.format not in READERS:
        raise UnknownFormat(f"{wish.format!r} is not a format we read; there are: {', '.join(sorted(READERS))}.")
    if wish.stage is None:
        entry_stage(project)
    if wish.audit:
        import_audit.stage_of(project)
    if DatasetImport.objects.filter(project=project, state__in=OPEN).count() >= MOST_OPEN:
        raise WrongDataset(f"{MOST_OPEN} imports of this project are not done; start or cancel some.")


def _called(name: str) -> str:
    """Return what a data set is called whose source nobody has named."""
    last = name.rstrip("/").rpartition("/")[2]
    return last.removesuffix(".zip")[:120] or "import"


@transaction.atomic
def start_import(
    *,
    import_id: int,
    by: User,
    classes: frozenset[str] | None = None,
    names: Mapping[str, str] | None = None,
    now: datetime,
) -> DatasetImport:
    """Take a data set in that was looked into; classes and names that are not given stay as they were asked for."""
    row = DatasetImport.objects.select_for_update(of=("self",)).select_related("project").get(pk=import_id)
    row.require(State.CHECKED)
    row.classes = row.classes if classes is None else sorted(classes)
    row.names = row.names if names is None else dict(names)
    require_classes(row)
    row.move_to(State.TAKING_IN)
    row.save(update_fields=["state", "classes", "names"])
    jobs.wake(kind=KIND, key=str(row.pk), project_id=row.project_id)
    text = f"{by.name} started the import of {row.source}."
    events.record(kind="import.started", text=text, project=row.project, subject=row, by=by, now=now)
    return row


def wanted(row: DatasetImport) -> Wanted:
    return Wanted(frozenset(row.classes), row.names)


def held(row: DatasetImport) -> Held | None:
    """Return what the data set holds, and what becomes of each class as things stand; None before it was counted."""
    return Held.read(row.held).chosen(wanted(row), own_classes(row.project)) if row.held else None


def require_classes(row: DatasetImport) -> None:
    """Raise WrongDataset unless something is taken, and every class that is has a place in the project."""
    found = held(row)
    theirs = [one.name for one in found.classes] if found else []
    unknown = [name for name in [*row.classes, *row.names] if name not in theirs]
    if unknown:
        raise WrongDataset(f"The file has no class {listed(unknown)}; it has {listed(theirs)}.")
    if found is None or not found.classes:
        raise WrongDataset("The file holds no class, so there is nothing to take in.")
    homeless = [one.name for one in found.classes if one.is_taken and one.becomes is None]
    if homeless:
        ours = ", ".join(own_classes(row.project).values())
        raise WrongDataset(
            f"{listed(homeless)}: no class of {row.project.slug}, which has {ours}. Choose others, or map them."
        )


@transaction.atomic
def cancel_import(*, import_id: int, by: User | None, now: datetime) -> DatasetImport:
    """Stop an import that is not done; its job deletes whatever it has prepared."""
    row = DatasetImport.objects.select_for_update(of=("self",)).select_related("project").get(pk=import_id)
    row.move_to(State.CANCELLED)
    row.finished_at = now
    row.save(update_fields=["state", "finished_at"])
    jobs.wake(kind=KIND, key=str(row.pk), project_id=row.project_id)
    text = f"{by.name} cancelled the import of {row.source}." if by else f"Nobody started the import of {row.source}."
    events.record(kind="import.cancelled", text=text, project=row.project, subject=row, by=by, now=now)
    return row


def forget_unstarted(*, now: datetime) -> int:
    """Cancel imports that nobody has started for days: their files take room."""
    old = DatasetImport.objects.filter(state=State.CHECKED, created_at__lt=now - PATIENCE)
    ids = list(old.values_list("pk", flat=True))
    for import_id in ids:
        cancel_import(import_id=import_id, by=None, now=now)
    return len(ids)
