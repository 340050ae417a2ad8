"""The last report on a folder, kept with the state its files were in: what has not changed is not looked at again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from . import colours, looks, verify
from .cache import Cache
from .report import Blurred, Broken, FoundTemplate, Group, Member, Report, Small

VERSION = "report-1"
"""Another one wherever equal looks and verdicts may end in another report; looks and verdicts have versions too."""
_STATE_BYTES = 32


@dataclass(frozen=True, slots=True)
class Question:
    """Which files are asked about and how (`key`), and the names, sizes and times of change they have now."""

    key: bytes
    state: bytes


def reports(folder: Path) -> Cache:
    """Open what is kept of reports in this folder."""
    return Cache(folder, f"{VERSION}-{looks.VERSION}-{colours.VERSION}-{verify.VERSION}")


def question(
    files: Sequence[tuple[str, Path]], templates: Sequence[str], settings: Mapping[str, Any]
) -> Question | None:
    """Name the question before any file is read; None when a file's state cannot be known."""
    if not files:
        return None
    common = os.path.commonpath([path.absolute() for _, path in files])
    key, state = sha256(repr((os.fsencode(common), list(templates), dict(settings))).encode()), sha256()
    try:
        for line in sorted(_states(files, templates)):
            state.update(line)
    except OSError:
        return None
    return Question(key.digest(), state.digest())


def _states(files: Sequence[tuple[str, Path]], templates: Sequence[str]) -> Iterator[bytes]:
    for name, path in [*files, *((template, Path(template)) for template in templates)]:
        status = path.stat()
        names = os.fsencode(name), os.fsencode(path.absolute())
        yield repr((*names, status.st_size, status.st_mtime_ns)).encode()


def report_on(asked: Question, kept: Cache) -> Report | None:
    """Return what was said when the files were last in this state, or None."""
    value = kept.value_of(asked.key)
    return None if value is None or value[:_STATE_BYTES] != asked.state else _unpacked(value[_STATE_BYTES:])


def remember(asked: Question, report: Report, kept: Cache) -> None:
    """Keep a report in place of the one before."""
    kept.remember(asked.key, asked.state + json.dumps(asdict(report)).encode())


def _unpacked(data: bytes) -> Report:
    found = json.loads(data)
    return Report(
        clusters=tuple(
            Group(one["representative"], tuple(Member(**member) for member in one["members"]))
            for one in found["clusters"]
        ),
        template_copies=tuple(FoundTemplate(**one) for one in found["template_copies"]),
        low_resolution=tuple(Small(**one) for one in found["low_resolution"]),
        blurred=tuple(Blurred(**one) for one in found["blurred"]),
        unreadable=tuple(Broken(**one) for one in found["unreadable"]),
        images=found["images"],
    )
