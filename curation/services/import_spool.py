"""What an import has prepared: files that are stored but belong to no asset yet, noted before anything else is done.

An import that was interrupted finds its files here and goes on; one that is cancelled, or whose pictures were not
wanted after all, deletes them. Nothing of it can be seen in the project until all of it is.
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files.storage import default_storage

from crowd.errors import CrowdError
from curation.models import Asset, Project

AT_ONCE = 10_000


class ImportRunning(CrowdError):
    """Another import into this project is at work."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A stored file by its digest, with what was measured and the keys of its copies (none before the checks)."""

    sha256: str
    bytes: int
    storage_key: str
    width: int
    height: int
    measures: dict[str, Any] = field(default_factory=dict)
    copies: dict[str, str] = field(default_factory=dict)
    camera: dict[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height

    @property
    def keys(self) -> list[str]:
        return [self.storage_key, *self.copies.values()]


class Spool:
    """The files prepared for one project, and the lines that are to be taken."""

    def __init__(self, project: Project, folder: Path) -> None:
        self._project, self._folder, self._path = project, folder, folder / "prepared.jsonl"
        self.prepared = {one.sha256: one for one in self._read()}
        self._notes = self._path.open("a", encoding="utf-8")
        self._lines = (folder / "lines.jsonl").open("w+", encoding="utf-8")

    def keep(self, one: Prepared) -> Prepared:
        """Note a file that was stored."""
        self._notes.write(json.dumps(asdict(one)) + "\n")
        self._notes.flush()
        self.prepared[one.sha256] = one
        return one

    def add_line(self, line: dict[str, Any]) -> None:
        self._lines.write(json.dumps(line) + "\n")

    def lines(self) -> Iterator[dict[str, Any]]:
        self._lines.seek(0)
        for line in self._lines:
            yield json.loads(line)

    def clear(self) -> None:
        """Forget everything; files that no asset has taken are deleted."""
        taken = self._taken()
        for one in self.prepared.values():
            if one.storage_key not in taken:
                for key in one.keys:
                    default_storage.delete(key)
        self._path.write_text("", encoding="utf-8")
        self.prepared = {}

    def _taken(self) -> set[str]:
        """Return which files are in use, as the assets say: a run may have been cut off right after it was written."""
        digests = (bytes.fromhex(digest) for digest in self.prepared)
        rows = Asset.objects.filter(project=self._project)
        taken: set[str] = set()
        while part := list(islice(digests, AT_ONCE)):
            taken.update(rows.filter(sha256__in=part).values_list("storage_key", flat=True))
        return taken

    def close(self) -> None:
        self._notes.close()
        self._lines.close()
        self._folder.joinpath("lines.jsonl").unlink(missing_ok=True)
        if not self.prepared:
            self._path.unlink(missing_ok=True)

    def _read(self) -> Iterator[Prepared]:
        """Read what an earlier run has noted; a line that broke off was never stored whole."""
        if not self._path.exists():
            return
        for line in self._path.read_text(encoding="utf-8").splitlines():
            try:
                yield Prepared(**json.loads(line))
            except (ValueError, TypeError):
                continue


@contextmanager
def spool_of(project: Project) -> Iterator[Spool]:
    """Have the project's spool alone. Raises ImportRunning."""
    folder = Path(settings.DATA_DIR) / "imports" / str(project.public_id)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        _lock(lock, project)
        spool = Spool(project, folder)
        try:
            yield spool
        finally:
            spool.close()


def _lock(lock: IO[str], project: Project) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ImportRunning(f"Another import into {project.slug} is at work; wait for its end.") from None


def cancel(project: Project) -> int:
    """Delete what an interrupted import has prepared; returns how many pictures that were."""
    with spool_of(project) as spool:
        found = len(spool.prepared)
        spool.clear()
    return found
