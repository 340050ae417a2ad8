"""One zip written in slices: killed anywhere and started again, it ends as the same bytes.

The archive on disk is valid only between slices. What a slice starts from is kept beside it: where the central
directory began and a copy of it, so that a torn slice is cut off and done again.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from curation.datasets.formats.receipt import FileSum

BLOCK = 1 << 20
EPOCH = (1980, 1, 1, 0, 0, 0)
PICTURE_SUFFIXES = (".jpg", ".png", ".webp")


class Busy(RuntimeError):
    """Another process is packing in this folder."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What is safely in the archive: so many entries, the directory from this offset, the file sums so far."""

    entries: int = 0
    directory_at: int = 0
    sums_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the archive; `open` gives its bytes as a stream."""

    path: str
    size: int
    open: Callable[[], IO[bytes]]


def in_memory(path: str, data: bytes) -> Entry:
    return Entry(path, len(data), lambda: BytesIO(data))


@contextmanager
def only_packer(folder: Path) -> Iterator[None]:
    """Hold the folder alone; a worker that was frozen and wakes up late cannot write into it as well."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy(f"{folder.name} is being packed by another process") from error
        yield


class Pack:
    """A zip that grows slice by slice in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "archive.zip"
        self._state = folder / "state.json"
        self._directory = folder / "directory"
        self._sums = folder / "sums.jsonl"
        self.committed = self._read_state()

    def _read_state(self) -> Committed:
        if not self._state.exists():
            return Committed()
        return Committed(**json.loads(self._state.read_text(encoding="utf-8")))

    def add(self, entries: Sequence[Entry]) -> None:
        """Append these entries and make them permanent together."""
        self._rewind()
        with ZipFile(self.path, "a") as archive, self._sums.open("a", encoding="utf-8") as sums:
            for entry in entries:
                sums.write(json.dumps(asdict(_store(archive, entry))) + "\n")
            sums.flush()
            sums_bytes = sums.tell()
        with ZipFile(self.path) as archive:
            start = archive.start_dir
        self._commit(Committed(self.committed.entries + len(entries), start, sums_bytes))

    def sums(self) -> tuple[FileSum, ...]:
        """Return path, size and digest of everything that is in."""
        if not self._sums.exists():
            return ()
        with self._sums.open(encoding="utf-8") as file:
            return tuple(FileSum(**json.loads(line)) for line in file)

    def _rewind(self) -> None:
        """Bring the archive back to the last commit, whatever a killed process has left behind."""
        if self.committed.entries == 0:
            self.path.unlink(missing_ok=True)
            self._sums.unlink(missing_ok=True)
            return
        with self.path.open("r+b") as file, self._copy(self.committed).open("rb") as directory:
            file.truncate(self.committed.directory_at)
            file.seek(self.committed.directory_at)
            shutil.copyfileobj(directory, file, BLOCK)
        with self._sums.open("r+b") as sums:
            sums.truncate(self.committed.sums_bytes)

    def _commit(self, reached: Committed) -> None:
        """Copy the directory first, then move the pointer to it: the rename is the commit."""
        with self.path.open("rb") as file, self._copy(reached).open("wb") as copy:
            file.seek(reached.directory_at)
            shutil.copyfileobj(file, copy, BLOCK)
        part = self._state.with_suffix(".part")
        part.write_text(json.dumps(asdict(reached)), encoding="utf-8")
        part.replace(self._state)
        before, self.committed = self.committed, reached
        if before.entries != reached.entries:
            self._copy(before).unlink(missing_ok=True)

    def _copy(self, committed: Committed) -> Path:
        return self._directory.with_suffix(f".{committed.entries}")


def _store(archive: ZipFile, entry: Entry) -> FileSum:
    info = ZipInfo(entry.path, EPOCH)  # no clock in the bytes
    info.compress_type = ZIP_STORED if entry.path.endswith(PICTURE_SUFFIXES) else ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    info.file_size = entry.size
    digest, size = sha256(), 0
    with entry.open() as source, archive.open(info, "w") as target:
        while block := source.read(BLOCK):
            digest.update(block)
            size += len(block)
            target.write(block)
    return FileSum(entry.path, size, digest.hexdigest())
