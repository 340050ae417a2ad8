"""Projects out of the way: archived for good order, or in the trash for thirty days and then without their files."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.core.files.storage import default_storage
from django.db import transaction

from crowd.errors import CrowdError
from crowd.models import Task
from curation.models import (
    Asset,
    AssetBatch,
    Crawl,
    Export,
    FileUpload,
    FormerExample,
    HeldOutPicture,
    Instruction,
    Job,
    LabelClass,
    LookalikeSearch,
    Pool,
    Project,
    User,
)
from curation.services import events, jobs, pools
from curation.services.crawling import answers
from curation.services.jobs import Again
from curation.services.lookalikes import arrays

KEPT = timedelta(days=30)
KIND = "empty_trash"
ASSETS_A_SLICE = 300
GIVING_OUT = (Pool.State.OPEN, Pool.State.OPENING)


def ends_at(project: Project) -> datetime | None:
    """Return until when a project in the trash can be brought back."""
    return project.trashed_at + KEPT if project.trashed_at else None


@transaction.atomic
def put(*, project_id: int, name: str, by: User, now: datetime) -> Project:
    """Put a project into the trash; its name must be typed. Pools pause, pages in hand are still judged and paid."""
    project = Project.objects.select_for_update(no_key=True).get(pk=project_id, trashed_at=None)
    if name.strip() != project.name:
        raise CrowdError(f"To put the project into the trash, type its name: {project.name}")
    paused = _pause(project, by, now)
    project.trashed_at = now
    project.save(update_fields=["trashed_at"])
    also = f" {paused:,} of its pools were paused." if paused else ""
    text = f"{by.name} put {project.name} into the trash.{also}"
    events.record(kind="project.trashed", text=text, project=project, subject=project, by=by, now=now)
    return project


def _pause(project: Project, by: User, now: datetime) -> int:
    ids = list(Pool.objects.filter(project=project, state__in=GIVING_OUT).order_by("id").values_list("id", flat=True))
    for pool_id in ids:
        pools.pause_pool(pool_id=pool_id, by=by, now=now, note="The project is in the trash.")
    return len(ids)


@transaction.atomic
def restore(*, project_id: int, by: User, now: datetime) -> Project:
    """Bring a project back as it was; what was paused stays paused."""
    project = Project.objects.select_for_update(no_key=True).get(pk=project_id, trashed_at__isnull=False)
    until = ends_at(project)
    if project.emptied_at is not None or until is None or now > until:
        raise CrowdError(f"{project.name} was in the trash for more than {KEPT.days} days: its files are deleted.")
    project.trashed_at = None
    project.save(update_fields=["trashed_at"])
    text = f"{by.name} brought {project.name} back from the trash."
    events.record(kind="project.restored", text=text, project=project, subject=project, by=by, now=now)
    return project


@transaction.atomic
def archive(*, project_id: int, by: User, now: datetime) -> Project:
    """List a finished project apart. Nothing else changes, and it can come back any time."""
    project = Project.objects.select_for_update(no_key=True).get(pk=project_id, trashed_at=None)
    giving_out = Pool.objects.filter(project=project, state__in=GIVING_OUT).count()
    if giving_out:
        raise CrowdError(f"{giving_out:,} pools are open. Pause or close them, then archive the project.")
    project.archived_at = project.archived_at or now
    project.save(update_fields=["archived_at"])
    events.record(
        kind="project.archived",
        text=f"{by.name} archived the project.",
        project=project,
        subject=project,
        by=by,
        now=now,
    )
    return project


@transaction.atomic
def unarchive(*, project_id: int, by: User, now: datetime) -> Project:
    project = Project.objects.select_for_update(no_key=True).get(pk=project_id, trashed_at=None)
    project.archived_at = None
    project.save(update_fields=["archived_at"])
    text = f"{by.name} took the project out of the archive."
    events.record(kind="project.unarchived", text=text, project=project, subject=project, by=by, now=now)
    return project


# --- after thirty days -----------------------------------------------------------------------------------------------
def empty_due(*, now: datetime) -> None:
    """Have the files of projects deleted that were in the trash for long enough."""
    due = Project.objects.filter(trashed_at__lt=now - KEPT, emptied_at=None)
    for project_id in due.values_list("pk", flat=True):
        jobs.enqueue(kind=KIND, key=str(project_id), project_id=project_id)


def run_empty(job: Job, now: datetime) -> Again | None:
    """Job: delete the files of a project, a slice at a time. Rows, ledger and record stay: they are the books."""
    project = Project.objects.filter(pk=job.project_id or 0, trashed_at__lt=now - KEPT, emptied_at=None).first()
    if project is None:
        return None
    after = int(job.cursor.get("asset", 0))
    rows = Asset.objects.filter(project=project, pk__gt=after).order_by("pk").select_related("preview")
    assets = list(rows[:ASSETS_A_SLICE])
    if assets:
        _delete(key for asset in assets for key in _files_of(asset))
        return Again(cursor={"asset": assets[-1].pk}, done_n=job.done_n + len(assets))
    _delete(_other_files(project))
    for prefix in LookalikeSearch.objects.filter(project=project).values_list("arrays_key", flat=True):
        arrays.delete(prefix)
    Project.objects.filter(pk=project.pk).update(emptied_at=now)
    text = f"{project.name} was in the trash for {KEPT.days} days: its files are deleted."
    events.record(kind="project.emptied", text=text, project=project, subject=project, now=now)
    return None


def _files_of(asset: Asset) -> Iterator[str]:
    yield asset.storage_key
    if hasattr(asset, "preview"):
        yield from (asset.preview.thumb_key, asset.preview.screen_key, asset.preview.grey_key)


def _other_files(project: Project) -> Iterator[str]:
    yield from Export.objects.filter(dataset__project=project).values_list("storage_key", flat=True)
    yield from AssetBatch.objects.filter(project=project).values_list("storage_key", flat=True)
    for parts in FileUpload.objects.filter(project=project).values_list("parts", flat=True):
        yield from parts
    for crawl_id in Crawl.objects.filter(project=project).values_list("pk", flat=True):
        yield from answers.files_of(crawl_id)
    yield from LabelClass.objects.filter(project=project).values_list("example_key", flat=True)
    yield from FormerExample.objects.filter(label_class__project=project).values_list("key", flat=True)
    known = Task.objects.filter(project_id=project.pk, known_answer__isnull=False)
    yield from known.exclude(payload__image_key=None).values_list("payload__image_key", flat=True)
    for shown in Instruction.objects.filter(project=project).values_list("shown", flat=True):
        yield from (piece["key"] for piece in shown)
    for keys in HeldOutPicture.objects.filter(held_out__project=project).values_list("thumb_key", "grey_key"):
        yield from keys


def _delete(keys: Iterator[str]) -> None:
    for key in keys:
        if key:
            default_storage.delete(key)
