"""The formats there are. A writer is loaded on first use, so that none slows the start."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import cast

from .base import About, Writer
from .groundtruth_reading import BadLine, ManifestLine, read_manifest

WRITERS: Mapping[str, str] = {
    "coco": "curation.datasets.formats.coco:CocoWriter",
    "groundtruth": "curation.datasets.formats.groundtruth:GroundTruthWriter",
}

READERS: Mapping[str, Callable[[Path], Iterator[ManifestLine | BadLine]]] = {"groundtruth": read_manifest}


class UnknownFormat(LookupError):
    """A format nobody has written yet."""


def writer(name: str, about: About | None = None) -> Writer:
    """Return the writer of a format by its name, for an export of what `about` says."""
    if name not in WRITERS:
        raise UnknownFormat(f"{name!r} is not a format we write; there are: {', '.join(sorted(WRITERS))}")
    module, _, attribute = WRITERS[name].partition(":")
    return cast(Writer, getattr(import_module(module), attribute)(about or About()))
