"""Write a frozen version out: records for the formats, pictures without metadata, a zip that survives being killed."""

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import file_digest
from io import BytesIO
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction

from crowd.clock import database_now
from curation.datasets import packing
from curation.datasets.formats import receipt as receipts
from curation.datasets.formats.base import About, BadRecord, ImageRecord
from curation.datasets.formats.registry import writer
from curation.datasets.packing import Busy, Entry, Pack
from curation.models import Asset, DatasetVersion, Export, Job
from curation.preprocessing.copies import derivative
from curation.preprocessing.limits import PICTURE_LIMITS, Unreadable
from curation.preprocessing.pool import full_size_pool
from curation.services import events, packages, versions
from curation.services.erasing import tombstones_of
from curation.services.export_records import Wish, expected, outlines_lost
from curation.services.export_writing import nothing_left_of, write_into
from curation.services.jobs import Again
from curation.storing.errors import BucketRefused

EVERY_SO_MANY = 1_000
SLICE = 40
SECONDS_A_RUN = 150.0
SECONDS_TO_FROZEN = 5.0  # after which to look again; the end of freezing wakes it sooner
JPEG_QUALITY = 92
STUB = b"winnow: picture to come, "
LAYOUT = "layout"
ENDED = (Export.State.DONE, Export.State.FAILED, Export.State.CANCELLED)


class Cancelled(RuntimeError):
    """Somebody has cancelled the export."""


@dataclass(frozen=True, slots=True)
class Written:
    """An export in a folder, with everything its receipt says."""

    path: Path
    receipt: receipts.Receipt


def clean_picture(asset: Asset, max_side: int | None = None) -> bytes:
    """Return the picture upright, as a JPEG with no metadata in it, made in a limited child process."""
    try:
        with default_storage.open(asset.storage_key, "rb") as file:
            data = file.read()
        return full_size_pool().run(derivative, data, max_side or PICTURE_LIMITS.max_side, JPEG_QUALITY, "JPEG")
    except BucketRefused:  # it may answer when it is asked again
        raise
    except (Unreadable, OSError) as error:
        raise BadRecord(f"{asset.public_id}: the stored picture cannot be read: {error}") from error


