"""A file on its way in: its size and time of change from before it is read, and its digest once it was."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

from .limits import PICTURE_LIMITS

PASSING = frozenset({"crashed", "too_slow", "too_much_memory", "not_readable"})
"""Refusals for want of time, memory or access, which another run may not meet."""
CHEAP = frozenset({"too_large"})
"""A refusal that costs nothing to repeat."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file of a catalogue, by its number there; `known` is the digest of its bytes where it was read for it."""

    number: int
    name: str
    path: Path
    st_size: int
    st_mtime_ns: int
    known: bytes | None = None

    def digest(self) -> bytes | None:
        """Return the SHA-256 of the bytes, or None when they cannot be read, are too many, or change meanwhile."""
        if self.st_size > PICTURE_LIMITS.max_bytes:
            return None
        try:
            with self.path.open("rb") as file:
                digest = file_digest(file, "sha256").digest()
        except OSError:
            return None
        return digest if self.is_unchanged() else None

    def is_unchanged(self) -> bool:
        """Tell whether the file is still there as it was listed."""
        try:
            now = self.path.stat()
        except OSError:
            return False
        return (now.st_size, now.st_mtime_ns) == (self.st_size, self.st_mtime_ns)
