"""Large files of programs: announced, sent in pieces or straight to the bucket, checked, then taken into a project."""

import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import Q

from crowd.errors import CrowdError, StorageRefused
from curation.intake.found import UnknownSource
from curation.intake.kinds import HEAD, Kind, kind_of
from curation.models import Asset, FileUpload, Job, Project, Stage, User
from curation.preprocessing.limits import MEGABYTE, PICTURE_LIMITS, VIDEO_LIMITS, Unreadable
from curation.services import clips, events, ingest, jobs, pieces
from curation.services.clips import Clip
from curation.services.ingest import Incoming, Receipt, Taken
from curation.services.jobs import Again
from curation.services.pieces import WrongOffset
from curation.storing.errors import BucketRefused

State = FileUpload.State
LEAST_PIECE, MOST_PIECE = MEGABYTE, 8 * MEGABYTE
MOST_BYTES = 4 * VIDEO_LIMITS.max_bytes
MOST_OPEN = 200
PATIENCE = timedelta(days=2)
LONGEST_NAME = 200  # bytes
A_RUN = 150.0  # seconds of one job, under its lease
TOO_LATE = "It was never sent to its end."
NOT_TAKEN = "It could not be taken in for days. Send it again."
GIVEN_UP = "Its sender gave it up."
LOST = "A piece of the file is lost. Send it again."
DAMAGED = "The file arrived damaged: its SHA-256 is not the one that was announced. Send it again."


class UploadRefused(CrowdError):
    """An upload that cannot be as it was asked for; the sentence says why."""


class _Pause(Exception):
    """The job's time is over; the next run goes on."""


@transaction.atomic
def start(
    *,
    project: Project,
    by: User,
    name: str,
    size: int,
    sha256: str,
    client_key: str = "",
    stage: Stage | None = None,
    is_direct: bool = False,
    now: datetime,
) -> tuple[FileUpload, bool]:
    """Announce a file; the same file of the same person that is under way is returned, to go on with."""
    if not 0 < size <= MOST_BYTES:
        raise UploadRefused(f"A file has 1 byte to {MOST_BYTES // MEGABYTE:,} MB; this one has {size:,} bytes.")
    if not pieces.is_digest(sha256):
        raise UploadRefused("sha256 is the digest of the whole file: 64 digits from 0 to f.")
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    under_way = FileUpload.objects.filter(project=project, state=State.RECEIVING)
    mine = under_way.filter(created_by=by, sha256=sha256, size=size, is_direct=is_direct).first()
    if mine is not None:
        mine.expires_at = now + PATIENCE
        mine.save(update_fields=["expires_at"])
        return mine, False
    if under_way.count() >= MOST_OPEN:
        raise UploadRefused(f"{MOST_OPEN} uploads of this project are under way; complete or delete some.")
    row = FileUpload.objects.create(
        project=project,
        created_by=by,
        name=name[-255:],
        size=size,
        sha256=sha256,
        client_key=client_key,
        stage=stage,
        is_direct=is_direct,
        parts=[f"uploads/direct/{secrets.token_hex(16)}"] if is_direct else [],
        expires_at=now + PATIENCE,
    )
    row.refresh_from_db()
    return row, True


def append(*, upload: FileUpload, offset: int, data: bytes, now: datetime) -> None:
    """Store one piece, which gives the sender time for the next; a gap raises WrongOffset."""
    if upload.state == State.REFUSED:
        raise UploadRefused(upload.reason)
    if upload.is_direct:
        raise UploadRefused("The bytes of this upload go straight to the bucket, to the address it was given.")
    if upload.state != State.RECEIVING or offset != upload.received:
        raise WrongOffset(upload.received)
    end = offset + len(data)
    if not data or end > upload.size:
        raise UploadRefused(f"A piece has at least one byte and ends inside the {upload.size:,} bytes of the file.")
    if len(data) < LEAST_PIECE and end < upload.size:
        raise UploadRefused(f"A piece has at least {LEAST_PIECE:,} bytes, unless it is the last one.")
    pieces.add(upload, offset=offset, data=data, expires_at=now + PATIENCE)


def give_up(*, upload: FileUpload) -> None:
    """End an upload that is not completed and forget its pieces; one that has ended stays as it is."""
    if upload.state == State.TAKING_IN:
        raise UploadRefused("This upload is being taken in already.")
    close(upload.pk, State.REFUSED, reason=GIVEN_UP)


