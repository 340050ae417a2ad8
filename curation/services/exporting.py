"""Write a frozen version out: records for the formats, pictures without metadata, a zip that survives being killed."""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import file_digest
from io import BytesIO
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction

from curation.datasets import packing
from curation.datasets.formats import receipt as receipts
from curation.datasets.formats.base import About, BadRecord, BoxRecord, Counts, ImageRecord
from curation.datasets.formats.base import LabelClass as FormatClass
from curation.datasets.formats.registry import writer
from curation.datasets.packing import Busy, Entry, Pack
from curation.models import Asset, DatasetItem, DatasetVersion, Export, Job
from curation.preprocessing.copies import derivative
from curation.preprocessing.limits import PICTURE_LIMITS, Unreadable
from curation.preprocessing.pool import full_size_pool
from curation.services import events, versions
from curation.services.jobs import Again

READ_AT_ONCE = 1_000
SLICE = 40
SECONDS_A_RUN = 150.0
JPEG_QUALITY = 92
STUB = b"winnow: picture to come, "
LAYOUT = "layout"


@dataclass(frozen=True, slots=True)
class Written:
    """An export in a folder, with everything its receipt says."""

    path: Path
    receipt: receipts.Receipt


# --- records --------------------------------------------------------------------------------------------------------
def classes_of(version: DatasetVersion) -> list[FormatClass]:
    """Category ids count from 1, are the class's own index plus one, and so never move; retired classes stay."""
    rows = version.project.classes.order_by("index").values_list("index", "name")
    return [FormatClass(index + 1, name) for index, name in rows]


def about_of(version: DatasetVersion) -> About:
    """Return what an export is of; nothing in it changes after the version is frozen."""
    created = version.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return About(name=f"winnow/{version.project.slug}-v{version.number}", created=created)


def records_of(version: DatasetVersion) -> Iterator[ImageRecord]:
    """Read the version's records in the order of their ids, in constant memory."""
    items = version.items.select_related("asset", "consensus", "label_class").order_by("asset_id")
    for item in items.iterator(READ_AT_ONCE):
        yield _record(item)


def _record(item: DatasetItem) -> ImageRecord:
    asset = item.asset
    width, height = asset.width or 0, asset.height or 0
    return ImageRecord(
        file_name=f"{asset.public_id}.jpg",
        width=width,
        height=height,
        boxes=tuple(_box(box, width, height) for box in item.boxes),
        attributes=_attributes(item),
        split=item.split or None,
        sha256=bytes(asset.sha256).hex(),
    )


def _box(box: dict[str, Any], width: int, height: int) -> BoxRecord:
    sides = (round(box[side] * of, 3) for side, of in (("x", width), ("y", height), ("w", width), ("h", height)))
    x, y, w, h = sides
    return BoxRecord(box["index"] + 1, x, y, w, h, box.get("confidence"))


def _attributes(item: DatasetItem) -> dict[str, str | int | float | bool | None]:
    """What is known of a picture beside its boxes; never who sent it."""
    found: dict[str, str | int | float | bool | None] = {}
    if item.label_class is not None:
        found["class"] = item.label_class.name
    if item.consensus is not None:
        found |= {"status": item.consensus.status, "confidence": item.consensus.confidence}
        if item.consensus.method == "person":
            found["adjusted"] = True
    if item.asset.licence:
        found["licence"] = item.asset.licence
    return found


def expected(version: DatasetVersion) -> Counts:
    counts = version.counts
    return Counts(images=counts["images"], boxes=counts["boxes"], negatives=counts["negatives"])


def clean_picture(asset: Asset) -> bytes:
    """Return the picture upright, at full size, as a JPEG with no metadata in it, made in a limited child process."""
    try:
        with default_storage.open(asset.storage_key, "rb") as file:
            data = file.read()
        return full_size_pool().run(derivative, data, PICTURE_LIMITS.max_side, JPEG_QUALITY, "JPEG")
    except (Unreadable, OSError) as error:
        raise BadRecord(f"{asset.public_id}: the stored picture cannot be read: {error}") from error


