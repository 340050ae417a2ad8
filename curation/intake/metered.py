"""A decompressing stream that counts what comes out and stops a bomb before it fills the memory."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast


class TooMuch(Exception):
    """More bytes came out than an honest archive of this size holds."""


class Metered:
    """A readable stream with an overall bound and a bound until the next call of `allow`."""

    def __init__(self, source: IO[bytes], most: int) -> None:
        self._source = source
        self._left = most
        self._allowed = most

    def allow(self, count: int) -> None:
        """Let at most `count` more bytes through until called again."""
        self._allowed = count

    def read(self, size: int) -> bytes:
        data = self._source.read(size)
        self._left -= len(data)
        self._allowed -= len(data)
        if self._left < 0 or self._allowed < 0:
            raise TooMuch
        return data


@contextmanager
def open_metered(path: Path, most: int) -> Iterator[Metered]:
    """Open a file that may be packed with gzip, bzip2 or xz."""
    with path.open("rb") as file:
        head = file.read(6)
        file.seek(0)
        with _unpacking(file, head) as source:
            yield Metered(source, most)


def _unpacking(file: IO[bytes], head: bytes) -> IO[bytes]:
    if head.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.open(file))
    if head.startswith(b"BZh"):
        return cast(IO[bytes], bz2.open(file))
    if head.startswith(b"\xfd7zXZ"):
        return cast(IO[bytes], lzma.open(file))
    return file
