"""Records into a folder by a format's writer; for a delta, the list of what differs as well."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from curation.datasets.formats.base import Counts, ImageRecord, OpenImage, Writer
from curation.services.export_records import ADDED, CHANGED, REMOVED, Row, Wish, classes_of, removed_of, rows_of

DELTA = "changes.jsonl"


def write_into(
    path: Path, wish: Wish, target: Writer, picture: OpenImage | None, told: Callable[[int], None] | None
) -> Counts:
    """Write the records, and for a delta `changes.jsonl` with files only of new pictures: all of it, or nothing."""
    news = _News(path.with_name(f"{path.name}.{DELTA}")) if wish.since else None

    def records() -> Iterator[ImageRecord]:
        for number, row in enumerate(rows_of(wish), start=1):
            if news:
                news.add(row)
            yield row.record
            if told:
                told(number)

    def opened(record: ImageRecord) -> bytes | None:
        return None if picture is None or (news and not news.newest) else picture(record)

    try:
        written = target.write(path, classes_of(wish.version), records(), opened if picture else None)
        if news:
            with nothing_left_of(path):
                news.finish(path / DELTA, removed_of(wish))
    finally:
        if news:
            news.drop()
    return written


@contextmanager
def nothing_left_of(path: Path) -> Iterator[None]:
    """Remove a folder that we have written if the block fails."""
    try:
        yield
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise


class _News:
    """The list of a delta, written beside the export and moved in at the end: a line for each picture that differs."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._file, self.newest = path, path.open("w", encoding="utf-8"), False

    def add(self, row: Row) -> None:
        self.newest = row.is_new
        self._line(row.record.file_name, ADDED if row.is_new else CHANGED)

    def finish(self, target: Path, removed: Iterator[str]) -> None:
        for name in removed:
            self._line(name, REMOVED)
        self._file.close()
        self._path.replace(target)

    def drop(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def _line(self, name: str, change: str) -> None:
        self._file.write(json.dumps({"image": name, "change": change}) + "\n")
