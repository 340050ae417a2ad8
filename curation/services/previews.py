"""What is measured of a picture, and the re-encoded copies that screens and comparisons read."""

import uuid
from dataclasses import asdict

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from curation.models import Asset, AssetPreview
from curation.preprocessing.copies import Measured, measured
from curation.preprocessing.limits import PICTURE_LIMITS, Limits
from curation.preprocessing.pool import shared_pool


def measure(data: bytes, limits: Limits = PICTURE_LIMITS, *, corners: bool = False) -> Measured:
    """Measure a stranger's picture and make its copies, in a limited child process. Raises Unreadable."""
    return shared_pool().run(measured, data, limits, corners)


def keep(*, asset: Asset, seen: Measured) -> None:
    """Store the measurements and the copies, which carry no metadata. May be repeated."""
    analysis, copies = seen.analysis, seen.copies
    keys = {
        "thumb_key": _store("thumb", "webp", copies.thumb),
        "screen_key": _store("screen", "jpg", copies.screen),
        "grey_key": _store("grey", "jpg", copies.grey),
    }
    camera = {name: value for name, value in asdict(analysis.camera).items() if value}
    with transaction.atomic():
        AssetPreview.objects.update_or_create(asset=asset, defaults={**keys, "camera": camera})
        Asset.objects.filter(pk=asset.pk).update(
            width=analysis.width,
            height=analysis.height,
            phash=_signed(analysis.phash64),
            hash256=analysis.hash256,
            hash256_trimmed=analysis.hash256_trimmed,
            sharpness=analysis.sharpness,
            brightness=analysis.brightness,
            contrast=analysis.contrast,
        )


def _store(folder: str, suffix: str, data: bytes) -> str:
    return default_storage.save(f"{folder}/{uuid.uuid4().hex}.{suffix}", ContentFile(data))


def _signed(number: int | None) -> int | None:
    """PostgreSQL's bigint is signed; the 64 bits stay the same."""
    if number is None:
        return None
    return number - 2**64 if number >= 2**63 else number