# --- into a folder --------------------------------------------------------------------------------------------------
def export_to(
    *,
    path: Path,
    version: DatasetVersion,
    format: str,
    with_images: bool = True,
    max_side: int | None = None,
    since: DatasetVersion | None = None,
    about: About | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Written:
    """Write a version into a new folder, receipt included; nothing appears there unless all of it is written.

    With `since`, only pictures that are new or whose labels differ from that version, and files only of new ones.
    """
    packages.require_ready(version, format, database_now())
    wish = Wish(version, since, max_side)

    def picture(record: ImageRecord) -> bytes:
        asset = Asset.objects.get(project=version.project, public_id=Path(record.file_name).stem)
        try:
            return clean_picture(asset, max_side)
        except BucketRefused as error:
            raise BadRecord(f"{asset.public_id}: {error}") from error

    wanted = expected(wish)
    told = (lambda number: progress(number, wanted.images)) if progress else None
    target = writer(format, about or packages.about_for(version, format))
    written = write_into(path, wish, target, picture if with_images else None, told)
    with nothing_left_of(path):
        receipt = receipts.make_receipt(
            path,
            format,
            expected=wanted,
            written=written,
            erased=tombstones_of(version),
            outlines_as_boxes=outlines_lost(wish, format),
        )
        receipts.save_receipt(path, receipt)
    return Written(path, receipt)


# --- into one zip, by a job -----------------------------------------------------------------------------------------
def folder_of(export: Export) -> Path:
    return Path(settings.DATA_DIR) / "exports" / str(export.public_id)


def wish_of(export: Export) -> Wish:
    return Wish(export.dataset, export.since, export.max_side)


def run_export(job: Job, now: datetime) -> Again | None:
    """Pack for at most a few minutes, then ask to be called again; what is packed stays packed."""
    related = ("dataset__project", "since")
    export = Export.objects.select_related(*related).get(pk=job.payload["export_id"])
    folder = folder_of(export)
    if export.state in ENDED:
        shutil.rmtree(folder, ignore_errors=True)
        return None
    if export.dataset.error:
        _fail(export, f"{export.dataset} could not be frozen: {export.dataset.error}", now)
        return None
    if export.dataset.frozen_at is None:
        return Again(after=SECONDS_TO_FROZEN)
    try:
        with packing.only_packer(folder):
            return _pack(export, folder, now)
    except Busy:
        return Again(after=5.0, cursor=job.cursor)
    except Cancelled:
        pass
    except (BadRecord, receipts.CountsDiffer) as error:
        _fail(export, str(error), now)
    shutil.rmtree(folder, ignore_errors=True)
    return None


def end_dead(*, now: datetime) -> int:
    """End exports whose job has died or was given up: nobody will write them any more."""
    open_ones = Export.objects.filter(state__in=[Export.State.QUEUED, Export.State.RUNNING])
    rows = {str(export.pk): export for export in open_ones.select_related("dataset__project")}
    ended = Job.objects.filter(kind="export", key__in=rows, state__in=[Job.State.DEAD, Job.State.CANCELLED])
    why = dict(ended.values_list("key", "last_error"))
    for export in (rows[key] for key in why):
        told = why[str(export.pk)].partition("BucketRefused: ")[2]
        _fail(export, f"The storage refused: {told}" if told else "It failed again and again; its job says why.", now)
        sweep(export)
    return len(why)


def sweep(export: Export) -> None:
    """Remove what an export has left on the disk, unless a worker is still at it: that one does it."""
    folder = folder_of(export)
    if not folder.exists():
        return
    try:
        with packing.only_packer(folder):
            shutil.rmtree(folder)
    except Busy:
        return


def _pack(export: Export, folder: Path, now: datetime) -> Again | None:
    if export.state == Export.State.QUEUED:
        _begin(export)
    layout = folder / LAYOUT
    if not layout.exists():
        _lay_out(export, layout)
    paths = sorted(path for path in layout.rglob("*") if path.is_file())
    pack, until = Pack(folder), time.monotonic() + SECONDS_A_RUN
    while pack.committed.entries < len(paths):
        if time.monotonic() > until:
            return Again(cursor={"entries": pack.committed.entries}, done_n=export.progress, total_n=len(paths))
        first = pack.committed.entries
        pack.add(_entries(export, layout, paths[first : first + SLICE]))
        if export.with_images:
            _note_progress(export, pack.committed.entries)
    _finish(export, pack, paths, now)
    shutil.rmtree(folder, ignore_errors=True)
    return None


def _begin(export: Export) -> None:
    if not Export.objects.filter(pk=export.pk, state=Export.State.QUEUED).update(state=Export.State.RUNNING):
        raise Cancelled
    export.state = Export.State.RUNNING


def _lay_out(export: Export, layout: Path) -> None:
    """Let the format write everything but the pixels: a stub stands where each picture will be."""
    wish, wanted = wish_of(export), expected(wish_of(export))

    def stub(record: ImageRecord) -> bytes:
        return STUB + record.file_name.encode()

    def told(number: int) -> None:
        if number % EVERY_SO_MANY == 0:
            _note_progress(export, 0 if export.with_images else number)

    target = writer(export.format, packages.about_for(export.dataset, export.format))
    written = write_into(layout, wish, target, stub if export.with_images else None, told)
    if written != wanted:
        shutil.rmtree(layout)
        raise receipts.CountsDiffer(f"{wanted} were to be written, but {written} were; the export is not usable")


def _entries(export: Export, layout: Path, paths: Sequence[Path]) -> list[Entry]:
    stubs = {path: _stub(path) for path in paths}
    names = [name for name in stubs.values() if name is not None]
    found = Asset.objects.filter(project_id=export.dataset.project_id, public_id__in=names)
    assets = {asset.public_id: asset for asset in found}
    return [_entry(path.relative_to(layout).as_posix(), path, stubs[path], assets, export.max_side) for path in paths]


def _stub(path: Path) -> UUID | None:
    """Return which asset's picture belongs here; None for a file that is complete."""
    if path.stat().st_size > 2 * len(STUB) + 64:
        return None
    data = path.read_bytes()
    return UUID(Path(data.removeprefix(STUB).decode()).stem) if data.startswith(STUB) else None


def _entry(name: str, path: Path, picture: UUID | None, assets: dict[UUID, Asset], max_side: int | None) -> Entry:
    if picture is None:
        return Entry(name, path.stat().st_size, lambda: path.open("rb"))
    if picture not in assets:
        raise BadRecord(f"{picture}: the picture was deleted after the version was frozen")
    asset = assets[picture]

    def read() -> IO[bytes]:
        return BytesIO(clean_picture(asset, max_side))

    return Entry(name, asset.bytes or 0, read)


def _note_progress(export: Export, entries: int) -> None:
    """Note how far it is. Raises Cancelled."""
    export.progress = min(entries, export.dataset.counts["images"])
    running = Export.objects.filter(pk=export.pk, state=Export.State.RUNNING)
    if not running.update(progress=export.progress):
        raise Cancelled


def _finish(export: Export, pack: Pack, paths: Sequence[Path], now: datetime) -> None:
    """Add the receipt, put the archive into the storage, and say so in one transaction."""
    wish, files = wish_of(export), pack.sums()[: len(paths)]
    counts = expected(wish)
    receipt = receipts.Receipt(
        export.format,
        counts.images,
        counts.boxes,
        counts.negatives,
        receipts.manifest_digest(files),
        files,
        tombstones_of(export.dataset),
        outlines_lost(wish, export.format),
    )
    if pack.committed.entries == len(paths):
        text = json.dumps(asdict(receipt), ensure_ascii=False, indent=1) + "\n"
        pack.add([packing.in_memory(receipts.NAME, text.encode())])
    key = key_of(export)
    default_storage.delete(key)
    with pack.path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
        file.seek(0)
        key = default_storage.save(key, File(file))
    whole = {"zip_sha256": digest, "zip_bytes": pack.path.stat().st_size}
    short = {**asdict(receipt), "files": len(files), **whole}
    if not _close(export.pk, key, short, now):
        default_storage.delete(key)


def key_of(export: Export) -> str:
    return f"exports/{export.public_id}.zip"


@transaction.atomic
def _close(export_id: int, key: str, receipt: dict[str, Any], now: datetime) -> bool:
    """Return whether the export was still wanted."""
    export = Export.objects.select_for_update(of=("self",)).select_related("dataset__project").get(pk=export_id)
    if export.state != Export.State.RUNNING:
        return False
    export.move_to(Export.State.DONE)
    export.storage_key, export.receipt, export.finished_at = key, receipt, now
    export.progress = receipt["images"]
    export.save(update_fields=["state", "storage_key", "receipt", "finished_at", "progress"])
    project = export.dataset.project
    text = f"The export of {export.dataset} as {export.format} is ready: {receipt['images']:,} images."
    events.record(kind="export.done", text=text, project=project, subject=export, by=export.created_by, now=now)
    versions.bump(project_id=project.pk)
    return True


@transaction.atomic
def _fail(export: Export, sentence: str, now: datetime) -> None:
    if Export.objects.select_for_update().get(pk=export.pk).state in ENDED:
        return
    export.move_to(Export.State.FAILED)
    export.error, export.finished_at = sentence[:300], now
    export.save(update_fields=["state", "error", "finished_at"])
    project = export.dataset.project
    text = f"The export of {export.dataset} as {export.format} failed."
    events.record(kind="export.failed", text=text, project=project, subject=export, by=export.created_by, now=now)
    versions.bump(project_id=project.pk)
