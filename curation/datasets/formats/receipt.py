"""The receipt of an export: counts in = counts out, and a checksum of every file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .base import Counts

NAME = "receipt.json"
_BLOCK = 1 << 20


class CountsDiffer(RuntimeError):
    """What was written is not what was to be written."""


@dataclass(frozen=True, slots=True)
class FileSum:
    """One file of the export."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an export holds; `sha256` is the digest of the sorted list of files and their digests.

    `erased` are tombstones: images that were in the version when it was frozen, and the day they were erased.
    `outlines_as_boxes` counts the outlines of which only the boxes are in here: the format has no place for corners.
    """

    format: str
    images: int
    boxes: int
    negatives: int
    sha256: str
    files: tuple[FileSum, ...]
    erased: Mapping[str, str] = field(default_factory=dict)
    outlines_as_boxes: int = 0


def make_receipt(
    out: Path,
    form: str,
    *,
    expected: Counts,
    written: Counts,
    erased: Mapping[str, str] | None = None,
    outlines_as_boxes: int = 0,
) -> Receipt:
    """Digest every file of a finished export; raise CountsDiffer if rows went missing on the way."""
    if expected != written:
        raise CountsDiffer(f"{expected} were to be written, but {written} were; the export is not usable")
    files = _sums(out)
    counts = written.images, written.boxes, written.negatives
    return Receipt(form, *counts, manifest_digest(files), files, erased or {}, outlines_as_boxes)


def save_receipt(out: Path, receipt: Receipt) -> Path:
    """Write the receipt beside the files it lists."""
    path = out / NAME
    path.write_text(json.dumps(asdict(receipt), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path


def load_receipt(out: Path) -> Receipt:
    """Read a receipt back."""
    values = json.loads((out / NAME).read_text(encoding="utf-8"))
    files = tuple(FileSum(**line) for line in values.pop("files"))
    return Receipt(**values, files=files)


def changed_files(out: Path) -> list[str]:
    """Name the files of an export that are missing, added or altered since its receipt."""
    then = {one.path: one for one in load_receipt(out).files}
    now = {one.path: one for one in _sums(out)}
    return sorted(path for path in then.keys() | now.keys() if then.get(path) != now.get(path))


def _sums(out: Path) -> tuple[FileSum, ...]:
    paths = sorted(path for path in out.rglob("*") if path.is_file() and path != out / NAME)
    return tuple(FileSum(path.relative_to(out).as_posix(), path.stat().st_size, _digest(path)) for path in paths)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def manifest_digest(files: tuple[FileSum, ...]) -> str:
    """Return the digest of the sorted list of files and their digests."""
    lines = "".join(f"{one.sha256}  {one.path}\n" for one in files)
    return hashlib.sha256(lines.encode()).hexdigest()
