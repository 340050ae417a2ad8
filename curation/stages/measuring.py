"""Stored pictures are measured many at once, in child processes, as far as time allows."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from time import monotonic
from typing import Any, Protocol

from django.core.files.storage import default_storage

from curation.models import Asset
from curation.preprocessing.copies import Measured
from curation.preprocessing.limits import Limits, Unreadable
from curation.preprocessing.video import looks_like_video
from curation.services import previews

Refusal = tuple[str, dict[str, Any]]
"""Why a picture cannot be looked at, and the evidence."""
Looked = tuple[Asset, Measured | Refusal]


class Measuring(Protocol):
    """What measuring asks of a stage's settings."""

    @property
    def most_megabytes(self) -> int: ...

    @property
    def corners(self) -> bool: ...


def look_ahead(assets: Sequence[Asset], settings: Measuring, until: float, together: int) -> Iterator[list[Looked]]:
    """Yield so many pictures at a time, and measure the next ones meanwhile; ends early when time is up.

    The first are a quarter as many, since nothing can be done while they are measured.
    """
    starts = range(max(1, together // 4), len(assets), together)
    parts = [assets[start:end] for start, end in pairwise([0, *starts, len(assets)])]
    with ThreadPoolExecutor(1) as ahead:
        waiting = [ahead.submit(look, part, settings, until) for part in parts[:1]]
        for following in [*parts[1:], []]:
            looked = waiting.pop().result() if waiting else []
            if following and monotonic() <= until:
                waiting.append(ahead.submit(look, following, settings, until))
            if looked:
                yield looked


def look(assets: Sequence[Asset], settings: Measuring, until: float) -> list[Looked]:
    """Return what was measured of each picture, or why nothing was; those are left out for which time is up."""
    limits = Limits(max_bytes=settings.most_megabytes * 1_048_576)
    begun: list[Asset] = []
    refused: dict[int, Refusal] = {}

    def calls() -> Iterator[tuple[bytes, Limits, bool]]:
        for asset in assets:
            if begun and monotonic() > until:
                return
            begun.append(asset)
            data = _data_of(asset)
            if isinstance(data, bytes):
                yield data, limits, settings.corners and asset.parent_id is None
            else:
                refused[asset.pk] = data

    results = list(previews.measure_all(calls()))
    answers = iter(results)
    return [(asset, refused.get(asset.pk) or _told(next(answers))) for asset in begun]


def _data_of(asset: Asset) -> bytes | Refusal:
    try:
        with default_storage.open(asset.storage_key, "rb") as file:
            data: bytes = file.read()
    except FileNotFoundError:  # one lost file must not stop the whole stage
        return "unreadable", {"code": "lost", "sentence": "the stored file is missing"}
    return ("video_not_asked", {}) if looks_like_video(data[:16]) else data


def _told(seen: Measured | Unreadable) -> Measured | Refusal:
    if isinstance(seen, Measured):
        return seen
    return "unreadable", {"code": seen.reason_code, "sentence": str(seen)}
