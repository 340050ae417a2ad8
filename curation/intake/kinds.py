"""What kind of file this is, by its first bytes; the name only speaks where the bytes say nothing."""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePosixPath

from curation.preprocessing.video import looks_like_video

HEAD = 512
PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
OTHER_PICTURE_SUFFIXES = frozenset(
    {".heic", ".heif", ".avif", ".gif", ".bmp", ".tif", ".tiff", ".jfif", ".jpe", ".jp2", ".jxl", ".psd", ".svg"}
    | {".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".rw2", ".orf"}
)
"""Names under which pictures lie that we do not take, or (`.jfif`, `.jpe`) take by their first bytes."""
VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".m4v", ".webm", ".mkv"})
ARCHIVE_SUFFIXES = frozenset({".zip", ".tar", ".tgz", ".tbz2", ".txz", ".gz", ".bz2", ".xz", ".7z", ".rar"})
_PICTURE_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
_ARCHIVE_MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!")
_JUNK = frozenset({"thumbs.db", "desktop.ini"})


class Kind(StrEnum):
    PICTURE = "picture"
    VIDEO = "video"
    ARCHIVE = "archive"
    OTHER = "other"


def kind_of(name: str, head: bytes) -> Kind:
    """Judge a file by its first bytes, then by its suffix, so that a page named .jpg is refused by what it is."""
    if head.startswith(_PICTURE_MAGIC) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return Kind.PICTURE
    suffix = PurePosixPath(name.lower()).suffix
    if head.startswith(_ARCHIVE_MAGIC) or head[257:262] == b"ustar" or suffix in ARCHIVE_SUFFIXES:
        return Kind.ARCHIVE
    if looks_like_video(head) or suffix in VIDEO_SUFFIXES:
        return Kind.VIDEO
    return Kind.PICTURE if suffix in PICTURE_SUFFIXES else Kind.OTHER


def is_junk(name: str) -> bool:
    """Tell whether an operating system left this file behind; nobody meant to send it."""
    parts = PurePosixPath(name).parts
    hidden = (part.startswith(".") and part != ".." for part in parts)
    return any(hidden) or "__MACOSX" in parts or (bool(parts) and parts[-1].lower() in _JUNK)
