"""Where files lie, how much, and whether they can be written, read and deleted."""

import base64
import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import Count, Sum

from curation.models import Asset, Project
from curation.storing.errors import explained

FRESH = 300  # seconds in which a sum over all assets is not asked for again
PROBE_BYTES = 65_536
PATIENCE = 10.0  # seconds for each call of a signed address


@dataclass(frozen=True, slots=True)
class StorageFacts:
    """`files` and `size` count originals; previews and exports come on top."""

    place: str
    is_bucket: bool
    files: int
    size: int


@dataclass(frozen=True, slots=True)
class ProbeStep:
    """`is_optional`: without it everything works that the product itself does."""

    what: str
    is_well: bool
    says: str
    is_optional: bool = False


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
    """Write, read and delete one small object, and say of each step how it went and how long it took.

    Of a bucket also: an address that is signed for a download, one for an upload, and what scripts of pages may do.
    """
    content = secrets.token_bytes(PROBE_BYTES)
    storage: Any = default_storage
    storage = storage.impatient() if _is_bucket() else storage
    kept: list[str] = []

    def write() -> None:
        kept.append(storage.save(f"probe/{secrets.token_hex(8)}", ContentFile(content)))

    def read() -> None:
        with storage.open(kept[0]) as stored:
            _require_same(stored.read(), content)

    steps = [_step("Write", write)]
    if steps[0].is_well:
        steps.append(_step("Read", read))
        if _is_bucket():
            steps += _signed_steps(storage, kept[0], content)
        steps.append(_step("Delete", lambda: storage.delete(kept[0])))
    return steps


def _signed_steps(bucket: Any, key: str, content: bytes) -> list[ProbeStep]:
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    address = bucket.put_address(key, sha256=digest, seconds=60)

    def download() -> None:
        _require_same(httpx.get(bucket.url(key), timeout=PATIENCE).raise_for_status().content, content)

    def upload() -> None:
        headers = {"x-amz-checksum-sha256": digest}
        httpx.put(address, content=content, headers=headers, timeout=PATIENCE).raise_for_status()

    return [_step("Signed download", download), _step("Signed upload", upload), _cross_origin(address)]


def _cross_origin(address: str) -> ProbeStep:
    """Ask as a browser would before a script of a page of ours may PUT a file there."""
    asked = {
        "Origin": settings.BASE_URL,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "x-amz-checksum-sha256",
    }
    what = "CORS"
    try:
        answer = httpx.options(address, headers=asked, timeout=PATIENCE)
    except httpx.HTTPError as error:
        return ProbeStep(what, is_well=False, says=f"{type(error).__name__}: {error}", is_optional=True)
    if answer.headers.get("access-control-allow-origin") in {"*", settings.BASE_URL}:
        return ProbeStep(what, is_well=True, says=f"scripts of {settings.BASE_URL} may send files to the bucket")
    says = f"no rule lets scripts of {settings.BASE_URL} send files; only needed for pages of your own that upload"
    return ProbeStep(what, is_well=False, says=says, is_optional=True)


def _require_same(found: bytes, content: bytes) -> None:
    if found != content:
        raise OSError("the object came back changed")


def _step(what: str, act: Callable[[], object]) -> ProbeStep:
    began = time.monotonic()
    try:
        act()
    except Exception as error:  # noqa: BLE001  each storage has its own family of errors; the sentence is the answer
        return ProbeStep(what, is_well=False, says=explained(error))
    return ProbeStep(what, is_well=True, says=f"{PROBE_BYTES // 1024} KB in {1000 * (time.monotonic() - began):.0f} ms")
