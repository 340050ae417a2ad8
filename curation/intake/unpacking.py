"""A packed data set becomes a folder: ordinary files under honest names, nothing outside of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from curation.preprocessing.limits import MEGABYTE

from .archive import ArchiveLimits, Entry, Tally, blocks, read_entries
from .found import Found, Refused
from .kinds import HEAD, OTHER_PICTURE_SUFFIXES, PICTURE_SUFFIXES, Kind, is_junk, kind_of

PICTURES = PICTURE_SUFFIXES | OTHER_PICTURE_SUFFIXES
PACKAGE_LIMITS = ArchiveLimits(max_entries=500_000, max_bytes=50_000 * MEGABYTE, max_ratio=200)


class BadPackage(ValueError):
    """An archive that cannot be unpacked; the sentence names the entry."""


class NotWritten(Exception):
    """The archive may be sound, but its files cannot be stored here: the disk is full, for instance."""


def is_archive(path: Path) -> bool:
    with path.open("rb") as file:
        return kind_of(path.name, file.read(HEAD)) is Kind.ARCHIVE


def unpack(path: Path, into: Path, *, limits: ArchiveLimits = PACKAGE_LIMITS) -> None:
    """Write the entries of a ZIP or TAR below a folder; one that cannot be taken refuses all.

    Raises BadPackage, NotWritten.
    """
    tally = Tally(limits, partial(_write, into=into), path.stat().st_size)
    for refused in read_entries(path, tally):
        sentence = refused.sentence if isinstance(refused, Refused) else "it cannot be unpacked"
        raise BadPackage(f"{refused.name} in the package: {sentence}.")


def _write(entry: Entry, tally: Tally, *, into: Path) -> Iterator[Found | Refused]:
    target = into / entry.name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            for block in blocks(entry.stream.read(HEAD), entry, tally.limits.max_bytes, tally):
                file.write(block)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        yield Refused(entry.name, "twin", "another entry has its name")
    except OSError as error:
        if error.errno is None:  # of the archive itself: packed bytes that cannot be read
            raise
        raise NotWritten(error.strerror) from None


def root_of(folder: Path) -> Path:
    """Return the folder in which a data set lies: many are packed with a folder around them, or as one document.

    A folder of nothing but pictures is that of their class, whose name would be lost.
    """
    inside = _inside(folder)
    if len(inside) != 1:
        return folder
    (only,) = inside
    if not only.is_dir():
        return only
    return folder if all(one.suffix.lower() in PICTURES for one in _inside(only)) else root_of(only)


def _inside(folder: Path) -> list[Path]:
    return [one for one in folder.iterdir() if not is_junk(one.name)]
