"""Advisory locks on files, and folders that only their owner may enter."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .errors import ServiceError


@dataclass(slots=True)
class FileLock:
    """An flock: gone with the process that holds it, however that process ends."""

    path: Path
    _descriptor: int = -1

    def acquire(self, *, shared: bool = False, wait: bool = False) -> bool:
        """Take the lock; return False when somebody else has it and `wait` is off."""
        if self._descriptor < 0:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        mode = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
        try:
            fcntl.flock(self._descriptor, mode)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def sign(self) -> None:
        """Write our process id into the locked file, for whoever is refused."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def signature(self) -> str:
        return self.path.read_text(encoding="ascii", errors="replace").strip() or "unknown"


def is_held(path: Path) -> bool:
    """Say whether some process holds the lock exclusively."""
    lock = FileLock(path)
    try:
        return not lock.acquire(shared=True)
    finally:
        lock.release()


@contextmanager
def shared(path: Path) -> Iterator[FileLock]:
    lock = FileLock(path)
    try:
        lock.acquire(shared=True, wait=True)
        yield lock
    finally:
        lock.release()


def make_private(folder: Path) -> None:
    """Create a folder for its owner alone; refuse one that belongs to somebody else."""
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise ServiceError(f"{folder} should be a folder of Winnow's own, but it is something else.", status=2)
    if status.st_uid != os.geteuid() and os.geteuid() != 0:
        raise ServiceError(f"{folder} belongs to another user: run Winnow as that user.", status=2)
