"""The storage's side of a backup: which files there are, which there should be, and putting them back."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import connection
from psycopg import sql

from curation.embedded.errors import ServiceError
from curation.services.backups import database, erased

PROBES: Final = "probe/"
# What a page, an export or a receipt would ask for. A project emptied from the trash has rows without files.
KEYS: Final = (
    ("curation_asset", "storage_key"),
    ("curation_assetpreview", "thumb_key"),
    ("curation_assetpreview", "screen_key"),
    ("curation_assetpreview", "grey_key"),
    ("curation_export", "storage_key"),
    ("curation_labelclass", "example_key"),
)
OWNERS: Final = {
    "curation_asset": "project_id",
    "curation_assetpreview": "(SELECT project_id FROM curation_asset WHERE id = asset_id)",
    "curation_export": "(SELECT project_id FROM curation_datasetversion WHERE id = dataset_id)",
    "curation_labelclass": "project_id",
}
EMPTIED: Final = ("curation_project", "emptied_at")  # the first releases had no trash
AND_NOT_EMPTIED: Final = " AND {owner} NOT IN (SELECT id FROM curation_project WHERE emptied_at IS NOT NULL)"
MISSING_NAMED: Final = 1_000


def is_bucket() -> bool:
    return urlsplit(settings.STORAGE_URL).scheme == "s3"


def place() -> str:
    """Name the storage without its keys and without the query of its address."""
    parts = urlsplit(settings.STORAGE_URL)
    return f"s3://{parts.netloc}{parts.path}" if is_bucket() else parts.path


def listed() -> Iterator[tuple[str, int]]:
    """Yield every file of ours with its size, in order of the names where that is cheap."""
    yield from (one for one in (_of_bucket() if is_bucket() else _of_folder()) if not one[0].startswith(PROBES))


def _of_bucket() -> Iterator[tuple[str, int]]:
    bucket: Any = default_storage
    before = f"{bucket.location}/" if bucket.location else ""
    for one in bucket.listed(""):
        yield one.key.removeprefix(before), one.size


def _of_folder() -> Iterator[tuple[str, int]]:
    root = Path(default_storage.path(""))
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(folder) / name
            try:
                status = path.lstat()
            except FileNotFoundError:  # the product goes on beside us
                continue
            if stat.S_ISREG(status.st_mode):
                yield path.relative_to(root).as_posix(), status.st_size


def opened(name: str) -> tuple[IO[bytes], int] | None:
    """Open a file and say how long it is now; None = it is gone."""
    try:
        stream = default_storage.open(name, "rb")
    except FileNotFoundError:
        return None
    return stream, stream.size


def missing(there: set[str]) -> list[str]:
    """Name files that rows speak of and that are not there."""
    found: list[str] = []
    has_trash = bool(database.columns_there([EMPTIED]))
    for table, column in database.columns_there(KEYS):
        with connection.cursor() as cursor:
            cursor.execute(_query(table, column, has_trash=has_trash))
            while rows := cursor.fetchmany(5_000):
                found += [key for (key,) in rows if key not in there]
                if len(found) >= MISSING_NAMED:
                    return found[:MISSING_NAMED]
    return found


def _query(table: str, column: str, *, has_trash: bool) -> sql.Composed:
    keys = sql.SQL("SELECT {column} FROM {table} WHERE {column} <> '' AND {column} NOT LIKE 's3://%%'").format(
        column=sql.Identifier(column), table=sql.Identifier(table)
    )
    return keys + sql.SQL(AND_NOT_EMPTIED).format(owner=sql.SQL(OWNERS[table])) if has_trash else keys


# --- putting back ----------------------------------------------------------------------------------------------------
def require_empty() -> None:
    """Refuse a storage that holds anything but the list of what was erased."""
    first = next((name for name, _ in listed() if not name.startswith(erased.FOLDER)), None)
    if first is not None:
        raise ServiceError(
            f"The storage {place()} is not empty (it holds {first}): a backup is restored into an empty one. "
            "Set another DATA_DIR or STORAGE_URL, or move these files away.",
            status=2,
        )


def put_back(name: str, stream: IO[bytes], written: list[str]) -> None:
    """Write one file under its own name, unless it is a note of an erasure that is there already.

    Its name is among the written before it is whole: a full disk leaves a part of it.
    """
    if name.startswith(erased.FOLDER) and default_storage.exists(name):
        return
    written.append(name)
    kept = default_storage.save(name, File(stream, name=name))
    if kept != name:
        written.remove(name)
        default_storage.delete(kept)
        raise ServiceError(f"{name} appeared in the storage {place()} meanwhile: is Winnow running on it?")


def take_away(names: list[str]) -> None:
    for name in names:
        default_storage.delete(name)
