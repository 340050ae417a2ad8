"""A JSONL listing: one line per file, {"path": "a.jpg", "id": "your key"}; paths stay inside the listing's folder.

A Ground Truth manifest is one too: its `source-ref` is the key, and the file is looked for beside the manifest, under
the path in the bucket or the end of it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from curation.datasets.formats.reading.base import UNNAMEABLE
from curation.preprocessing.video_wish import ANY, VideoWish

from .folder import read_file
from .found import Found, Refused
from .video import EVERY

MAX_LINE = 1_000_000
MAX_KEY = 200

Reader = Callable[..., Iterator[Found | Refused]]


def read_listing(path: Path, *, every: int = EVERY, wish: VideoWish = ANY) -> Iterator[Found | Refused]:
    """Yield the listed files; a line that is wrong is refused by its number and the rest goes on."""
    root = path.resolve().parent
    with path.open("rb") as lines:
        number = 0
        while line := lines.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                yield _refused(path, number, f"it is longer than {MAX_LINE} bytes; the listing is read no further")
                return
            if line.strip():
                yield from _read_line(path, number, line, root, partial(read_file, every=every, wish=wish))


def _read_line(listing: Path, number: int, line: bytes, root: Path, read: Reader) -> Iterator[Found | Refused]:
    try:
        name, key = _entry(line, root)
    except (ValueError, RecursionError) as error:
        yield _refused(listing, number, str(error))
        return
    target = _resolved(root / name)
    if target is None:
        yield Refused(name, "missing", "the path goes round in a circle of links")
    elif not target.is_relative_to(root):
        yield Refused(name, "outside", "the path leaves the folder of the listing")
    elif not _is_file(target):
        yield Refused(name, "missing", "there is no such file beside the listing")
    else:
        yield from read(target, name, client_key=key)


def _entry(line: bytes, root: Path) -> tuple[str, str | None]:
    try:
        value = json.loads(line.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError("it is not JSON in UTF-8") from error
    if isinstance(value, dict) and isinstance(value.get("source-ref"), str) and "path" not in value:
        value = {"path": _beside(root, value["source-ref"]), "id": value["source-ref"][:MAX_KEY]}
    if not isinstance(value, dict) or not isinstance(value.get("path"), str) or not value["path"]:
        raise ValueError('it has no "path"; write {"path": "a.jpg"}')
    key = value.get("id")
    if key is not None and not (isinstance(key, str) and 0 < len(key) <= MAX_KEY and key.isprintable()):
        raise ValueError(f'"id" must be a text of 1 to {MAX_KEY} printable letters')
    _require_name(value["path"], '"path"')
    return value["path"], key


def _require_name(text: str, called: str) -> None:
    if UNNAMEABLE.search(text):
        raise ValueError(f"{called} holds a NUL character or half a letter")


def _resolved(path: Path) -> Path | None:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # links that lead to each other
        return None


def _is_file(path: Path) -> bool:
    """Whether there is such a file: under a name longer than a file's may be there is none."""
    return os.access(path, os.F_OK) and path.is_file()


def _beside(root: Path, reference: str) -> str:
    """Return the longest end of a reference into a bucket that is a file beside the manifest, else its last part."""
    _require_name(reference, '"source-ref"')
    _, _, key = reference.partition("://")
    parts = PurePosixPath(key.partition("/")[2] if key else reference).parts
    ends = ("/".join(parts[first:]) for first in range(len(parts)))
    return next((end for end in ends if _is_file(root / end)), "/".join(parts[-1:]))


def file_of(manifest: Path, reference: str) -> Path | None:
    """Return the file a `source-ref` means: beside the manifest, or beside the folder `manifests` of an export."""
    root = manifest.resolve().parent
    if UNNAMEABLE.search(reference):
        return None
    for place in (root, root.parent) if root.name == "manifests" else (root,):
        path = _resolved(place / _beside(place, reference))
        if path is not None and _is_file(path) and path.is_relative_to(place):
            return path
    return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key occurs twice")
    return dict(pairs)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number JSON knows")


def _refused(path: Path, number: int, what: str) -> Refused:
    return Refused(f"{path.name}:{number}", "bad_line", f"line {number} is not taken: {what}")
