"""Photos that workers send in pieces: a lost connection costs one piece, a wrong file gets one sentence."""

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from crowd.errors import BadAnswer, NotYours
from crowd.models import Answer, Assignment, Upload
from curation.preprocessing.gate import open_gated
from curation.preprocessing.limits import MEGABYTE, Limits, Unreadable

MOST_BYTES = Limits().max_bytes
MOST_PIECE = MEGABYTE
FULL_HD = (1920, 1080)
State = Upload.State


@dataclass(frozen=True, slots=True)
class WrongOffset(Exception):
    """The piece does not continue what has arrived; the sender goes on from `received`."""

    received: int


def start(*, worker_id: int, answer_id: int, name: str, size: int, sha256: str) -> Upload:
    """Open an upload for one photo task of the worker's page, or return the one that is under way with this digest."""
    answer = _own_answer(worker_id, answer_id)
    if not 0 < size <= MOST_BYTES:
        raise BadAnswer(f"The photo must have between 1 byte and {MOST_BYTES // MEGABYTE} MB.")
    if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
        raise BadAnswer("The photo's digest must be 64 letters from 0 to f.")
    open_one = Upload.objects.filter(answer=answer, sha256=sha256, size=size).exclude(state=State.REFUSED).first()
    if open_one is not None:
        return open_one
    return Upload.objects.create(worker_id=worker_id, answer=answer, name=name[-255:], size=size, sha256=sha256)


def find(*, worker_id: int, public_id: UUID) -> Upload | None:
    return Upload.objects.filter(public_id=public_id, worker_id=worker_id).first()


def append(*, upload: Upload, offset: int, data: bytes) -> Upload:
    """Store one piece. A piece that came before is not stored again; a gap raises WrongOffset.

    The file is written first and the row after it: a crash between them leaves a piece that nobody refers to.
    """
    if upload.state != State.RECEIVING or offset != upload.received:
        raise WrongOffset(upload.received)
    if not data or len(data) > MOST_PIECE or offset + len(data) > upload.size:
        raise BadAnswer(f"A piece must have 1 to {MOST_PIECE} bytes and end inside the photo.")
    key = default_storage.save(f"uploads/pieces/{secrets.token_hex(16)}", ContentFile(data))
    parts = [*upload.parts, key]
    moved = Upload.objects.filter(pk=upload.pk, received=offset, state=State.RECEIVING).update(
        received=offset + len(data), parts=parts
    )
    if not moved:  # the same piece came twice at once: the other one is in
        default_storage.delete(key)
    upload.refresh_from_db()
    return upload


def finish(*, upload: Upload) -> Upload:
    """Join the pieces, check digest and picture, keep the whole file. Called again it changes nothing."""
    if upload.state == State.DONE:
        return upload
    if upload.received < upload.size:
        raise WrongOffset(upload.received)
    data = b"".join(_pieces(upload))
    reason = "" if hashlib.sha256(data).hexdigest() == upload.sha256 else DAMAGED
    reason = reason or problem_of(data, least=_least(upload))
    key = "" if reason else default_storage.save(f"uploads/{secrets.token_hex(16)}", ContentFile(data))
    _close(upload.pk, key=key, reason=reason)
    for part in upload.parts:
        default_storage.delete(part)
    upload.refresh_from_db()
    if upload.state == State.REFUSED:
        raise BadAnswer(upload.reason)
    return upload


PATIENCE = timedelta(days=2)
TOO_LATE = "This photo was never sent to its end. Please send it again."
DAMAGED = "The photo was damaged on its way. Please send it again."


@transaction.atomic
def _close(upload_id: int, *, key: str, reason: str) -> None:
    row = Upload.objects.select_for_update().get(pk=upload_id)
    if row.state != State.RECEIVING:
        return
    row.move_to(State.REFUSED if reason else State.DONE)
    row.key, row.reason, row.parts = key, reason, []
    row.save(update_fields=["state", "key", "reason", "parts"])


def _pieces(upload: Upload) -> Iterator[bytes]:
    for part in upload.parts:
        with default_storage.open(part) as file:
            yield file.read()


def problem_of(data: bytes, *, least: tuple[int, int] = FULL_HD) -> str:
    """Return why a photo cannot be taken, as a sentence for its sender; empty when it can."""
    try:
        image = open_gated(data)
    except Unreadable as error:
        return f"This photo cannot be taken: {error.sentence}."
    return too_small(image.width, image.height, least=least)


def too_small(width: int, height: int, *, least: tuple[int, int] = FULL_HD) -> str:
    """Judge a picture's size, either way round."""
    long, short = max(width, height), min(width, height)
    if long >= least[0] and short >= least[1]:
        return ""
    return f"The photo is {width} by {height} pixels; at least {least[0]} by {least[1]} are needed."


def _least(upload: Upload) -> tuple[int, int]:
    return least_of(upload.answer.assignment.batch.spec)


def least_of(spec: dict[str, Any]) -> tuple[int, int]:
    """Return the smallest size a batch takes: long side, short side."""
    long, short = spec.get("least_pixels", FULL_HD)
    return int(long), int(short)


def forget_unfinished(*, now: datetime, limit: int = 200) -> int:
    """Give up uploads that nobody has gone on with for two days, and delete their pieces."""
    old = Upload.objects.filter(state=State.RECEIVING, created_at__lt=now - PATIENCE).order_by("id")[:limit]
    for upload in old:
        _close(upload.pk, key="", reason=TOO_LATE)
        for part in upload.parts:
            default_storage.delete(part)
    return len(old)


def _own_answer(worker_id: int, answer_id: int) -> Answer:
    answer = Answer.objects.filter(
        pk=answer_id,
        worker_id=worker_id,
        assignment__state=Assignment.State.ACTIVE,
        assignment__batch__interface="photo",
    ).first()
    if answer is None:
        raise NotYours("This task is not yours.")
    return answer
