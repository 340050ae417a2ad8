"""What is to be imported becomes a folder of this machine: an upload, or what lies in a bucket that may be read."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from django.conf import settings

from curation.intake.kinds import PICTURE_SUFFIXES, is_junk
from curation.intake.names import bad_name
from curation.intake.unpacking import PACKAGE_LIMITS, BadPackage, is_archive, root_of, unpack
from curation.models import DatasetImport
from curation.preprocessing.limits import MEGABYTE
from curation.services import file_uploads, held_files
from curation.services.import_requests import OPEN
from curation.services.registering import MOST_KEY
from curation.storing.bucket import Listed
from curation.storing.outside import is_plain, opened, source_of
from curation.storing.sources import SCHEME

MOST_FILES = 500_000
MOST_BYTES = PACKAGE_LIMITS.max_bytes
PARTLY = ".partly"
ODD = "the name has empty or dotted parts, and may mean another file elsewhere"
UNPACKED, AS_IT_LAY = "package", "as-it-lay"


def folder_of(row: DatasetImport) -> Path:
    return _folders() / str(row.public_id)


def _folders() -> Path:
    return Path(settings.DATA_DIR) / "import-packages"


def brought(row: DatasetImport, go_on: Callable[[], None]) -> Path:
    """Return the data set as a folder or a document; `go_on` is called between files and may raise.

    What was brought before is not brought again. Raises BadPackage, UploadRefused.
    """
    whole = _whole(row)
    if whole is None:
        sent = folder_of(row) / "sent"
        sent.mkdir(parents=True, exist_ok=True)
        if row.address:
            _fetch(row.address, sent, go_on)
        elif row.upload is not None:
            held_files.write_to(sent / file_uploads.file_name(row.upload.name), upload=row.upload)
        whole = _unpack(sent)
    return root_of(whole)


def _whole(row: DatasetImport) -> Path | None:
    return next((one for name in (UNPACKED, AS_IT_LAY) if (one := folder_of(row) / name).exists()), None)


def address_of(row: DatasetImport, path: Path) -> str:
    """Return where a picture of the package lies in its bucket and may stay; empty: it has to be stored.

    What was sent, or packed into an archive, lies nowhere.
    """
    whole = folder_of(row) / AS_IT_LAY
    if not row.address or not whole.exists():
        return ""
    bucket, _, start = row.address.removeprefix(SCHEME).partition("/")
    place = PurePosixPath(bucket, start.rpartition("/")[0], path.resolve().relative_to(whole.resolve()).as_posix())
    address = f"{SCHEME}{place}"
    may_stay = path.suffix.lower() in PICTURE_SUFFIXES and len(address) <= MOST_KEY and source_of(address)
    return address if may_stay else ""


def forget(row: DatasetImport) -> None:
    shutil.rmtree(folder_of(row), ignore_errors=True)


def forget_ended() -> None:
    """Delete what imports have left whose job has died, or whose project is gone."""
    there = list(_folders().iterdir()) if _folders().is_dir() else []  # before the rows: a new one has its row first
    needed = DatasetImport.objects.filter(state__in=OPEN).values_list("public_id", flat=True)
    open_ones = {str(one) for one in needed}
    for folder in there:
        if folder.name not in open_ones:
            shutil.rmtree(folder, ignore_errors=True)


def _unpack(sent: Path) -> Path:
    """Make a folder of what was sent, all of it or nothing."""
    inside = [one for one in sent.iterdir() if one.is_file()]
    if len(inside) != 1 or not is_archive(inside[0]):
        return sent.rename(sent.with_name(AS_IT_LAY))
    whole = sent.with_name(UNPACKED)
    partly = whole.with_suffix(PARTLY)
    shutil.rmtree(partly, ignore_errors=True)
    partly.mkdir()
    unpack(inside[0], partly)
    partly.rename(whole)
    shutil.rmtree(sent)
    return whole


def _fetch(address: str, into: Path, go_on: Callable[[], None]) -> None:
    found = source_of(address)
    if found is None:
        raise BadPackage(f"{address} lies in no bucket that may be read here any more.")
    bucket, start = opened(found[0]), found[1]
    total = 0
    for count, (one, name) in enumerate(_named(bucket.listed(start), start), start=1):
        go_on()
        total += one.size
        if count > MOST_FILES or total > MOST_BYTES:
            most = f"{MOST_FILES:,} files or {MOST_BYTES // MEGABYTE:,} MB"
            raise BadPackage(f"{address} has more than {most}; name less of it, or use the command.")
        target = into / name
        if target.is_file() and target.stat().st_size == one.size:
            continue
        try:
            _copy(bucket, one.key, target)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            raise BadPackage(f"{one.key[:200]}: a file has the name of a folder.") from None


def _copy(bucket: Any, key: str, target: Path) -> None:
    """Fetch one file, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partly = target.with_name(target.name + PARTLY)
    with bucket.open(key) as source, partly.open("wb") as copy:
        shutil.copyfileobj(source, copy, MEGABYTE)
    partly.rename(target)


def _named(listed: Iterator[Listed], start: str) -> Iterator[tuple[Listed, str]]:
    """Yield files with their names from the folder on that the address means."""
    folder = start.rpartition("/")[0]
    for one in listed:
        name = one.key.removeprefix(folder).lstrip("/")
        if one.key.endswith("/") or is_junk(name):
            continue
        wrong = bad_name(name) or (None if is_plain(one.key) else ODD)
        if wrong is not None:
            raise BadPackage(f"{one.key[:200]}: {wrong}.")
        yield one, name
