"""The formats there are. A writer is loaded on first use, so that none slows the start."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import cast

from .base import Writer

WRITERS: Mapping[str, str] = {
    "coco": "curation.datasets.formats.coco:CocoWriter",
}


class UnknownFormat(LookupError):
    """A format nobody has written yet."""


def writer(name: str) -> Writer:
    """Return the writer of a format by its name."""
    if name not in WRITERS:
        raise UnknownFormat(f"{name!r} is not a format we write; there are: {', '.join(sorted(WRITERS))}")
    module, _, attribute = WRITERS[name].partition(":")
    return cast(Writer, getattr(import_module(module), attribute)())
