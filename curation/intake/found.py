"""What every reader yields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from curation.preprocessing.limits import PICTURE_LIMITS


@dataclass(frozen=True, slots=True)
class Found:
    """A candidate picture; `data` reads its bytes. Frames name their video and their place in it."""

    name: str
    data: Callable[[], bytes]
    parent: str | None = None
    frame_index: int | None = None
    frame_ms: int | None = None
    client_key: str | None = None
    video: Path | None = None
    """A local copy of the frame's video, there while its frames are read."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that is not taken; `reason` is a stable code, `sentence` is for people."""

    name: str
    reason: str
    sentence: str


class UnknownSource(ValueError):
    """A source no reader knows; the message says what is accepted."""


def read_limited(path: Path) -> bytes:
    """Read a file, but never more than one byte over the picture limit, which is enough to refuse it."""
    with path.open("rb") as file:
        return file.read(PICTURE_LIMITS.max_bytes + 1)


def picture(name: str, path: Path, client_key: str | None = None) -> Found:
    return Found(name, partial(read_limited, path), client_key=client_key)


def in_memory(data: bytes) -> Callable[[], bytes]:
    return lambda: data
