"""Exports are asked for and cancelled; the job that packs them is in `exporting`."""

from contextlib import suppress
from datetime import datetime

from django.core.files.storage import default_storage
from django.db import transaction

from crowd.errors import CrowdError
from curation.datasets.formats.registry import WRITERS, UnknownFormat
from curation.models import DatasetVersion, Export, Job, User
from curation.services import events, jobs, packages, versions
from curation.services.exporting import key_of, sweep

SMALLEST_SIDE, LARGEST_SIDE = 32, 20_000


def request_export(
    *,
    dataset_id: int,
    format: str,
    by: User | None,
    with_images: bool = True,
    max_side: int | None = None,
    since_id: int | None = None,
    now: datetime,
) -> Export:
    """Queue an export of a version; the job packs it once that is frozen, and writes the receipt.

    `max_side` makes pictures smaller, and their boxes with them. `since_id` is an earlier version of the same project:
    then only what differs from it is exported.
    """
    require_format(format)
    version = DatasetVersion.objects.select_related("project").get(pk=dataset_id)
    if version.error:
        raise CrowdError(f"{version} could not be frozen, so there is nothing to export: {version.error}")
    packages.require_ready(version, format, now)
    if max_side is not None and not SMALLEST_SIDE <= max_side <= LARGEST_SIDE:
        raise CrowdError(f"The longest side is {SMALLEST_SIDE} to {LARGEST_SIDE:,} pixels, not {max_side}.")
    since = _earlier(version, since_id)
    with transaction.atomic():
        export = Export.objects.create(
            dataset=version,
            format=format,
            with_images=with_images,
            max_side=max_side if with_images else None,
            since=since,
            created_by=by,
            created_at=now,
        )
        payload = {"export_id": export.pk}
        jobs.enqueue(kind="export", key=str(export.pk), project_id=version.project_id, payload=payload)
        what = f"what changed from {since} to {version}" if since else str(version)
        text = f"An export of {what} as {format} was asked for."
        events.record(kind="export.requested", text=text, project=version.project, subject=export, by=by, now=now)
        versions.bump(project_id=version.project_id)
    return export


def require_format(name: str) -> None:
    if name not in WRITERS:
        raise UnknownFormat(f"{name!r} is not a format we write; there are: {', '.join(sorted(WRITERS))}.")


def _earlier(version: DatasetVersion, since_id: int | None) -> DatasetVersion | None:
    if since_id is None:
        return None
    since = DatasetVersion.objects.frozen().filter(pk=since_id, project_id=version.project_id).first()
    if since is None or since.pk == version.pk:
        raise CrowdError(f"Changes are counted from another version of the same project, not from {since or since_id}.")
    return since


@transaction.atomic
def cancel_export(*, export_id: int, by: User | None, now: datetime) -> Export:
    """Stop an export that is not done; nothing of it is left."""
    export = Export.objects.select_for_update(of=("self",)).select_related("dataset__project").get(pk=export_id)
    export.move_to(Export.State.CANCELLED)
    export.finished_at = now
    export.save(update_fields=["state", "finished_at"])
    project = export.dataset.project
    text = f"{by.name if by else 'The command line'} cancelled the export of {export.dataset} as {export.format}."
    events.record(kind="export.cancelled", text=text, project=project, subject=export, by=by, now=now)
    versions.bump(project_id=project.pk)
    transaction.on_commit(lambda: _clear(export))
    return export


def begin_again(job: Job) -> None:
    """A person has a job that died tried again: the export that was given up with it waits for it once more."""
    failed = Export.objects.filter(pk=int(job.key), state=Export.State.FAILED)
    failed.update(state=Export.State.QUEUED, progress=0, error="", finished_at=None)


def _clear(export: Export) -> None:
    sweep(export)
    with suppress(OSError):
        default_storage.delete(key_of(export))
