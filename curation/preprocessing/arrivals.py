"""Files that no cache knows by name: those with the same bytes as another are told apart before any is decoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

from .cache import Cache
from .limits import PICTURE_LIMITS

PASSING = frozenset({"crashed", "too_slow", "too_much_memory", "not_readable"})
"""Refusals for want of time, memory or access, which another run may not meet."""
CHEAP = frozenset({"too_large"})
"""A refusal that costs nothing to repeat."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file, and its size and time of change from before it is read."""

    name: str
    path: Path
    st_size: int
    st_mtime_ns: int

    @classmethod
    def of(cls, name: str, path: Path) -> Arrival:
        status = path.stat()
        return cls(name, path, status.st_size, status.st_mtime_ns)

    def digest(self) -> bytes | None:
        """Return the SHA-256 of the bytes, or None when they cannot be read, are too many, or change meanwhile."""
        if self.st_size > PICTURE_LIMITS.max_bytes:
            return None
        try:
            with self.path.open("rb") as file:
                digest = file_digest(file, "sha256").digest()
            now = self.path.stat()
        except OSError:
            return None
        is_same = (now.st_size, now.st_mtime_ns) == (self.st_size, self.st_mtime_ns)
        return digest if is_same else None


def told_apart(new: Sequence[Arrival], cache: Cache) -> tuple[list[Arrival], list[tuple[Arrival, bytes]]]:
    """Return the files to be looked at, and those whose bytes are known or are among them, with their digests.

    Equal bytes have equal sizes: only a file whose size another one has is read for its digest.
    """
    known, sizes = cache.sizes(), Counter(one.st_size for one in new)
    first: list[Arrival] = []
    twins: list[tuple[Arrival, bytes]] = []
    seen: set[bytes] = set()
    for one in new:
        size = one.st_size
        digest = one.digest() if sizes[size] > 1 or size in known else None
        if digest is not None and (digest in seen or cache.value_of(digest) is not None):
            twins.append((one, digest))
            continue
        first.append(one)
        if digest is not None:
            seen.add(digest)
    return first, twins
