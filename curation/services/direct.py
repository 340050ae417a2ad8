"""Files that go straight into the bucket: a signed address for one file of one size, good for some minutes."""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.files.storage import default_storage

from curation.models import FileUpload

GOOD_FOR = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Address:
    method: str
    url: str
    headers: dict[str, str]
    expires_at: datetime


def is_possible() -> bool:
    return urlsplit(settings.STORAGE_URL).scheme == "s3"


def address(*, upload: FileUpload, now: datetime) -> Address:
    """Sign where the file goes. The bucket itself checks the digest, which is signed with it."""
    bucket: Any = default_storage
    digest = base64.b64encode(bytes.fromhex(upload.sha256)).decode()
    url = bucket.put_address(upload.parts[0], sha256=digest, seconds=int(GOOD_FOR.total_seconds()))
    return Address("PUT", url, {"x-amz-checksum-sha256": digest}, now + GOOD_FOR)
