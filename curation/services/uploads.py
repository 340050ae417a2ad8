"""Photos and videos that workers send in pieces: a lost connection costs one piece, a wrong file gets one sentence."""

import secrets
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from crowd.errors import BadAnswer, NotYours
from crowd.models import Answer, Assignment, Upload
from curation.preprocessing.limits import MEGABYTE
from curation.services import pieces
from curation.services.pieces import WrongOffset
from curation.services.sendable import Sendable, sendable

MOST_PIECE = MEGABYTE
State = Upload.State


def start(*, worker_id: int, answer_id: int, name: str, size: int, sha256: str) -> Upload:
    """Open an upload for one task of the worker's page, or return the one that is under way with this digest."""
    answer = _own_answer(worker_id, answer_id)
    most = sendable(answer.assignment.batch.spec).most_bytes
    if not 0 < size <= most:
        raise BadAnswer(_("The file must have between 1 byte and %(most)s MB.") % {"most": most // MEGABYTE})
    if not pieces.is_digest(sha256):
        raise BadAnswer(_("The file's digest must be 64 letters from 0 to f."))
    open_one = Upload.objects.filter(answer=answer, sha256=sha256, size=size).exclude(state=State.REFUSED).first()
    if open_one is not None:
        return open_one
    return Upload.objects.create(worker_id=worker_id, answer=answer, name=name[-255:], size=size, sha256=sha256)


def find(*, worker_id: int, public_id: UUID) -> Upload | None:
    return Upload.objects.filter(public_id=public_id, worker_id=worker_id).first()


def append(*, upload: Upload, offset: int, data: bytes) -> Upload:
    """Store one piece; a gap raises WrongOffset."""
    if upload.state != State.RECEIVING or offset != upload.received:
        raise WrongOffset(upload.received)
    if not data or len(data) > MOST_PIECE or offset + len(data) > upload.size:
        raise BadAnswer(_("A piece must have 1 to %(most)s bytes and end inside the file.") % {"most": MOST_PIECE})
    pieces.add(upload, offset=offset, data=data)
    return upload


def finish(*, upload: Upload) -> Upload:
    """Join the pieces, check digest and contents, keep the whole file. Called again it changes nothing."""
    if upload.state == State.DONE:
        return upload
    if upload.received < upload.size:
        raise WrongOffset(upload.received)
    with pieces.joined(upload.parts) as (whole, digest):
        reason = "" if digest == upload.sha256 else _(DAMAGED)
        reason = reason or _wanted(upload).problem_of(Path(whole.name))
        whole.seek(0)
        key = "" if reason else default_storage.save(f"uploads/{secrets.token_hex(16)}", File(whole))
    _close(upload.pk, key=key, reason=reason)
    pieces.forget(upload.parts)
    upload.refresh_from_db()
    if upload.state == State.REFUSED:
        raise BadAnswer(upload.reason)
    return upload


def _wanted(upload: Upload) -> Sendable:
    return sendable(upload.answer.assignment.batch.spec)


PATIENCE = timedelta(days=2)
TOO_LATE = "This file was never sent to its end. Please send it again."
DAMAGED = gettext_noop("The file was damaged on its way. Please send it again.")


@transaction.atomic
def _close(upload_id: int, *, key: str, reason: str) -> None:
    row = Upload.objects.select_for_update().get(pk=upload_id)
    if row.state != State.RECEIVING:
        return
    row.move_to(State.REFUSED if reason else State.DONE)
    row.key, row.reason, row.parts = key, reason[:300], []
    row.save(update_fields=["state", "key", "reason", "parts"])


def forget_unfinished(*, now: datetime, limit: int = 200) -> int:
    """Give up uploads that nobody has gone on with for two days, and delete their pieces."""
    old = Upload.objects.filter(state=State.RECEIVING, created_at__lt=now - PATIENCE).order_by("id")[:limit]
    for upload in old:
        _close(upload.pk, key="", reason=TOO_LATE)
        pieces.forget(upload.parts)
    return len(old)


def _own_answer(worker_id: int, answer_id: int) -> Answer:
    answer = Answer.objects.filter(
        pk=answer_id,
        worker_id=worker_id,
        assignment__state=Assignment.State.ACTIVE,
        assignment__batch__interface="photo",
    ).first()
    if answer is None:
        raise NotYours(_("This task is not yours."))
    return answer