def complete(
    *,
    upload: FileUpload,
    now: datetime,
    client_key: str = "",
    name: str = "",
    stage: Stage | None = None,
    clip: Clip | None = None,
    is_alone: bool = True,
) -> FileUpload:
    """Check the file and take it in: a picture at once, a video or an archive by a job. Again it changes nothing.

    What is said of it here counts more than what its announcement said; `clip` is what its camera says. A picture that
    does not come with others (`is_alone`) stands in the record by itself.
    Raises Unreadable for a picture that is refused, WrongOffset while bytes are missing, StorageRefused.
    """
    with _alone(upload):
        upload.refresh_from_db()
        if upload.state != State.RECEIVING:
            return upload
        require_whole(upload)
        upload.client_key = client_key or upload.client_key
        upload.name = name[-255:] or upload.name
        upload.stage = stage or upload.stage
        upload.save(update_fields=["client_key", "name", "stage"])
        try:
            if upload.size <= PICTURE_LIMITS.max_bytes and _kind(upload) is Kind.PICTURE:
                taken = _take_picture(upload, clip, now)
                if is_alone:
                    note_sent(taken, upload.created_by)
            else:
                _hand_over(upload, clip)
        except FileNotFoundError:
            close(upload.pk, State.REFUSED, reason=LOST)
            raise UploadRefused(LOST) from None
        except OSError as error:
            raise StorageRefused(error.strerror or str(error)) from None
    upload.refresh_from_db()
    return upload


def note_sent(taken: Taken, by: User | None) -> None:
    """Record one picture that was not there before."""
    if taken.is_new:
        text = f"A picture was sent by the API: {taken.asset.name or taken.asset}."
        events.record(kind="assets.ingested", text=text, project=taken.asset.project, subject=taken.asset, by=by)


@contextmanager
def _alone(upload: FileUpload) -> Iterator[None]:
    """Let a request that is repeated while the first is at work wait for it, and find what came of it.

    The lock is the connection's: taking in a picture is many transactions.
    """
    lock = [f"upload:{upload.pk}"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 17))", lock)
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 17))", lock)


def require_whole(upload: FileUpload) -> None:
    if not upload.is_direct:
        if upload.received < upload.size:
            raise WrongOffset(upload.received)
        return
    try:
        stored = default_storage.size(upload.parts[0])
    except OSError:
        raise WrongOffset(0) from None
    if stored != upload.size:
        raise UploadRefused(f"The bucket holds {stored:,} bytes where {upload.size:,} were announced; send it again.")


def _kind(upload: FileUpload) -> Kind:
    with default_storage.open(upload.parts[0]) as first:
        return kind_of(upload.name, first.read(HEAD))


def _take_picture(upload: FileUpload, clip: Clip | None, now: datetime) -> Taken:
    try:
        with checked(upload) as whole:
            whole.seek(0)
            taken = _take(upload, whole.read(), now)
        if clip is not None:
            clips.note(asset=taken.asset, clip=clip)
    except (Unreadable, UploadRefused) as refusal:
        close(upload.pk, State.REFUSED, reason=str(refusal))
        raise
    finally:
        upload.refresh_from_db()
    receipt = Receipt(1, int(taken.is_new), int(not taken.is_new), 0, {}, [])
    close(upload.pk, State.DONE, asset=taken.asset, receipt=receipt)
    return taken


def _take(upload: FileUpload, data: bytes, now: datetime) -> Taken:
    incoming = Incoming(upload.name, data, "API", client_key=upload.client_key or None)
    stage = upload.stage or ingest.entry_stage(upload.project)
    return ingest.take(project=upload.project, stage=stage, incoming=incoming, now=now)


@contextmanager
def checked(upload: FileUpload) -> Iterator[IO[bytes]]:
    with pieces.joined(upload.parts) as (whole, digest):
        if digest != upload.sha256:
            raise UploadRefused(DAMAGED)
        yield whole


@transaction.atomic
def _hand_over(upload: FileUpload, clip: Clip | None) -> None:
    row = FileUpload.objects.select_for_update().get(pk=upload.pk)
    if row.state == State.RECEIVING:
        row.move_to(State.TAKING_IN)
        row.save(update_fields=["state"])
        said = {"clip": clip.as_json()} if clip else {}
        jobs.enqueue(kind="take_upload", key=str(row.pk), project_id=row.project_id, payload=said)


