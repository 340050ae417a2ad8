"""Files that were sent and are kept as they are until a data set was taken in from them."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction

from crowd.errors import StorageRefused
from curation.models import FileUpload, Project, User
from curation.preprocessing.limits import MEGABYTE
from curation.services.file_uploads import PATIENCE, State, UploadRefused, checked, close, require_whole
from curation.services.pieces import WrongOffset


@transaction.atomic
def hold(*, upload: FileUpload) -> None:
    """Keep a file that has arrived; `release` ends it. Raises UploadRefused."""
    row = FileUpload.objects.select_for_update(of=("self",)).get(pk=upload.pk)
    if row.state != State.RECEIVING:
        raise UploadRefused("This upload was used or given up already; send the file again.")
    try:
        require_whole(row)
    except WrongOffset as error:
        raise UploadRefused(f"Only {error.received:,} of {row.size:,} bytes of this upload have arrived.") from None
    row.move_to(State.TAKING_IN)
    row.save(update_fields=["state"])


def release(*, upload_id: int, reason: str = "") -> None:
    """End an upload that was held, and forget its pieces."""
    close(upload_id, State.REFUSED if reason else State.DONE, reason=reason)


def write_to(path: Path, *, upload: FileUpload) -> None:
    """Write a held file to a place of its own. Raises UploadRefused when it arrived damaged."""
    with checked(upload) as whole:
        shutil.copyfile(whole.name, path)


def sent_at_once(*, project: Project, by: User, file: File[Any], now: datetime) -> FileUpload:
    """Keep a file of a form as an upload that has arrived. Raises StorageRefused."""
    digest = hashlib.sha256()
    for block in _blocks(file):
        digest.update(block)
    try:
        key = default_storage.save(f"uploads/pieces/{secrets.token_hex(16)}", file)
    except OSError as error:
        raise StorageRefused(error.strerror or str(error)) from None
    row = FileUpload.objects.create(
        project=project,
        created_by=by,
        name=(file.name or "file")[-255:],
        size=file.size,
        received=file.size,
        sha256=digest.hexdigest(),
        parts=[key],
        expires_at=now + PATIENCE,
    )
    row.refresh_from_db()
    return row


def _blocks(file: File[Any]) -> Iterator[bytes]:
    yield from file.chunks(MEGABYTE)
    file.seek(0)
