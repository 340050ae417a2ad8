"""Where files lie, how much, and whether they can be written, read and deleted."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import Count, Sum

from curation.models import Asset, Project

FRESH = 300  # seconds in which a sum over all assets is not asked for again
PROBE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class StorageFacts:
    """`files` and `size` count originals; previews and exports come on top."""

    place: str
    is_bucket: bool
    files: int
    size: int


@dataclass(frozen=True, slots=True)
class ProbeStep:
    what: str
    is_well: bool
    says: str


def storage_facts(*, project: Project | None = None) -> StorageFacts:
    """Return where the originals lie and how large they are, of one project or of all; at most five minutes old."""
    key = f"storage-facts:{project.pk if project else 'all'}"
    kept: tuple[int, int] | None = cache.get(key)
    if kept is None:
        rows = Asset.objects.filter(project=project) if project else Asset.objects.all()
        sums = rows.order_by().aggregate(n=Count("id"), size=Sum("bytes"))
        kept = (sums["n"], int(sums["size"] or 0))
        cache.set(key, kept, FRESH)
    return StorageFacts(_place(), _is_bucket(), *kept)


def _is_bucket() -> bool:
    return urlsplit(settings.STORAGE_URL).scheme == "s3"


def _place() -> str:
    """Name the storage without keys and without the query of its address."""
    parts = urlsplit(settings.STORAGE_URL)
    return f"s3://{parts.hostname or ''}" if parts.scheme == "s3" else parts.path


def probe() -> list[ProbeStep]:
    """Write, read and delete one small object, and say of each step how it went and how long it took."""
    content = secrets.token_bytes(PROBE_BYTES)
    kept: list[str] = []

    def write() -> None:
        kept.append(default_storage.save(f"probe/{secrets.token_hex(8)}", ContentFile(content)))

    def read() -> None:
        with default_storage.open(kept[0]) as stored:
            if stored.read() != content:
                raise OSError("the object came back changed")

    steps = [_step("Write", write)]
    if steps[0].is_well:
        steps += [_step("Read", read), _step("Delete", lambda: default_storage.delete(kept[0]))]
    return steps


def _step(what: str, act: Callable[[], None]) -> ProbeStep:
    began = time.monotonic()
    try:
        act()
    except Exception as error:  # noqa: BLE001  each storage has its own family of errors; the sentence is the answer
        return ProbeStep(what, is_well=False, says=f"{type(error).__name__}: {str(error)[:200]}")
    return ProbeStep(what, is_well=True, says=f"{PROBE_BYTES // 1024} KB in {1000 * (time.monotonic() - began):.0f} ms")
