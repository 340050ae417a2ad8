"""What is to be imported becomes a folder of this machine: an upload, or what lies in a bucket that may be read."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings

from curation.intake.kinds import is_junk
from curation.intake.names import bad_name
from curation.intake.unpacking import BadPackage, is_archive, root_of, unpack
from curation.models import DatasetImport
from curation.services import file_uploads, held_files
from curation.storing.bucket import Listed
from curation.storing.outside import opened, source_of

MOST_FILES = 500_000
PARTLY = ".partly"


def folder_of(row: DatasetImport) -> Path:
    return Path(settings.DATA_DIR) / "import-packages" / str(row.public_id)


def brought(row: DatasetImport, go_on: Callable[[], None]) -> Path:
    """Return the data set as a folder or a document; `go_on` is called between files and may raise.

    What was brought before is not brought again. Raises BadPackage, UploadRefused.
    """
    whole = folder_of(row) / "whole"
    if not whole.exists():
        sent = folder_of(row) / "sent"
        sent.mkdir(parents=True, exist_ok=True)
        if row.address:
            _fetch(row.address, sent, go_on)
        elif row.upload is not None:
            held_files.write_to(sent / file_uploads.file_name(row.upload.name), upload=row.upload)
        _unpack(sent, whole)
    return root_of(whole)


def forget(row: DatasetImport) -> None:
    shutil.rmtree(folder_of(row), ignore_errors=True)


def _unpack(sent: Path, whole: Path) -> None:
    """Make a folder of what was sent, all of it or nothing."""
    inside = [one for one in sent.iterdir() if one.is_file()]
    if len(inside) != 1 or not is_archive(inside[0]):
        sent.rename(whole)
        return
    partly = whole.with_suffix(PARTLY)
    shutil.rmtree(partly, ignore_errors=True)
    partly.mkdir()
    unpack(inside[0], partly)
    partly.rename(whole)
    shutil.rmtree(sent)


def _fetch(address: str, into: Path, go_on: Callable[[], None]) -> None:
    found = source_of(address)
    if found is None:
        raise BadPackage(f"{address} lies in no bucket that may be read here any more.")
    bucket, start = opened(found[0]), found[1]
    for count, (one, name) in enumerate(_named(bucket.listed(start), start), start=1):
        go_on()
        if count > MOST_FILES:
            raise BadPackage(f"{address} has more than {MOST_FILES:,} files.")
        target = into / name
        if target.exists() and target.stat().st_size == one.size:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with bucket.open(one.key) as source, target.with_name(target.name + PARTLY).open("wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
        target.with_name(target.name + PARTLY).rename(target)


def _named(listed: Iterator[Listed], start: str) -> Iterator[tuple[Listed, str]]:
    """Yield files with their names from the folder on that the address means."""
    folder = start.rpartition("/")[0]
    for one in listed:
        name = one.key.removeprefix(folder).lstrip("/")
        if one.key.endswith("/") or is_junk(name):
            continue
        wrong = bad_name(name)
        if wrong is not None:
            raise BadPackage(f"{one.key[:200]}: {wrong}.")
        yield one, name
