"""Many pictures in lines of one text: each as base64, as an upload that was sent, or as an address to fetch.

Small batches are answered at once, larger ones are kept and taken in by a job; every line is answered on its own.
"""

import base64
import binascii
import hashlib
import secrets
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Sum

from crowd.clock import database_now
from crowd.errors import CrowdError, StorageRefused
from crowd.fetching import AddressRefused
from curation.models import Asset, AssetBatch, FileUpload, Job, Project, Stage, User
from curation.preprocessing.limits import MEGABYTE, PICTURE_LIMITS, Unreadable
from curation.services import events, file_uploads, ingest, jobs, links, pieces
from curation.services.batch_lines import Answer, Line, Texts, lines_of, read
from curation.services.ingest import Incoming, Taken
from curation.services.jobs import Again
from curation.services.links import Link
from curation.services.pieces import WrongOffset
from curation.services.taking_many import take_many

STATUSES: Final = ("new", "existing", "fetching", "taking_in", "refused")
# What is answered at once: some two seconds of work.
LINES_AT_ONCE, BYTES_AT_ONCE, UPLOADS_AT_ONCE = 500, 20 * MEGABYTE, 16 * MEGABYTE
A_PORTION, BYTES_A_PORTION = 200, 16 * MEGABYTE
UPLOAD, WEIGHT_OF_UPLOAD = b'"upload"', MEGABYTE
SECONDS_A_RUN = 100.0
KEPT = timedelta(days=14)
State = AssetBatch.State


# --- at once ------------------------------------------------------------------------------------------------------
def is_small(project: Project, texts: Texts) -> bool:
    """Whether the lines can be answered while the caller waits."""
    if len(texts) > LINES_AT_ONCE or sum(len(text) for _, text in texts) > BYTES_AT_ONCE:
        return False
    ways, _ = read([(number, text) for number, text in texts if UPLOAD in text])
    named = [line.value for line in ways["upload"] if _is_id(line.value)]
    pictures = FileUpload.objects.filter(project=project, public_id__in=named, size__lte=PICTURE_LIMITS.max_bytes)
    waiting = pictures.filter(state=FileUpload.State.RECEIVING)
    return len(named) == 1 or (waiting.aggregate(n=Sum("size"))["n"] or 0) <= UPLOADS_AT_ONCE


def take_lines(*, project: Project, stage: Stage | None, texts: Texts, by: User | None) -> list[Answer]:
    """Take lines in and answer each, in their order; those of one way are worked off together.

    `stage` is where they enter: for none that of the project, or what an upload's announcement said.
    """
    ways, answers = read(texts)
    entry = stage or ingest.entry_stage(project)
    answers |= _by_number(_inline(project, entry, ways["data_base64"]))
    answers |= _by_number(_uploads(project, stage, ways["upload"]))
    answers |= _by_number(_links(project, entry, ways["url"], by))
    return [answers[number] for number in sorted(answers)]


def take_one(*, project: Project, stage: Stage, incoming: Incoming, by: User | None, now: datetime) -> Taken:
    """Take one picture in, on record. Raises Unreadable, StorageRefused."""
    taken = ingest.take(project=project, stage=stage, incoming=incoming, now=now)
    file_uploads.note_sent(taken, by)
    return taken


def note_new(project: Project, answers: Sequence[Answer], by: User | None) -> None:
    """Record what a batch has brought, if anything."""
    new = counts_of(answers)["new"]
    if new:
        text = f"{new:,} new of {len(answers):,} pictures sent by the API."
        events.record(kind="assets.ingested", text=text, project=project, by=by)


def counts_of(answers: Sequence[Answer]) -> dict[str, int]:
    return {name: sum(one["status"] == name for one in answers) for name in STATUSES}


