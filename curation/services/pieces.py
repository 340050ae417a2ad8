"""Files that arrive in pieces, of workers and of programs: each is stored apart, and joined when all are there."""

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from tempfile import NamedTemporaryFile
from typing import IO

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from crowd.errors import StorageRefused
from crowd.models import Upload
from curation.models import FileUpload

Row = Upload | FileUpload


class WrongOffset(Exception):
    """The piece does not continue what has arrived; the sender goes on from `received`."""

    def __init__(self, received: int) -> None:
        super().__init__(received)
        self.received = received


def add(row: Row, *, offset: int, data: bytes, **also: object) -> None:
    """Store one piece, and `also` in its row. A piece that came before is not stored again; a gap raises WrongOffset.

    The file is written first and the row after it: a crash between them leaves a piece that nobody refers to.
    Raises StorageRefused.
    """
    if row.state != "receiving" or offset != row.received:
        raise WrongOffset(row.received)
    try:
        key = default_storage.save(f"uploads/pieces/{secrets.token_hex(16)}", ContentFile(data))
    except OSError as error:
        raise StorageRefused(error.strerror or str(error)) from None
    here = type(row)._default_manager.filter(pk=row.pk, received=offset, state="receiving")
    if not here.update(received=offset + len(data), parts=[*row.parts, key], **also):
        forget([key])  # the same piece came twice at once: the other one is in
    row.refresh_from_db()


@contextmanager
def joined(parts: Sequence[str]) -> Iterator[tuple[IO[bytes], str]]:
    """Give a temporary file of all pieces, one after the other, and its digest."""
    digest = hashlib.sha256()
    with NamedTemporaryFile(prefix="winnow-upload-") as whole:
        for part in parts:
            with default_storage.open(part) as stored:
                for block in stored.chunks():
                    whole.write(block)
                    digest.update(block)
        whole.flush()
        yield whole, digest.hexdigest()


def forget(parts: Sequence[str]) -> None:
    for part in parts:
        with suppress(OSError):
            default_storage.delete(part)


def is_digest(text: str) -> bool:
    """Whether a text is a SHA-256 in lower-case hexadecimal digits."""
    return len(text) == 64 and not set(text) - set("0123456789abcdef")
