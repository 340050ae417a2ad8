"""A look at a ZIP's directory before Python reads all of it into memory."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

_END = b"PK\x05\x06"
_END_64 = b"PK\x06\x06"
_LOCATOR_64 = b"PK\x06\x07"
_TAIL = 22 + 65_535
_LOCAL_HEADER = 30


class DamagedZip(Exception):
    """The end of the directory cannot be found."""


def announced_entries(path: Path) -> int:
    """Return how many entries the archive's last record announces, or could hold by its directory's size."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        start = max(0, size - _TAIL)
        file.seek(start)
        tail = file.read()
        at = tail.rfind(_END)
        if at < 0 or len(tail) - at < 22:
            raise DamagedZip
        entries, length = struct.unpack_from("<HI", tail, at + 10)
        locator = tail[at - 20 : at] if at >= 20 else b""
        if locator.startswith(_LOCATOR_64):
            file.seek(struct.unpack_from("<Q", locator, 8)[0])
            record = file.read(56)
            if len(record) < 56 or not record.startswith(_END_64):
                raise DamagedZip
            entries, length = struct.unpack_from("<QQ", record, 32)
    # The announced number may lie; the directory's length does not, and an honest entry takes less than 400 bytes.
    return int(max(entries, length // 400))


def overlapping(entries: Sequence[zipfile.ZipInfo]) -> bool:
    """Tell whether entries share stored bytes, as in bombs that unpack one block many times."""
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    return any(
        first.header_offset + _LOCAL_HEADER + first.compress_size > second.header_offset
        for first, second in pairwise(ordered)
    )
