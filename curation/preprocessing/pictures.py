"""The different pictures of a catalogue, in its database: what is measured of each, and the files that hold it."""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from .arrivals import Arrival
from .catalogue import arrival_of, text_of
from .looks import Look
from .templates import TemplateCopy

_REMEMBERED = 1024
_TABLE = """
CREATE TABLE picture (
    position INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, first INTEGER NOT NULL, copies INTEGER NOT NULL,
    low_information INTEGER NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,
    sharpness REAL NOT NULL, detail REAL NOT NULL, template TEXT
)
"""
_COLUMNS = "p.digest, copies, low_information, width, height, sharpness, detail, template"


@dataclass(frozen=True, eq=False, slots=True)
class Picture:
    """What is measured of a picture; `copies` files hold its bytes."""

    sha256: bytes
    copies: int
    low_information: bool
    width: int
    height: int
    sharpness: float
    detail: float
    template: tuple[str, TemplateCopy] | None

    @classmethod
    def of(cls, row: Sequence[Any]) -> Picture:
        digest, copies, low_information, width, height, sharpness, detail, template = row
        copy = None if template is None else _copy(*json.loads(template))
        return cls(digest, copies, bool(low_information), width, height, sharpness, detail, copy)


class Pictures:
    """Pictures in order of their first file, by position from 0; only the last few asked for are in memory."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._database.execute(_TABLE)
        self._size = 0
        self.at: Callable[[int], Picture] = lru_cache(maxsize=_REMEMBERED)(self._at)

    def __len__(self) -> int:
        return self._size

    def add(self, seen: Look, first: int, copies: int) -> int:
        """Add the picture that the file with the number `first` shows, and return its position."""
        position, self._size = self._size, self._size + 1
        template = seen.template and json.dumps([seen.template[0], asdict(seen.template[1])])
        size, sharp = (seen.width, seen.height), (seen.sharpness, seen.detail)
        self._database.execute(
            "INSERT INTO picture VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (position, seen.sha256, first, copies, seen.low_information, *size, *sharp, template),
        )
        return position

    def _at(self, position: int) -> Picture:
        query = f"SELECT {_COLUMNS} FROM picture p WHERE position = ?"  # noqa: S608 - no word of it comes from outside
        return Picture.of(self._database.execute(query, (position,)).fetchone())

    def first_file(self, position: int) -> Arrival:
        """Return the first file with a picture, as it was listed."""
        query = """
            SELECT number, name, path, size, mtime_ns, digest FROM file
            WHERE number = (SELECT first FROM picture WHERE position = ?)
        """
        return arrival_of(self._database.execute(query, (position,)).fetchone())

    def names_of(self, position: int) -> list[str]:
        """Return the names of all files with the bytes of a picture."""
        rows = self._database.execute(
            "SELECT name FROM file WHERE digest = (SELECT digest FROM picture WHERE position = ?) ORDER BY number",
            (position,),
        )
        return [text_of(name) for (name,) in rows]

    def by_name(self) -> Iterator[tuple[str, Picture]]:
        """Yield each file's name and the picture it shows."""
        rows = self._database.execute(f"""
            SELECT name, {_COLUMNS} FROM file CROSS JOIN picture p ON p.digest = file.digest ORDER BY number
        """)  # noqa: S608 - as above; CROSS: files are gone through in their order, nothing is sorted
        return ((text_of(name), Picture.of(row)) for name, *row in rows)

    def sent_twice(self) -> Iterator[int]:
        """Yield the positions of pictures, not copies of templates, that several files hold."""
        rows = self._database.execute("SELECT position FROM picture WHERE copies > 1 AND template IS NULL")
        return (position for (position,) in rows)

    def sharpnesses(self) -> array[float]:
        return array("d", (one for (one,) in self._database.execute("SELECT sharpness FROM picture")))

    def are_mostly_wide(self) -> bool:
        """Tell whether at least half of the pictures are as wide as they are high."""
        (wide,) = self._database.execute("SELECT sum(width >= height) FROM picture").fetchone()
        return (wide or 0) * 2 >= self._size


def _copy(name: str, fields: dict[str, Any]) -> tuple[str, TemplateCopy]:
    return name, TemplateCopy(**fields)