@transaction.atomic
def close(
    upload_id: int, state: str, *, reason: str = "", asset: Asset | None = None, receipt: Receipt | None = None
) -> None:
    """End an upload and forget its pieces; an end that is there already stays."""
    row = FileUpload.objects.select_for_update().get(pk=upload_id)
    if row.may_become(state):
        parts = row.parts
        row.move_to(state)
        row.reason, row.asset, row.parts = reason[:300], asset, []
        row.receipt = as_document(receipt) if receipt else {}
        row.save(update_fields=["state", "reason", "asset", "parts", "receipt"])
        transaction.on_commit(lambda: pieces.forget(parts))


def as_document(receipt: Receipt) -> dict[str, object]:
    """Return a receipt as JSON, with the first hundred files that were refused."""
    refused = [{"file": one.file, "reason": one.reason, "sentence": one.sentence} for one in receipt.files_refused]
    return {
        "received": receipt.received,
        "new": receipt.new,
        "existing": receipt.existing,
        "refused": receipt.refused,
        "reasons": receipt.reasons,
        "files_refused": refused[:100],
    }


# --- videos and archives -------------------------------------------------------------------------------------------
def run_take(job: Job, now: datetime) -> Again | None:
    """Take in what an upload holds. A run that is cut off or over its time is gone on with: known files are found."""
    upload = FileUpload.objects.select_related("project", "stage").filter(pk=int(job.key)).first()
    if upload is None or upload.state != State.TAKING_IN:
        return None
    try:
        with checked(upload) as whole, _named(whole, upload.name) as path:
            receipt = _ingest(upload, path, Clip.read(job.payload.get("clip", {})), now)
    except _Pause:
        return Again()
    except (UnknownSource, UploadRefused, Unreadable) as refusal:
        close(upload.pk, State.REFUSED, reason=str(refusal))
        return None
    except (OSError, CrowdError) as failure:
        if job.failures + 1 < jobs.MOST_FAILURES:
            raise  # a full disk, a bucket that is away: tried again for a quarter of an hour
        why = failure if isinstance(failure, CrowdError | BucketRefused) else type(failure).__name__
        close(upload.pk, State.REFUSED, reason=f"It could not be taken in: {why}")
        return None
    close(upload.pk, State.DONE, receipt=receipt)
    return None


@contextmanager
def _named(whole: IO[bytes], name: str) -> Iterator[Path]:
    """Give the file under its own name, which readers look at, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="winnow-upload-") as folder:
        path = Path(folder) / file_name(name)
        with Path(whole.name).open("rb") as source, path.open("wb") as target:
            shutil.copyfileobj(source, target, MEGABYTE)
        yield path


def file_name(name: str) -> str:
    """Return the last part of a name that was sent, as short as every file system takes it."""
    last = name.replace("\\", "/").rpartition("/")[2].encode()[-LONGEST_NAME:].decode(errors="ignore")
    return "upload" if last in {"", ".", ".."} else last


def _ingest(upload: FileUpload, path: Path, clip: Clip | None, now: datetime) -> Receipt:
    end = time.monotonic() + A_RUN

    def stop_in_time(_count: int) -> None:
        if time.monotonic() > end:
            raise _Pause

    found = ingest.ingest(
        project=upload.project,
        sources=[str(path)],
        stage=upload.stage,
        clip=clip,
        by=upload.created_by,
        now=now,
        progress=stop_in_time,
    )
    return _over_all_runs(upload, found, path.name)


def _over_all_runs(upload: FileUpload, last: Receipt, source: str) -> Receipt:
    """Count what earlier runs of the job have made as new."""
    mine = Asset.objects.filter(project=upload.project, created_at__gte=upload.created_at, source=source[:200])
    new = mine.exclude(media=Asset.Media.VIDEO).count()
    existing = max(0, last.received - last.refused - new)
    return Receipt(
        last.received, last.received - last.refused - existing, existing, last.refused, last.reasons, last.files_refused
    )


def forget_unfinished(*, now: datetime, limit: int = 200) -> int:
    """Give up uploads that were not completed in time, or not taken in for days after it, and delete their pieces."""
    late = Q(state=State.RECEIVING, expires_at__lt=now) | Q(state=State.TAKING_IN, expires_at__lt=now - PATIENCE)
    old = FileUpload.objects.filter(late).order_by("pk")[:limit]
    for row in old:
        close(row.pk, State.REFUSED, reason=TOO_LATE if row.state == State.RECEIVING else NOT_TAKEN)
    return len(old)
