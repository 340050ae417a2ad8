"""What `find_duplicates` keeps of one picture, as bytes for the cache; made in a limited child process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from .blurriness import detail
from .decode import analyse
from .gate import read_bounded
from .hashes import Turns, apart
from .preview import Preview
from .templates import TemplateCopy, TemplateFeatures, Templates, template_features
from .verify import Sighting
from .voting import STRONGEST, TABLES, Keys, both_keys

VERSION = "look-7"
_LENGTH_BYTES = 4


@dataclass(frozen=True, eq=False, slots=True)
class Look:
    """One picture: hashes, preview, sharpness, keys of its corners and of their mirror image, and its template."""

    sha256: bytes
    turns: Turns
    trimmed_turns: Turns | None
    low_information: bool
    preview_jpeg: bytes
    width: int
    height: int
    sharpness: float
    detail: float
    keys: tuple[Keys, Keys] | None
    template: tuple[str, TemplateCopy] | None

    def sighting(self) -> Sighting:
        return Sighting(self.sha256, self.turns[0], self.low_information, Preview.from_bytes(self.preview_jpeg))

    def packed(self) -> bytes:
        """Write it as a line of JSON and the arrays behind it."""
        hashes = b"".join(self.turns + (self.trimmed_turns or ()))
        keys = b"" if self.keys is None else np.stack(self.keys).tobytes()
        head = {
            "sha256": self.sha256.hex(),
            "low_information": self.low_information,
            "size": [self.width, self.height],
            "sharpness": [self.sharpness, self.detail],
            "parts": [len(hashes), len(keys), len(self.preview_jpeg)],
            "template": self.template and [self.template[0], _fields(self.template[1])],
        }
        line = json.dumps(head).encode()
        return len(line).to_bytes(_LENGTH_BYTES, "big") + line + hashes + keys + self.preview_jpeg


def _fields(copy: TemplateCopy) -> dict[str, float | int | str]:
    return {name: getattr(copy, name) for name in TemplateCopy.__slots__}


def _head(data: bytes) -> tuple[int, dict[str, Any]]:
    start = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "big")
    head: dict[str, Any] = json.loads(data[_LENGTH_BYTES:start])
    return start, head


def unpacked(data: bytes) -> Look:
    """Read what `packed` wrote."""
    start, head = _head(data)
    parts = []
    for length in head["parts"]:
        parts.append(data[start : start + length])
        start += length
    hashes = apart(parts[0])
    template = head["template"]
    return Look(
        sha256=bytes.fromhex(head["sha256"]),
        turns=hashes[:8],
        trimmed_turns=hashes[8:] or None,
        low_information=head["low_information"],
        preview_jpeg=parts[2],
        width=head["size"][0],
        height=head["size"][1],
        sharpness=head["sharpness"][0],
        detail=head["sharpness"][1],
        keys=_keys(parts[1]),
        template=template and (template[0], TemplateCopy(**template[1])),
    )


def packed_refusal(sentence: str) -> bytes:
    """Write what is kept of a file that is refused: no head, then why."""
    return bytes(_LENGTH_BYTES) + sentence.encode()


def refusal_of(data: bytes) -> str | None:
    """Return why the file was refused, or None when these are the bytes of a look."""
    return None if any(data[:_LENGTH_BYTES]) else data[_LENGTH_BYTES:].decode()


def _keys(data: bytes) -> tuple[Keys, Keys] | None:
    if not data:
        return None
    both = np.frombuffer(data, np.uint32).reshape(2, TABLES, STRONGEST)
    return both[0], both[1]


def look(path: str, templates: tuple[str, ...], fast: bool) -> Look:  # noqa: FBT001 - called in a child, by position
    """Look at one file. Raises Unreadable."""
    seen = analyse(read_bounded(Path(path)), compat=False)
    template = _templates(templates).best(seen)
    votes = template is None and not fast and not seen.low_information
    return Look(
        sha256=seen.sha256,
        turns=seen.preview.turns,
        trimmed_turns=seen.preview.trimmed_turns,
        low_information=seen.low_information,
        preview_jpeg=seen.preview.to_jpeg(),
        width=seen.width,
        height=seen.height,
        sharpness=seen.sharpness,
        detail=detail(seen.preview.grey),
        keys=both_keys(seen.preview) if votes else None,
        template=template,
    )


def template_of(path: str) -> int:
    """Return the number of corners of a template's picture. Raises Unreadable."""
    return len(_template(path).plain_features)


@lru_cache(maxsize=4)
def _templates(paths: tuple[str, ...]) -> Templates:
    return Templates((path, _template(path)) for path in paths)


@lru_cache(maxsize=64)
def _template(path: str) -> TemplateFeatures:
    """Read a template once per process; the corners are found on first use."""
    return template_features(read_bounded(Path(path)))
