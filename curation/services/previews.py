"""What is measured of a picture, and the re-encoded copies that screens and comparisons read."""

import uuid
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from curation.models import Asset, AssetPreview
from curation.preprocessing.copies import Copies, Measured, measured
from curation.preprocessing.decode import Analysis
from curation.preprocessing.limits import PICTURE_LIMITS, Limits
from curation.preprocessing.pool import shared_pool


def measure(data: bytes, limits: Limits = PICTURE_LIMITS, *, corners: bool = False) -> Measured:
    """Measure a stranger's picture and make its copies, in a limited child process. Raises Unreadable."""
    return shared_pool().run(measured, data, limits, corners)


def keep(*, asset: Asset, seen: Measured) -> None:
    """Store the measurements and the copies, which carry no metadata. May be repeated."""
    keys = store_copies(seen.copies)
    with transaction.atomic():
        AssetPreview.objects.update_or_create(asset=asset, defaults={**keys, "camera": camera_of(seen.analysis)})
        Asset.objects.filter(pk=asset.pk).update(
            width=seen.analysis.width, height=seen.analysis.height, **columns_of(seen.analysis)
        )


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
        for key in keys.values():
            with suppress(OSError):
                default_storage.delete(key)
        raise
    return keys


def _store(folder: str, suffix: str, data: bytes) -> str:
    return default_storage.save(f"{folder}/{uuid.uuid4().hex}.{suffix}", ContentFile(data))


def _signed(number: int | None) -> int | None:
    """PostgreSQL's bigint is signed; the 64 bits stay the same."""
    if number is None:
        return None
    return number - 2**64 if number >= 2**63 else number
