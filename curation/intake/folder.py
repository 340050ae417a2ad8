"""The files of a folder and its subfolders, in order of their names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from curation.preprocessing.video_wish import ANY, VideoWish

from .found import Found, Refused, picture
from .kinds import HEAD, Kind, is_junk, kind_of
from .video import EVERY, read_video


def read_folder(folder: Path, *, every: int = EVERY, wish: VideoWish = ANY) -> Iterator[Found | Refused]:
    """Yield pictures and frames of videos; links are not followed, and what cannot be taken says why."""
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        if not is_junk(name):
            yield from read_file(path, name, every=every, wish=wish)


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders.sort()
        yield from (Path(parent) / name for name in sorted(files))


def read_file(
    path: Path, name: str, *, every: int = EVERY, wish: VideoWish = ANY, client_key: str | None = None
) -> Iterator[Found | Refused]:
    """Yield what one file holds: itself if it is a picture, its frames if it is a video, or a refusal."""
    if path.is_symlink():
        yield Refused(name, "link", "a link is not followed; put the file itself there")
        return
    try:
        kind = _kind(path, name)
    except OSError as error:
        yield Refused(name, "unreadable", f"the file cannot be read: {error.strerror}")
        return
    if kind is Kind.PICTURE:
        yield picture(name, path, client_key)
    elif kind is Kind.VIDEO:
        yield from read_video(path, name, every=every, wish=wish)
    elif kind is Kind.ARCHIVE:
        yield Refused(name, "nested_archive", "an archive among the files is not opened; bring it on its own")
    else:
        yield Refused(name, "not_an_image", "the file is neither a picture (JPEG, PNG, WEBP) nor a video")


def _kind(path: Path, name: str) -> Kind:
    if not path.is_file():
        return Kind.OTHER
    with path.open("rb") as file:
        return kind_of(name, file.read(HEAD))