# --- into a folder --------------------------------------------------------------------------------------------------
def export_to(
    *,
    path: Path,
    version: DatasetVersion,
    format: str,
    with_images: bool = True,
    about: About | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Written:
    """Write a version into a new folder, receipt included; nothing appears there unless all of it is written."""
    wanted = expected(version)

    def counted() -> Iterator[ImageRecord]:
        for number, record in enumerate(records_of(version), start=1):
            yield record
            if progress:
                progress(number, wanted.images)

    def picture(record: ImageRecord) -> bytes:
        return clean_picture(Asset.objects.get(project=version.project, public_id=Path(record.file_name).stem))

    target = writer(format, about or about_of(version))
    written = target.write(path, classes_of(version), counted(), picture if with_images else None)
    receipt = receipts.make_receipt(path, format, expected=wanted, written=written)
    receipts.save_receipt(path, receipt)
    return Written(path, receipt)


# --- into one zip, by a job -----------------------------------------------------------------------------------------
def run_export(job: Job, now: datetime) -> Again | None:
    """Pack for at most a few minutes, then ask to be called again; what is packed stays packed."""
    export = Export.objects.select_related("dataset__project").get(pk=job.payload["export_id"])
    if export.state in {Export.State.DONE, Export.State.FAILED}:
        return None
    folder = Path(settings.DATA_DIR) / "exports" / str(export.public_id)
    try:
        with packing.only_packer(folder):
            return _pack(export, folder, now)
    except Busy:
        return Again(after=5.0, cursor=job.cursor)
    except (BadRecord, receipts.CountsDiffer) as error:
        _fail(export, str(error), now)
    shutil.rmtree(folder, ignore_errors=True)
    return None


def _pack(export: Export, folder: Path, now: datetime) -> Again | None:
    if export.state == Export.State.QUEUED:
        export.move_to(Export.State.RUNNING)
        export.save(update_fields=["state"])
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
        _note_progress(export, pack.committed.entries)
    _finish(export, pack, paths, now)
    shutil.rmtree(folder, ignore_errors=True)
    return None


def _lay_out(export: Export, layout: Path) -> None:
    """Let the format write everything but the pixels: a stub stands where each picture will be."""
    stub = (lambda record: STUB + record.file_name.encode()) if export.with_images else None
    version = export.dataset
    written = writer(export.format, about_of(version)).write(layout, classes_of(version), records_of(version), stub)
    wanted = expected(version)
    if written != wanted:
        shutil.rmtree(layout)
        raise receipts.CountsDiffer(f"{wanted} were to be written, but {written} were; the export is not usable")


def _entries(export: Export, layout: Path, paths: Sequence[Path]) -> list[Entry]:
    stubs = {path: _stub(path) for path in paths}
    names = [name for name in stubs.values() if name is not None]
    found = Asset.objects.filter(project_id=export.dataset.project_id, public_id__in=names)
    assets = {asset.public_id: asset for asset in found}
    return [_entry(path.relative_to(layout).as_posix(), path, stubs[path], assets) for path in paths]


def _stub(path: Path) -> UUID | None:
    """Return which asset's picture belongs here; None for a file that is complete."""
    if path.stat().st_size > 2 * len(STUB) + 64:
        return None
    data = path.read_bytes()
    return UUID(Path(data.removeprefix(STUB).decode()).stem) if data.startswith(STUB) else None


def _entry(name: str, path: Path, picture: UUID | None, assets: dict[UUID, Asset]) -> Entry:
    if picture is None:
        return Entry(name, path.stat().st_size, lambda: path.open("rb"))
    if picture not in assets:
        raise BadRecord(f"{picture}: the picture was deleted after the version was frozen")
    asset = assets[picture]

    def read() -> IO[bytes]:
        return BytesIO(clean_picture(asset))

    return Entry(name, asset.bytes or 0, read)


def _note_progress(export: Export, entries: int) -> None:
    export.progress = min(entries, export.dataset.counts["images"])
    Export.objects.filter(pk=export.pk, state=Export.State.RUNNING).update(progress=export.progress)


def _finish(export: Export, pack: Pack, paths: Sequence[Path], now: datetime) -> None:
    """Add the receipt, put the archive into the storage, and say so in one transaction."""
    counts, files = expected(export.dataset), pack.sums()[: len(paths)]
    receipt = receipts.Receipt(
        export.format, counts.images, counts.boxes, counts.negatives, receipts.manifest_digest(files), files
    )
    if pack.committed.entries == len(paths):
        text = json.dumps(asdict(receipt), ensure_ascii=False, indent=1) + "\n"
        pack.add([packing.in_memory(receipts.NAME, text.encode())])
    key = f"exports/{export.public_id}.zip"
    default_storage.delete(key)
    with pack.path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
        file.seek(0)
        key = default_storage.save(key, File(file))
    whole = {"zip_sha256": digest, "zip_bytes": pack.path.stat().st_size}
    short = {**asdict(receipt), "files": len(files), **whole}
    _close(export.pk, key, short, now)


@transaction.atomic
def _close(export_id: int, key: str, receipt: dict[str, Any], now: datetime) -> None:
    export = Export.objects.select_for_update(of=("self",)).select_related("dataset__project").get(pk=export_id)
    if export.state != Export.State.RUNNING:
        return
    export.move_to(Export.State.DONE)
    export.storage_key, export.receipt, export.finished_at = key, receipt, now
    export.progress = receipt["images"]
    export.save(update_fields=["state", "storage_key", "receipt", "finished_at", "progress"])
    project = export.dataset.project
    text = f"The export of {export.dataset} as {export.format} is ready: {receipt['images']:,} images."
    events.record(kind="export.done", text=text, project=project, subject=export, by=export.created_by, now=now)
    versions.bump(project_id=project.pk)


@transaction.atomic
def _fail(export: Export, sentence: str, now: datetime) -> None:
    export.move_to(Export.State.FAILED)
    export.error, export.finished_at = sentence[:300], now
    export.save(update_fields=["state", "error", "finished_at"])
    project = export.dataset.project
    text = f"The export of {export.dataset} as {export.format} failed."
    events.record(kind="export.failed", text=text, project=project, subject=export, by=export.created_by, now=now)
    versions.bump(project_id=project.pk)
