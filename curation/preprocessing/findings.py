"""What a look at a folder found, in a file: a record a line, so that findings of any number take no memory."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from .report import Blurred, Broken, Finding, FoundTemplate, Group, Member, Report, Small

KINDS: dict[type[Finding], str] = {
    Group: "clusters",
    FoundTemplate: "template_copies",
    Small: "low_resolution",
    Blurred: "blurred",
    Broken: "unreadable",
}
"""By what name each kind of finding stands in a report, in their order there."""


class Findings:
    """Findings in the order of file names within each kind; `images` counts every file looked at."""

    def __init__(self, file: IO[bytes]) -> None:
        """Read from here to the end of the file."""
        self._file = file
        self.images = int(file.readline())
        self._start = file.tell()

    @classmethod
    def written(cls, found: Iterable[Finding], images: int, folder: Path) -> Findings:
        """Write findings into a temporary file of a folder."""
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - held as long as the findings
        file.write(f"{images}\n".encode())
        for one in found:
            file.write(f"{KINDS[type(one)]} {json.dumps(asdict(one))}\n".encode())
        file.seek(0)
        return cls(file)

    def lines(self) -> Iterator[bytes]:
        """Yield what `Findings` reads, line by line."""
        self._file.seek(self._start)
        return chain([f"{self.images}\n".encode()], self._file)

    def each(self, kind: str) -> Iterator[dict[str, Any]]:
        """Yield the fields of each finding of a kind."""
        mark = f"{kind} ".encode()
        self._file.seek(self._start)
        return (json.loads(line[len(mark) :]) for line in self._file if line.startswith(mark))

    def count(self, kind: str) -> int:
        return sum(1 for _ in self.each(kind))

    def report(self) -> Report:
        return Report(
            clusters=tuple(
                Group(one["representative"], tuple(Member(**member) for member in one["members"]))
                for one in self.each("clusters")
            ),
            template_copies=tuple(FoundTemplate(**one) for one in self.each("template_copies")),
            low_resolution=tuple(Small(**one) for one in self.each("low_resolution")),
            blurred=tuple(Blurred(**one) for one in self.each("blurred")),
            unreadable=tuple(Broken(**one) for one in self.each("unreadable")),
            images=self.images,
        )

    def __enter__(self) -> Findings:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
