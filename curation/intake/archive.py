"""Pictures and videos inside a ZIP or TAR archive of a stranger; nothing is unpacked under a name from the archive."""

from __future__ import annotations

import lzma
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, cast

from curation.preprocessing.limits import MEGABYTE, PICTURE_LIMITS, VIDEO_LIMITS
from curation.preprocessing.video_wish import ANY, VideoWish

from .found import Found, Refused, in_memory
from .kinds import HEAD, Kind, is_junk, kind_of
from .metered import Metered, TooMuch, open_metered
from .names import bad_name, tidy
from .video import EVERY, read_video
from .zipdirectory import DamagedZip, announced_entries, overlapping

BLOCK = 1 << 20
GRACE = MEGABYTE
"""Up to this much an entry may grow to whatever its ratio: a small file does no harm."""
_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """Bounds of one archive, counted on the bytes that really come out of it."""

    max_entries: int = 20_000
    max_bytes: int = 50_000 * MEGABYTE
    max_ratio: int = 100


ARCHIVE_LIMITS = ArchiveLimits()


@dataclass(slots=True)
class Tally:
    """How an archive is read and what it has given so far; `contents` takes each entry."""

    limits: ArchiveLimits
    contents: Callable[[Entry, Tally], Iterator[Found | Refused]]
    stored: int
    names: set[str] = field(default_factory=set)
    unpacked: int = 0

    @property
    def most(self) -> int:
        return min(self.limits.max_bytes, self.limits.max_ratio * self.stored + GRACE)

    def twin(self, name: str) -> bool:
        seen = name.casefold() in self.names
        self.names.add(name.casefold())
        return seen


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry being read; `most` bounds its real bytes."""

    name: str
    stream: IO[bytes]
    most: int


class _Refusal(Exception):
    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason, self.sentence = reason, sentence


def read_archive(
    path: Path, *, every: int = EVERY, wish: VideoWish = ANY, limits: ArchiveLimits = ARCHIVE_LIMITS
) -> Iterator[Found | Refused]:
    """Yield the pictures and the frames of videos in an archive; every entry not taken says why.

    What is wrong with the archive as a whole is one refusal under its own name, and ends the reading.
    """
    contents = partial(_contents, every=every, wish=wish)
    yield from read_entries(path, Tally(limits, contents, path.stat().st_size))


def read_entries(path: Path, tally: Tally) -> Iterator[Found | Refused]:
    """Yield what `contents` makes of the entries, and why an entry or the whole archive is not taken."""
    reader, limits = _zip_entries if zipfile.is_zipfile(path) else _tar_entries, tally.limits
    try:
        yield from reader(path, tally)
    except _Refusal as refusal:
        yield Refused(path.name, refusal.reason, refusal.sentence)
    except TooMuch:
        yield Refused(path.name, "bomb", f"the archive unpacks to more than {limits.max_ratio} times its size")
    except (DamagedZip, tarfile.TarError, OSError, ValueError, *_DAMAGE):
        yield Refused(path.name, "damaged", "the archive is damaged, ends early, or is neither ZIP nor TAR")


def _zip_entries(path: Path, tally: Tally) -> Iterator[Found | Refused]:
    _check_count(announced_entries(path), tally.limits)
    with zipfile.ZipFile(path) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        _check_count(len(entries), tally.limits)
        if overlapping(entries):
            raise _Refusal("overlap", "entries of the archive overlap; it is built to do harm")
        for entry in entries:
            name = tidy(entry.orig_filename)
            if is_junk(name):
                continue
            try:
                _check_zip_entry(entry, name, tally)
                most = tally.limits.max_ratio * entry.compress_size + GRACE
                with archive.open(entry) as stream:
                    yield from tally.contents(Entry(name, stream, most), tally)
            except (_Refusal, *_DAMAGE) as refusal:
                yield _as_refused(name, refusal)


def _check_zip_entry(entry: zipfile.ZipInfo, name: str, tally: Tally) -> None:
    _check_name(name, tally)
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise _Refusal("link", "links and devices in an archive are not followed")
    if entry.flag_bits & 0x1:
        raise _Refusal("encrypted", "the entry is encrypted; send it without a password")
    if entry.compress_type not in _METHODS:
        raise _Refusal("method", "the entry is packed by a method we do not open; use deflate")


def _tar_entries(path: Path, tally: Tally) -> Iterator[Found | Refused]:
    with open_metered(path, tally.most) as stream:
        stream.allow(GRACE)  # opening reads the first header
        with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|") as archive:
            for count, entry in enumerate(_tar_headers(archive, stream), start=1):
                _check_count(count, tally.limits)
                name = tidy(entry.name)
                if not entry.isdir() and not is_junk(name):
                    yield from _tar_entry(archive, entry, name, stream, tally)


def _tar_headers(archive: tarfile.TarFile, stream: Metered) -> Iterator[tarfile.TarInfo]:
    """Yield entries; between two of them only a header may come through, for a huge one is read into memory whole."""
    while (entry := archive.next()) is not None:
        yield entry
        stream.allow(entry.size + GRACE)


def _tar_entry(
    archive: tarfile.TarFile, entry: tarfile.TarInfo, name: str, stream: Metered, tally: Tally
) -> Iterator[Found | Refused]:
    try:
        _check_tar_entry(entry, name, tally)
        stream.allow(entry.size + GRACE)
        content = archive.extractfile(entry)
        if content is not None:
            yield from tally.contents(Entry(name, content, entry.size), tally)
    except _Refusal as refusal:
        yield _as_refused(name, refusal)


def _check_tar_entry(entry: tarfile.TarInfo, name: str, tally: Tally) -> None:
    _check_name(name, tally)
    if not entry.isreg():
        raise _Refusal("link", "links and devices in an archive are not followed")
    if entry.issparse():
        raise _Refusal("method", "the entry is stored with holes; pack it as an ordinary file")


def _check_count(count: int, limits: ArchiveLimits) -> None:
    if count > limits.max_entries:
        raise _Refusal("too_many_entries", f"the archive has more than {limits.max_entries} entries; split it")


def _check_name(name: str, tally: Tally) -> None:
    wrong = bad_name(name)
    if wrong is not None:
        raise _Refusal("bad_name", wrong)
    if tally.twin(name):
        raise _Refusal("twin", "another entry has the same name, capitals aside")


def _as_refused(name: str, error: Exception) -> Refused:
    shown = "".join(letter if letter.isprintable() else "?" for letter in name)[:255]
    if isinstance(error, _Refusal):
        return Refused(shown, error.reason, error.sentence)
    return Refused(shown, "damaged", "the entry is damaged")


def _contents(entry: Entry, tally: Tally, *, every: int, wish: VideoWish) -> Iterator[Found | Refused]:
    """Yield what one entry holds; the ratio is judged on real bytes, whatever the directory says."""
    head = entry.stream.read(HEAD)
    kind = kind_of(entry.name, head)
    if kind is Kind.ARCHIVE:
        raise _Refusal("nested_archive", "an archive inside an archive is not opened; bring it on its own")
    if kind is Kind.OTHER:
        raise _Refusal("not_an_image", "the entry is neither a picture (JPEG, PNG, WEBP) nor a video")
    if kind is Kind.PICTURE:
        data = b"".join(blocks(head, entry, PICTURE_LIMITS.max_bytes, tally))
        yield Found(entry.name, in_memory(data))
        return
    with tempfile.NamedTemporaryFile(prefix="winnow-video-") as file:
        for block in blocks(head, entry, VIDEO_LIMITS.max_bytes, tally):
            file.write(block)
        file.flush()
        yield from read_video(Path(file.name), entry.name, every=every, wish=wish)


def blocks(head: bytes, entry: Entry, largest: int, tally: Tally) -> Iterator[bytes]:
    """Yield the bytes of an entry, its head first, as long as it keeps to the bounds."""
    count, block = 0, head
    while block:
        count += len(block)
        tally.unpacked += len(block)
        if tally.unpacked > tally.most:
            raise TooMuch
        if count > entry.most:
            raise _Refusal("bomb", f"the entry unpacks to more than {tally.limits.max_ratio} times its size")
        if count > largest:
            raise _Refusal("too_large", f"the entry has more than {largest // MEGABYTE} MB")
        yield block
        block = entry.stream.read(BLOCK)
