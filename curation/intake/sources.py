"""From what a lead typed to the reader that understands it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from curation.preprocessing.video_wish import ANY, VideoWish

from .archive import read_archive
from .folder import read_file, read_folder
from .found import Found, Refused, UnknownSource
from .kinds import HEAD, Kind, kind_of
from .listing import read_listing
from .video import EVERY

LISTINGS = frozenset({".jsonl", ".manifest"})
ACCEPTED = (
    "a folder, an archive (.zip, .tar, .tar.gz, .tar.bz2, .tar.xz), a video (.mp4, .mov, .webm, .mkv), "
    "a listing (.jsonl, .manifest) or a single picture (.jpg, .png, .webp)"
)


def open_source(text: str, *, every: int = EVERY, wish: VideoWish = ANY) -> Iterator[Found | Refused]:
    """Choose the reader for a source and start it; raise UnknownSource, before anything is read, for anything else."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text):
        raise UnknownSource(f"{text!r} is an address; accepted so far is a local file: {ACCEPTED}")
    path = Path(text)
    if not text or not path.exists():
        raise UnknownSource(f"there is no file or folder {text!r}; name {ACCEPTED}")
    if path.is_dir():
        return read_folder(path, every=every, wish=wish)
    return _open_file(path, every, wish)


def _open_file(path: Path, every: int, wish: VideoWish) -> Iterator[Found | Refused]:
    if path.suffix.lower() in LISTINGS:
        return read_listing(path, every=every, wish=wish)
    with path.open("rb") as file:
        kind = kind_of(path.name, file.read(HEAD))
    if kind is Kind.ARCHIVE:
        return read_archive(path, every=every, wish=wish)
    if kind is Kind.OTHER:
        raise UnknownSource(f"{path.name!r} is none of what is accepted: {ACCEPTED}")
    return read_file(path.resolve(), path.name, every=every, wish=wish)