# --- by a job -----------------------------------------------------------------------------------------------------
def keep(*, project: Project, stage: Stage | None, body: bytes, received: int, by: User | None) -> AssetBatch:
    """Keep lines for a job; those that are being taken in already are not kept twice. Raises StorageRefused."""
    digest = hashlib.sha256(body).hexdigest()
    same = AssetBatch.objects.filter(project=project, stage=stage, sha256=digest, created_by=by, state=State.TAKING_IN)
    under_way = same.first()
    if under_way is not None:
        return under_way
    try:
        key = default_storage.save(f"uploads/batches/{secrets.token_hex(16)}", ContentFile(body))
    except OSError as error:
        raise StorageRefused(error.strerror or str(error)) from None
    try:
        with transaction.atomic():
            batch = AssetBatch.objects.create(
                project=project, created_by=by, stage=stage, sha256=digest, storage_key=key, received=received
            )
            jobs.enqueue(kind="take_batch", key=str(batch.pk), project_id=project.pk)
    except Exception:
        pieces.forget([key])
        raise
    batch.refresh_from_db()
    return batch


def run_take(job: Job, now: datetime) -> Again | None:
    """Job: take portions in for some time; what is answered stays answered when it is cut off."""
    related = ("project", "stage", "created_by")
    batch = AssetBatch.objects.select_related(*related).filter(pk=int(job.key)).first()
    if batch is None or batch.state != State.TAKING_IN:
        return None
    try:
        with default_storage.open(batch.storage_key) as stored:
            texts = lines_of(stored.read())
    except FileNotFoundError:
        _note(batch, [_lost(number) for number in range(len(batch.answers) + 1, batch.received + 1)])
        _end(batch, now)
        return None
    until, was_cut_off = time.monotonic() + SECONDS_A_RUN, bool(job.crashes or job.failures)
    while len(batch.answers) < len(texts):
        if time.monotonic() > until:
            return Again(done_n=len(batch.answers), total_n=len(texts))
        portion = _portion(texts[len(batch.answers) :])
        told = take_lines(project=batch.project, stage=batch.stage, texts=portion, by=batch.created_by)
        if was_cut_off:
            told, was_cut_off = _brought_before(batch, told), False
        if not _note(batch, told):
            return None  # another run of this job has gone on without us
    _end(batch, now)
    return None


def _brought_before(batch: AssetBatch, told: Sequence[Answer]) -> list[Answer]:
    """Call new what a run that was cut off has taken in and could not note: it came after the batch."""
    noted = {one.get("asset") for one in batch.answers} | {one["asset"] for one in told if one["status"] == "new"}
    ids = {one["asset"] for one in told if one["status"] == "existing"} - noted
    rows = Asset.objects.filter(project=batch.project, public_id__in=ids, created_at__gte=batch.created_at)
    ours = {str(public_id) for public_id in rows.values_list("public_id", flat=True)}
    answers = []
    for one in told:
        is_ours = one["status"] == "existing" and one["asset"] in ours
        answers.append({**one, "status": "new"} if is_ours else one)
        ours -= {one["asset"]} if is_ours else set()
    return answers


def _lost(number: int) -> Answer:
    told = {"line": number, "client_key": None, "status": "refused", "code": "lost"}
    return {**told, "detail": "The lines of this batch are lost. Send them again."}


@transaction.atomic
def _note(batch: AssetBatch, told: Sequence[Answer]) -> bool:
    """Add answers to those that are there, unless somebody else has."""
    row = AssetBatch.objects.select_for_update(of=("self",)).get(pk=batch.pk)
    if len(row.answers) != len(batch.answers):
        return False
    row.answers = batch.answers = [*row.answers, *told]
    row.save(update_fields=["answers"])
    return True


def _portion(texts: Texts) -> Texts:
    size = 0
    for n, (_, text) in enumerate(texts):
        size += len(text) + (WEIGHT_OF_UPLOAD if UPLOAD in text else 0)
        if n and (n == A_PORTION or size > BYTES_A_PORTION):
            return texts[:n]
    return texts


