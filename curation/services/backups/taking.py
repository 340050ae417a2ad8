"""Take a backup while the product goes on: one moment of the database, and the files it speaks of."""

import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from django.conf import settings

from curation.embedded.errors import ServiceError
from curation.models import Event
from curation.services import events
from curation.services.backups import database, erased, files
from curation.services.backups.archive import SECRETS, Header, MediaMode, Writer

KIND: Final = "backup.taken"
ALIVE: Final = Path("/proc")
Show = Callable[[str, int, int], None]  # what is being done, how much of it, of how much


@dataclass(frozen=True, slots=True)
class Taken:
    """What is in the file now. `missing` = files that rows speak of and that are not in the storage."""

    path: Path
    bytes: int
    rows: int
    tables: int
    files: int
    file_bytes: int
    media: MediaMode
    missing: list[str]
    secrets: bool


def take(*, path: Path, media: MediaMode | None = None, with_secrets: bool = False, show: Show) -> Taken:
    """Write everything into one new file, which appears when it is whole and not before."""
    mode: MediaMode = media or ("noted" if files.is_bucket() else "copied")
    with _beside(path) as file, database.snapshot() as snapshot:
        writer = Writer(file)
        writer.add_header(_header(snapshot, mode))
        show("database", 0, 1)
        _add_dump(writer, snapshot, path.parent)
        show("database", 1, 1)
        if with_secrets:
            writer.add_bytes(f"{SECRETS}secret_key", settings.SECRET_KEY.encode())
            writer.add_bytes(f"{SECRETS}field_keys", ",".join(settings.FIELD_KEYS).encode())
        missing = files.missing(_add_files(writer, mode, path, show))
        writer.end(missing=missing)
    erased.write_beside(path.parent)
    return Taken(
        path=path,
        bytes=path.stat().st_size,
        rows=sum(snapshot.rows.values()),
        tables=len(snapshot.rows),
        files=writer.files,
        file_bytes=writer.size,
        media=mode,
        missing=missing,
        secrets=with_secrets,
    )


def remember(*, taken: Taken, now: datetime) -> None:
    """Write down that there is a backup, so that its age can be watched."""
    text = f"A backup of {taken.rows:,} rows and {taken.files:,} files was taken."
    events.record(kind=KIND, text=text, data={"bytes": taken.bytes, "missing": len(taken.missing)}, now=now)


def last_taken() -> datetime | None:
    return Event.objects.filter(kind=KIND).order_by("-pk").values_list("created_at", flat=True).first()


def key_marks() -> list[str]:
    """Return marks by which the keys of stored secrets are known again, without telling the keys."""
    return [hashlib.sha256(key.encode()).hexdigest()[:16] for key in settings.FIELD_KEYS]


def _header(snapshot: database.Snapshot, mode: MediaMode) -> Header:
    return Header(
        id=str(uuid.uuid4()),
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        release=settings.VERSION,
        postgres=snapshot.postgres,
        migrations=snapshot.migrations,
        rows=snapshot.rows,
        ledger=snapshot.ledger,
        media=mode,
        storage=files.place(),
        key_marks=key_marks(),
    )


def _add_dump(writer: Writer, snapshot: database.Snapshot, folder: Path) -> None:
    """Add pg_dump's file, which lies without a name in the same folder meanwhile: its size must be known first."""
    with tempfile.TemporaryFile(dir=folder) as dump:
        database.dump(of=snapshot, into=dump)
        size = os.fstat(dump.fileno()).st_size
        dump.seek(0)
        writer.add_dump(dump, size)


def _add_files(writer: Writer, mode: MediaMode, path: Path, show: Show) -> set[str]:
    """Copy or note what the storage holds now. What came in after the snapshot is more than needed, and no harm."""
    found = list(files.listed())
    total = sum(size for _, size in found)
    if mode == "copied" and (free := shutil.disk_usage(path.parent).free) < total:
        raise ServiceError(
            f"The disk of {path.parent} has {free >> 20:,} MB left and the files alone need {total >> 20:,} MB."
        )
    there: set[str] = set()
    for done, (name, size) in enumerate(found):
        show("files", done, len(found))
        if mode == "noted":
            writer.note_file(name, size)
        elif not _copy(writer, name):
            continue
        there.add(name)
    show("files", len(found), len(found))
    return there


def _copy(writer: Writer, name: str) -> bool:
    got = files.opened(name)
    if got is None:
        return False
    stream, size = got
    with stream:
        writer.add_file(name, stream, size)
    return True


@contextmanager
def _beside(path: Path) -> Iterator[IO[bytes]]:
    """Write beside the final name, for the owner alone, and rename when all of it is on the disk."""
    if path.exists():
        raise ServiceError(f"{path} exists already: choose another name.", status=2)
    _remove_leftovers(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ServiceError(f"{path} cannot be written: {error.strerror}.", status=2) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except OSError as error:
        raise ServiceError(f"The backup broke off and nothing of it is left: {error.strerror or error}.") from error
    finally:
        part.unlink(missing_ok=True)


def _remove_leftovers(path: Path) -> None:
    """Delete what backups to the same name left behind when they were killed."""
    for part in path.parent.glob(f".{path.name}.*.part"):
        if not (ALIVE / part.name.split(".")[-2]).exists():
            with suppress(OSError):
                part.unlink()
