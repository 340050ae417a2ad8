"""Whether Redis is away: what one part of a process finds all others believe, so that a request waits for it once."""

import time

SECONDS = 10.0  # until somebody asks it again
_until = 0.0


def is_known() -> bool:
    return time.monotonic() < _until


def note() -> None:
    global _until
    _until = time.monotonic() + SECONDS
