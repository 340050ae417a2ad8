"""The files of a folder and what has become of each, in a database on disk: any number takes the same memory."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from stat import S_ISDIR
from types import TracebackType
from typing import Any

from .arrivals import Arrival

NEW, TWIN, SETTLED = range(3)
"""Not known yet; with bytes that are known or looked at already; known or refused."""
_PAGE = 256
_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
BEGIN;
CREATE TABLE listed (name BLOB, path BLOB, size INTEGER, mtime_ns INTEGER, refusal TEXT);
CREATE TABLE file (
    number INTEGER PRIMARY KEY, name BLOB NOT NULL, path BLOB NOT NULL, size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL, state INTEGER NOT NULL, digest BLOB, refusal TEXT
);
CREATE INDEX file_digest ON file (digest) WHERE digest IS NOT NULL;
CREATE TABLE shared (size INTEGER PRIMARY KEY);
"""
_IN_ORDER = """
INSERT INTO file (name, path, size, mtime_ns, state, refusal)
SELECT name, path, size, mtime_ns, CASE WHEN refusal IS NULL THEN ? ELSE ? END, refusal FROM listed ORDER BY name, path
"""


class Catalogue:
    """Files in order of their names; numbers count them from 1.

    The database is a temporary file of a folder; it has no name and goes with the process, however that ends.
    """

    def __init__(self, folder: Path) -> None:
        handle, name = tempfile.mkstemp(dir=folder)
        os.close(handle)
        try:
            self.database = sqlite3.connect(name, isolation_level=None)
            self.database.executescript(_TABLES)  # opens the file
        finally:
            Path(name).unlink()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def take(self, files: Iterable[tuple[str, Path]]) -> None:
        """List all files with their present sizes and times of change; what cannot be reached is refused."""
        self.database.executemany("INSERT INTO listed VALUES (?, ?, ?, ?, ?)", (_row(*one) for one in files))
        self._size = self.database.execute(_IN_ORDER, (NEW, SETTLED)).rowcount
        self.database.execute("DROP TABLE listed")

    def states(self) -> Iterator[bytes]:
        """Yield name, place, size and time of change of each file, as bytes to be digested."""
        for row in self.database.execute("SELECT name, path, size, mtime_ns FROM file ORDER BY number"):
            yield repr(row).encode()

    def common_folder(self) -> bytes:
        """Return the innermost folder that holds all files."""
        first, last = self.database.execute("SELECT min(path), max(path) FROM file").fetchone()
        return os.path.commonpath([bytes(first), bytes(last)])  # what lies between them in order begins as both do

    def arrivals(self, state: int, condition: str = "") -> Iterator[Arrival]:
        """Yield the files in a state, which may be changed meanwhile."""
        query = f"""
            SELECT number, name, path, size, mtime_ns, digest FROM file
            WHERE number > ? AND state = ? {condition} ORDER BY number LIMIT {_PAGE}
        """  # noqa: S608 - no word of it comes from outside
        last = 0
        while rows := self.database.execute(query, (last, state)).fetchall():
            last = rows[-1][0]
            yield from map(arrival_of, rows)

    def of_shared_sizes(self, known: Iterable[int]) -> Iterator[Arrival]:
        """Yield the new files that are as large as another one, or as one of the known sizes."""
        self.database.executemany("INSERT OR IGNORE INTO shared VALUES (?)", ((size,) for size in known))
        several = "SELECT size FROM file WHERE state = ? GROUP BY size HAVING count(*) > 1"
        self.database.execute(f"INSERT OR IGNORE INTO shared {several}", (NEW,))
        yield from self.arrivals(NEW, "AND size IN (SELECT size FROM shared)")

    def holds(self, digest: bytes) -> bool:
        """Tell whether these bytes were met in this folder."""
        return self.database.execute("SELECT 1 FROM file WHERE digest = ? LIMIT 1", (digest,)).fetchone() is not None

    def settle(self, one: Arrival, digest: bytes, state: int = SETTLED) -> None:
        """Note a file's digest, and whether that is all that is to be known of it."""
        self.database.execute("UPDATE file SET state = ?, digest = ? WHERE number = ?", (state, digest, one.number))

    def refuse(self, one: Arrival, reason: str) -> None:
        self.database.execute(
            "UPDATE file SET state = ?, digest = NULL, refusal = ? WHERE number = ?", (SETTLED, reason, one.number)
        )

    def refusals(self) -> Iterator[tuple[str, str]]:
        """Yield the name of each refused file and why it is."""
        rows = self.database.execute("SELECT name, refusal FROM file WHERE refusal IS NOT NULL ORDER BY number")
        return ((text_of(name), reason) for name, reason in rows)

    def different(self) -> Iterator[tuple[bytes, int, int]]:
        """Yield each digest in order of the first file that has it, with that file's number and how many have it."""
        return self.database.execute("""
            SELECT digest, min(number) AS first, count(*) FROM file
            WHERE digest IS NOT NULL GROUP BY digest ORDER BY first
        """)

    def close(self) -> None:
        self.database.close()

    def __enter__(self) -> Catalogue:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _row(name: str, path: Path) -> tuple[bytes, bytes, int, int, str | None]:
    names = name.encode("utf-8", "surrogatepass"), os.fsencode(path.absolute())  # in order of code points, as text is
    try:
        status = path.stat()
    except OSError as error:
        return *names, 0, 0, f"the file cannot be read: {error.strerror}"
    if S_ISDIR(status.st_mode):
        return *names, 0, 0, "the folder cannot be listed; nothing in it was looked at"
    return *names, status.st_size, status.st_mtime_ns, None


def arrival_of(row: Sequence[Any]) -> Arrival:
    number, name, path, size, mtime_ns, digest = row
    return Arrival(number, text_of(name), Path(os.fsdecode(path)), size, mtime_ns, digest)


def text_of(name: bytes) -> str:
    return name.decode("utf-8", "surrogatepass")
