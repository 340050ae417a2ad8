"""A contributor is erased: pictures, copies and hashes are deleted, frozen versions keep tombstones, the books stay."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import Q, QuerySet

from crowd.errors import CrowdError
from crowd.models import Worker
from curation.models import (
    Asset,
    AssetCorners,
    AssetPreview,
    AssetTag,
    DatasetItem,
    DatasetVersion,
    Decision,
    Embedding,
    ErasedItem,
    Erasure,
    Export,
    HeldOutPicture,
    Job,
    Prediction,
    Project,
    TagRun,
    User,
)
from curation.services import assets as moves
from curation.services import collection, control_answers, events, jobs, versions
from curation.services.assets import Move
from curation.services.assets.reasons import ERASED as REASON
from curation.services.jobs import Again
from curation.services.split_rows import contents_of
from curation.services.splits import parts_now
from curation.services.turns import PREDICTIONS, VERSIONS, take_turns

FILES_A_CALL: Final = 500
NOTES: Final = "erased/"
NO_DIGEST: Final = """
    UPDATE crowd_task SET payload = payload || '{"sha256": ""}' WHERE item_id = ANY(%s) AND payload ? 'sha256'
"""
NO_FILE: Final = """
    UPDATE crowd_answerraw SET payload = jsonb_set(payload, '{file}', payload->'file' || '{"sha256": "", "name": ""}')
    WHERE answer_id = ANY(%s) AND jsonb_typeof(payload->'file') = 'object'
"""
OPEN: Final = (Export.State.QUEUED, Export.State.RUNNING, Export.State.DONE)


@dataclass(frozen=True, slots=True)
class Extent:
    """What an erasure would touch."""

    images: int
    versions: dict[str, int]
    exports: int


def assets_of(project: Project, worker: Worker) -> QuerySet[Asset]:
    """Return all that a contributor sent, on all accounts we know to be hers, and the frames of her videos."""
    people = Worker.objects.filter(person_id=worker.person_id) if worker.person_id else Worker.objects.none()
    ids = {worker.pk, *people.values_list("pk", flat=True)}
    mine = Asset.objects.filter(project=project).exclude(reason=REASON)
    return mine.filter(Q(worker_id__in=ids) | Q(parent__worker_id__in=ids))


def extent(project: Project, worker: Worker) -> Extent:
    """Count what would be erased; nothing is changed."""
    mine = assets_of(project, worker)
    items = DatasetItem.objects.filter(asset__in=mine.values("pk"))
    held = _by_version(items)
    exports = Export.objects.filter(dataset__in=items.values("dataset"), state=Export.State.DONE).exclude(
        storage_key=""
    )
    return Extent(mine.count(), held, exports.count())


def erase(*, project: Project, worker: Worker, note: str, by: User | None, now: datetime) -> Erasure:
    """Erase a contributor's pictures from the project and from all its versions. It cannot be undone.

    The ledger, bans and the record of decisions stay, without pictures; archives that hold some are deleted. What is
    not judged yet is paid first, so that nobody waits for the project's money while the rest goes.
    """
    collection.pay_unjudged(project=project, photos=assets_of(project, worker), now=now)
    return _erase(project, worker, note, by, now)


@transaction.atomic
def _erase(project: Project, worker: Worker, note: str, by: User | None, now: datetime) -> Erasure:
    _let_nobody_take_in(project)
    mine = list(_locked(assets_of(project, worker)))
    if not mine:
        raise CrowdError("This contributor has no picture here, so there is nothing to erase.")
    ids = [asset.pk for asset in mine]
    items = DatasetItem.objects.filter(asset__in=ids)
    row = Erasure.objects.create(
        project=project,
        pseudonym=worker.short_id,
        note=note.strip()[:300],
        images=len(mine),
        versions=_by_version(items),
        by=by,
        created_at=now,
    )
    row.refresh_from_db(fields=["public_id"])
    touched = list(DatasetVersion.objects.filter(pk__in=items.values("dataset")))
    files = [*_files(mine), *_exports_gone(row, touched)]
    _tombstones(row, items)
    for version in touched:
        version.counts = {**version.counts, **contents_of(version)}
        version.splits = parts_now(version)
        version.save(update_fields=["counts", "splits"])
    collection.withdraw(mine)
    _drop(mine, row, by, now)
    control_answers.withdraw(project_id=project.pk, asset_ids=ids)
    _forget(mine)
    row.files = len(files)
    row.save(update_fields=["files", "exports"])
    payload = {"erasure_id": row.pk, "keys": files, "worker_id": worker.pk}
    jobs.enqueue(kind="erase", key=str(row.pk), project_id=project.pk, payload=payload)
    text = f"{worker.short_id} was erased: {len(mine):,} pictures, {len(touched):,} versions keep tombstones."
    events.record(kind="erasure.done", text=text, project=project, subject=row, by=by, now=now)
    versions.bump(project_id=project.pk)
    return row


def _let_nobody_take_in(project: Project) -> None:
    """Nobody begins a version, adds to one or says something of its pictures, until these are erased.

    Versions are locked before pictures, as whoever adds to one does.
    """
    for what in (VERSIONS, PREDICTIONS):
        take_turns(project=project, what=what)
    list(DatasetVersion.objects.filter(project=project).select_for_update().order_by("pk").values_list("pk"))


def _locked(rows: QuerySet[Asset]) -> QuerySet[Asset]:
    related = rows.select_for_update(of=("self",)).select_related("stage", "project", "preview")
    return related.order_by("pk")


def _by_version(items: QuerySet[DatasetItem]) -> dict[str, int]:
    found: dict[str, int] = {}
    for number in items.order_by("dataset__number").values_list("dataset__number", flat=True):
        found[str(number)] = found.get(str(number), 0) + 1
    return found


def _files(mine: Sequence[Asset]) -> Iterator[str]:
    """Name the files of ours; what lies in somebody's own bucket under `s3://` is theirs to delete."""
    for asset in mine:
        yield from (key for key in (asset.storage_key,) if key and not key.startswith("s3://"))
        if hasattr(asset, "preview"):
            yield from filter(None, (asset.preview.thumb_key, asset.preview.screen_key, asset.preview.grey_key))
    digests = [bytes(asset.sha256) for asset in mine]
    held = HeldOutPicture.objects.filter(sha256__in=digests, held_out__project=mine[0].project_id)
    for thumb, grey in held.values_list("thumb_key", "grey_key"):
        yield from {thumb, grey} - {""}
    held.delete()


