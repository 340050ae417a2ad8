"""Jobs that end their process in each way there is, and one that does none of it."""

import ctypes
import os
import signal
from datetime import datetime
from typing import NoReturn

from curation.models import Job, Tick


def is_killed(_job: Job, _now: datetime) -> NoReturn:
    """End as a process does when the kernel is short of memory."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def reads_nowhere(_job: Job, _now: datetime) -> None:
    ctypes.string_at(0)


def has_no_memory(_job: Job, _now: datetime) -> NoReturn:
    raise MemoryError


def is_harmless(job: Job, _now: datetime) -> None:
    """Leave one mark for each execution."""
    Tick.objects.create(name=f"harmless-{job.key}", slot=job.fence)
