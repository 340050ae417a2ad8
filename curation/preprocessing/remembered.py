"""The last findings in a folder, kept with the state its files were in: what has not changed is not looked at again."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from . import colours, looks, verify
from .catalogue import Catalogue
from .findings import Findings

VERSION = "report-2"
"""Another one wherever equal looks and verdicts may end in another report; looks and verdicts have versions too."""
FOLDER = "reports"


@dataclass(frozen=True, slots=True)
class Question:
    """Which files are asked about and how (`key`), and the names, sizes and times of change they have now (`state`)."""

    key: str
    state: bytes


def question(files: Catalogue, templates: Sequence[str], settings: Mapping[str, Any]) -> Question | None:
    """Name the question before any file is read; None when the state of a template cannot be known, or of no file."""
    if not len(files):
        return None
    versions = VERSION, looks.VERSION, colours.VERSION, verify.VERSION
    key = sha256(repr((versions, files.common_folder(), list(templates), dict(settings))).encode())
    state = sha256()
    for line in files.states():
        state.update(line)
    try:
        for template in templates:
            status = Path(template).stat()
            state.update(repr((template, status.st_size, status.st_mtime_ns)).encode())
    except OSError:
        return None
    return Question(key.hexdigest(), f"{state.hexdigest()}\n".encode())


def findings_on(asked: Question, folder: Path) -> Findings | None:
    """Return what was found when the files were last in this state, or None."""
    try:
        file = (folder / FOLDER / asked.key).open("rb")
    except FileNotFoundError:
        return None
    if file.readline() == asked.state:
        return Findings(file)
    file.close()
    return None


def remember(asked: Question, findings: Findings, folder: Path) -> None:
    """Keep findings in place of those before."""
    (folder / FOLDER).mkdir(exist_ok=True)
    with _replacing(folder / FOLDER / asked.key) as file:
        file.write(asked.state)
        file.writelines(findings.lines())


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """Write a file that others see whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