def _exports_gone(row: Erasure, touched: Sequence[DatasetVersion]) -> Iterator[str]:
    """Take archives that hold erased pictures away, also half packed ones: they can be packed anew without them."""
    wanted = Export.objects.select_for_update(of=("self",)).filter(dataset__in=touched, state__in=OPEN)
    for export in wanted.select_related("dataset").order_by("pk"):
        is_packed = export.state == Export.State.DONE
        if export.state == Export.State.QUEUED or (is_packed and not export.storage_key):
            continue  # nothing is packed: one that waits begins when these are erased
        row.exports.append({"export": str(export.public_id), "version": export.dataset.number, "format": export.format})
        export.error = "The archive is gone: a contributor in it was erased. Export the version again."
        if is_packed:
            yield export.storage_key
            export.storage_key = ""
        else:  # its job sees it and removes what it has packed
            export.move_to(Export.State.FAILED)
            export.finished_at = row.created_at
        export.save(update_fields=["state", "storage_key", "error", "finished_at"])


def _tombstones(row: Erasure, items: QuerySet[DatasetItem]) -> None:
    told = items.values_list("dataset_id", "asset__public_id", "split", "boxes")
    ErasedItem.objects.bulk_create(
        [
            ErasedItem(erasure=row, dataset_id=dataset_id, image=image, split=split, boxes=len(boxes))
            for dataset_id, image, split, boxes in told
        ],
        batch_size=2_000,
    )
    items.delete()


def _drop(mine: Sequence[Asset], row: Erasure, by: User | None, now: datetime) -> None:
    standing = [asset for asset in mine if asset.state != Asset.State.DROPPED]
    evidence = {"erasure": str(row.public_id)}
    moves.decide_all(
        moves=[Move(asset, Decision.Verdict.DROPPED, REASON, evidence) for asset in standing],
        by_kind=Decision.By.PERSON,
        by_id=by.pk if by else None,
        now=now,
    )


def _forget(mine: Sequence[Asset]) -> None:
    """Empty what tells of the picture and its sender; the row stays, because the books point at it."""
    ids, answers = [asset.pk for asset in mine], [asset.answer_id for asset in mine if asset.answer_id]
    for model in (AssetPreview, AssetCorners, AssetTag, TagRun, Embedding, Prediction):
        model.objects.filter(asset__in=ids).delete()
    for asset in mine:
        asset.reason, asset.name, asset.source, asset.storage_key = REASON, "", "", ""
        asset.sha256 = hashlib.sha256(f"erased:{asset.public_id}".encode()).digest()
        asset.worker_id = asset.client_key = asset.phash = asset.hash256 = asset.hash256_trimmed = None
        asset.sharpness = asset.brightness = asset.contrast = None
    fields = ["reason", "name", "source", "storage_key", "sha256", "worker_id", "client_key", "phash", "hash256"]
    Asset.objects.bulk_update(mine, [*fields, "hash256_trimmed", "sharpness", "brightness", "contrast"], batch_size=500)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE curation_publishfinding SET said_by = '', note = '' WHERE asset_id = ANY(%s)", [ids])
        cursor.execute(NO_DIGEST, [ids])
        cursor.execute(NO_FILE, [answers])


def run_erase(job: Job, now: datetime) -> Again | None:
    """Job: delete the files, and leave a note for whoever restores an older backup. A file that is gone is gone."""
    done, keys = int(job.cursor.get("done", 0)), job.payload["keys"]
    if done == 0 and "worker_id" in job.payload:
        _leave_note(job)
    part = keys[done : done + FILES_A_CALL]
    for key in part:
        default_storage.delete(key)
    if done + len(part) < len(keys):
        return Again(cursor={"done": done + len(part)}, done_n=done + len(part), total_n=len(keys))
    Erasure.objects.filter(pk=job.payload["erasure_id"]).update(finished_at=now)
    return None


def _leave_note(job: Job) -> None:
    """Write outside of the database who was erased: ids and the pseudonym."""
    row = Erasure.objects.select_related("project").get(pk=job.payload["erasure_id"])
    name = f"{NOTES}{row.public_id}.json"
    if default_storage.exists(name):
        return
    note = {
        "erasure": str(row.public_id),
        "project": str(row.project.public_id),
        "worker": job.payload["worker_id"],
        "pseudonym": row.pseudonym,
        "at": row.created_at.isoformat(),
    }
    default_storage.save(name, ContentFile(json.dumps(note).encode()))


def tombstones_of(version: DatasetVersion) -> dict[str, str]:
    """Return what was erased from a version since it was frozen: the image and the day."""
    rows = ErasedItem.objects.filter(dataset=version).order_by("image")
    return {str(image): at.date().isoformat() for image, at in rows.values_list("image", "erasure__created_at")}
