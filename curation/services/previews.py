"""What is measured of a picture, and the re-encoded copies that screens and comparisons read."""

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from crowd.bulk import bulk_change
from curation.models import Asset, AssetPreview
from curation.preprocessing.copies import Copies, Measured, measured
from curation.preprocessing.decode import Analysis
from curation.preprocessing.limits import PICTURE_LIMITS, Limits, Unreadable
from curation.preprocessing.pool import shared_pool

KEPT = ["thumb_key", "screen_key", "grey_key", "camera"]
STORED_AT_ONCE = 4  # pictures whose copies are written: a bucket far away answers each after a while
MEASURES = ["width", "height", "phash", "hash256", "hash256_trimmed", "sharpness", "brightness", "contrast"]


def measure(data: bytes, limits: Limits = PICTURE_LIMITS, *, corners: bool = False) -> Measured:
    """Measure a stranger's picture and make its copies, in a limited child process. Raises Unreadable."""
    return shared_pool().run(measured, data, limits, corners)


def measure_all(calls: Iterable[tuple[bytes, Limits, bool]]) -> Iterator[Measured | Unreadable]:
    """Measure many, in as many processes as there are processors: data, limits, and whether corners are wanted."""
    return shared_pool().map(measured, calls)


def keep(*, asset: Asset, seen: Measured) -> None:
    """Store the measurements and the copies, which carry no metadata. May be repeated."""
    keep_all([(asset, seen)])


def keep_all(pictures: Sequence[tuple[Asset, Measured]]) -> list[tuple[Asset, Measured]]:
    """Store what was measured of pictures and their copies, and return those that are still there. May be repeated.

    Measuring takes a while: of a picture that was erased meanwhile nothing is kept.
    """
    stored = _stored(pictures)
    with transaction.atomic():
        there = _locked_keys(stored)
        kept = [(asset, seen) for asset, seen in pictures if there.get(asset.pk) == asset.storage_key]
        rows = [AssetPreview(asset=one, **stored.pop(one.pk), camera=camera_of(seen.analysis)) for one, seen in kept]
        AssetPreview.objects.bulk_create(rows, update_conflicts=True, unique_fields=["asset"], update_fields=KEPT)
        changes = [(asset.pk, *_measures_of(asset, seen.analysis)) for asset, seen in kept]
        bulk_change(model=Asset, columns=MEASURES, rows=changes)
    for keys in stored.values():
        _delete(keys)
    return kept


def _stored(pictures: Sequence[tuple[Asset, Measured]]) -> dict[int, dict[str, str]]:
    """Store the copies of pictures, some at once, and return their keys; a failure leaves none of them."""
    with ThreadPoolExecutor(STORED_AT_ONCE) as threads:
        waiting = {asset.pk: threads.submit(store_copies, seen.copies) for asset, seen in pictures}
    try:
        return {pk: one.result() for pk, one in waiting.items()}
    except BaseException:
        for one in waiting.values():
            _delete({} if one.exception() else one.result())
        raise


def _measures_of(asset: Asset, seen: Analysis) -> list[Any]:
    """Note the measurements in a picture and return them."""
    for name, value in {"width": seen.width, "height": seen.height, **columns_of(seen)}.items():
        setattr(asset, name, value)
    return [getattr(asset, name) for name in MEASURES]


def _locked_keys(asset_ids: Collection[int]) -> dict[int, str]:
    """Lock pictures in the order of their ids, and return where their files are."""
    rows = Asset.objects.select_for_update(no_key=True).filter(pk__in=asset_ids).order_by("pk")
    return dict(rows.values_list("pk", "storage_key"))


def columns_of(analysis: Analysis) -> dict[str, Any]:
    """Return the measurements by the names of their columns."""
    return {
        "phash": _signed(analysis.phash64),
        "hash256": analysis.hash256,
        "hash256_trimmed": analysis.hash256_trimmed,
        "sharpness": analysis.sharpness,
        "brightness": analysis.brightness,
        "contrast": analysis.contrast,
    }


def camera_of(analysis: Analysis) -> dict[str, Any]:
    return {name: value for name, value in asdict(analysis.camera).items() if value}


def store_copies(copies: Copies) -> dict[str, str]:
    """Store the copies and return their keys; a failure leaves none of them."""
    made = (("thumb", "webp", copies.thumb), ("screen", "jpg", copies.screen), ("grey", "jpg", copies.grey))
    keys: dict[str, str] = {}
    try:
        for folder, suffix, data in made:
            keys[f"{folder}_key"] = _store(folder, suffix, data)
    except BaseException:
        _delete(keys)
        raise
    return keys


def _delete(keys: Mapping[str, str]) -> None:
    for key in keys.values():
        with suppress(OSError):
            default_storage.delete(key)


def _store(folder: str, suffix: str, data: bytes) -> str:
    return default_storage.save(f"{folder}/{uuid.uuid4().hex}.{suffix}", ContentFile(data))


def _signed(number: int | None) -> int | None:
    """PostgreSQL's bigint is signed; the 64 bits stay the same."""
    if number is None:
        return None
    return number - 2**64 if number >= 2**63 else number
