"""Large pictures are decoded one at a time, so that a pool of processes needs the memory of one of them."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from .limits import MEGABYTE

LARGE_BYTES = 48 * MEGABYTE
_shared_file: list[int] = []


def take_turns(shared_file: int) -> None:
    """Let this process take turns with all that have the same open file."""
    _shared_file[:] = [shared_file]


@contextmanager
def alone_if_large(decoded_bytes: int) -> Iterator[None]:
    """Wait for a turn when the pixels will be large; in a process that takes no turns this does nothing."""
    if not _shared_file or decoded_bytes <= LARGE_BYTES:
        yield
        return
    fcntl.lockf(_shared_file[0], fcntl.LOCK_EX)  # the system lets go of it when the process dies
    try:
        yield
    finally:
        fcntl.lockf(_shared_file[0], fcntl.LOCK_UN)