@transaction.atomic
def _end(batch: AssetBatch, now: datetime) -> None:
    mine = AssetBatch.objects.filter(pk=batch.pk, state=State.TAKING_IN)
    if mine.update(state=State.DONE, finished_at=now, storage_key=""):
        note_new(batch.project, batch.answers, batch.created_by)
        transaction.on_commit(lambda: pieces.forget([batch.storage_key]))


def forget_old(*, now: datetime, limit: int = 200) -> None:
    """Delete answers that nobody asks for any more."""
    old = AssetBatch.objects.filter(state=State.DONE, finished_at__lt=now - KEPT)
    AssetBatch.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:limit])).delete()


# --- the ways -----------------------------------------------------------------------------------------------------
def _by_number(answers: Iterator[Answer]) -> dict[int, Answer]:
    return {answer["line"]: answer for answer in answers}


def _inline(project: Project, stage: Stage, lines: Sequence[Line]) -> Iterator[Answer]:
    for slice_ in _slices(lines):
        incoming: list[Incoming] = []
        there: list[Line] = []
        for line in slice_:
            try:
                data = base64.b64decode(line.value, validate=True)
            except (ValueError, binascii.Error):
                yield line.refusal("bad_line", '"data_base64" must be the picture in base64.')
            else:
                incoming.append(Incoming(line.name or line.key, data, "API", client_key=line.key))
                there.append(line)
        outcomes = take_many(project=project, stage=stage, incoming=incoming, now=database_now())
        for line, outcome in zip(there, outcomes, strict=True):
            if isinstance(outcome, Unreadable):
                yield line.refusal(outcome.reason_code, outcome.sentence)
            else:
                yield line.answer("new" if outcome.is_new else "existing", outcome.asset)


def _slices(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Cut lines into portions of bounded number and size."""
    portion: list[Line] = []
    size = 0
    for line in lines:
        if portion and (len(portion) >= A_PORTION or size + len(line.value) > BYTES_A_PORTION):
            yield portion
            portion, size = [], 0
        portion.append(line)
        size += len(line.value)
    if portion:
        yield portion


def _uploads(project: Project, stage: Stage | None, lines: Sequence[Line]) -> Iterator[Answer]:
    for line in lines:
        upload = None
        if _is_id(line.value):
            rows = FileUpload.objects.select_related("project", "stage", "asset")
            upload = rows.filter(project=project, public_id=line.value).first()
        if upload is None:
            yield line.refusal("unknown_upload", "There is no such upload in this project.")
            continue
        yield _completed(line, upload, stage)


def _completed(line: Line, upload: FileUpload, stage: Stage | None) -> Answer:
    was_done = upload.state == FileUpload.State.DONE
    try:
        upload = file_uploads.complete(
            upload=upload, now=database_now(), client_key=line.key, name=line.name, stage=stage, is_alone=False
        )
    except WrongOffset as error:
        return line.refusal(
            "wrong_offset", f"Only {error.received} of {upload.size} bytes of this upload have arrived."
        )
    except Unreadable as refusal:
        return line.refusal(refusal.reason_code, refusal.sentence)
    except CrowdError as refusal:
        code = "storage_refused" if isinstance(refusal, StorageRefused) else "refused"
        return line.refusal(code, str(refusal))
    if upload.state == FileUpload.State.REFUSED:
        return line.refusal("refused", upload.reason)
    if upload.state == FileUpload.State.TAKING_IN:
        return line.answer("taking_in")
    is_new = bool(upload.receipt.get("new")) and not was_done
    return line.answer("new" if is_new else "existing", upload.asset)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _links(project: Project, stage: Stage, lines: Sequence[Line], by: User | None) -> Iterator[Answer]:
    good: list[tuple[Line, Link]] = []
    for line in lines:
        try:
            good.append((line, Link(line.key, links.check(line.value), line.name or line.key)))
        except AddressRefused as refusal:
            yield line.refusal("bad_address", str(refusal))
    wanted = [link for _, link in good]
    known = links.note(project=project, stage=stage, links=wanted, by=by, now=database_now())
    for line, _ in good:
        asset = known.get(line.key)
        yield line.answer("existing" if asset else "fetching", asset)
