"""What was worked out of files, kept on disk: unchanged files are not read again, an interrupted run goes on."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Protocol

NAME = "pictures.sqlite"
HEAD = 1024
_WAIT_SECONDS = 30.0
_TABLES = """
CREATE TABLE IF NOT EXISTS file
    (path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, digest BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS result
    (digest BLOB NOT NULL, version TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (digest, version));
"""


def user_folder() -> Path:
    """Return where this user's programs keep what can be made again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "winnow"


class Stamp(Protocol):
    """A file's size and time of change, as `os.stat` names them."""

    @property
    def st_size(self) -> int: ...

    @property
    def st_mtime_ns(self) -> int: ...


class Cache:
    """Results by the digest of the bytes, and digests by path, size and time of change.

    `version` names whatever decides what a result looks like: results of another version are not found.
    Values are bytes of the caller's own making; nothing in the file is ever executed. What is kept
    outlives the process, however it ends; several processes may use one folder.
    """

    def __init__(self, folder: Path, version: str) -> None:
        """Open or make the cache in `folder`. Raises OSError where that cannot be, with a sentence."""
        folder.mkdir(parents=True, exist_ok=True)
        self._version = version
        try:
            self._database = sqlite3.connect(folder / NAME, timeout=_WAIT_SECONDS)
            self._database.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {_TABLES}")
        except sqlite3.Error as error:
            raise OSError(f"{folder / NAME} cannot be used as a cache: {error}; remove it or name another") from error

    def digest_of(self, path: Path, status: Stamp | None = None) -> bytes | None:
        """Return the digest a file had when it was last read, or None when it is new or has changed."""
        status = status or path.stat()
        row = self._database.execute(
            "SELECT digest FROM file WHERE path = ? AND size = ? AND mtime_ns = ?",
            (_name(path), status.st_size, status.st_mtime_ns),
        ).fetchone()
        return None if row is None else bytes(row[0])

    def sizes(self) -> Iterator[int]:
        """Yield the sizes in bytes of all files that are remembered."""
        return (size for (size,) in self._database.execute("SELECT DISTINCT size FROM file"))

    def value_of(self, digest: bytes) -> bytes | None:
        """Return what was kept for bytes with this digest, or None."""
        row = self._database.execute(
            "SELECT value FROM result WHERE digest = ? AND version = ?", (digest, self._version)
        ).fetchone()
        return None if row is None else bytes(row[0])

    def head_of(self, digest: bytes) -> bytes | None:
        """Return the first 1,024 bytes of what was kept, without reading the rest from the disk; or None."""
        row = self._database.execute(
            "SELECT substr(value, 1, ?) FROM result WHERE digest = ? AND version = ?", (HEAD, digest, self._version)
        ).fetchone()
        return None if row is None else bytes(row[0])

    def keep(self, path: Path, status: Stamp, digest: bytes, value: bytes) -> None:
        """Remember a file and its result. `status` is the file's from *before* it was read: a later change shows."""
        self.remember(digest, value)
        self.name(path, status, digest)

    def name(self, path: Path, status: Stamp, digest: bytes) -> None:
        """Remember a file whose bytes are those of a result that is kept."""
        file = (_name(path), status.st_size, status.st_mtime_ns, digest)
        with self._database:
            self._database.execute("INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?)", file)

    def remember(self, digest: bytes, value: bytes) -> None:
        """Keep a result that belongs to no single file, such as what two pictures are to each other."""
        with self._database:  # no fsync: a commit costs some 50 microseconds and outlives the process
            self._database.execute("INSERT OR REPLACE INTO result VALUES (?, ?, ?)", (digest, self._version, value))

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Cache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _name(path: Path) -> str:
    return os.fsencode(path.absolute()).decode("utf-8", "backslashreplace")
