"""Files of ours, or of others, in an S3-compatible bucket."""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

from botocore.config import Config
from storages.backends.s3 import S3File, S3Storage
from storages.utils import clean_name

from curation.storing.errors import in_words
from curation.storing.outside import Outside
from curation.storing.sources import SCHEME

CONNECT_SECONDS, READ_SECONDS = 3.0, 10.0


@dataclass(frozen=True, slots=True)
class Listed:
    key: str
    size: int


class BucketFile(S3File):  # type: ignore[misc]
    """A file whose bytes are fetched when it is first read; a bucket that refuses them says so in words."""

    def _fetched(self) -> Any:
        with in_words():
            return self._get_file()

    file = property(_fetched, S3File._set_file)


class BucketStorage(Outside, S3Storage):  # type: ignore[misc]
    def _open(self, name: str, mode: str = "rb") -> Any:
        if name.startswith(SCHEME):
            return super()._open(name, mode)
        with in_words():
            return BucketFile(self._normalize_name(clean_name(name)), mode, self)

    def _save(self, name: str, content: Any) -> str:
        with in_words():
            return str(super()._save(name, content))

    def exists(self, name: str) -> bool:
        with in_words():
            return super().exists(name)

    def size(self, name: str) -> int:
        with in_words():
            return super().size(name)

    def delete(self, name: str) -> None:
        with in_words():
            super().delete(name)

    def impatient(self) -> Self:
        """Return the same bucket for a look within a request: asked once, and given up after seconds."""
        same = copy(self)
        patience = Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries={"total_max_attempts": 1})
        same.client_config = self.client_config.merge(patience)
        return same

    def put_address(self, name: str, *, sha256: str, seconds: int) -> str:
        """Sign an address to which one file with this digest (in base64) can be PUT."""
        wanted = {"Bucket": self.bucket_name, "Key": self._key(name), "ChecksumSHA256": sha256}
        return str(self._client().generate_presigned_url("put_object", Params=wanted, ExpiresIn=seconds))

    def listed(self, prefix: str, *, after: str = "") -> Iterator[Listed]:
        """Yield what lies under a prefix, in order of the keys, from behind one of them."""
        pages = self._client().get_paginator("list_objects_v2")
        more = {"StartAfter": after} if after else {}
        found = iter(pages.paginate(Bucket=self.bucket_name, Prefix=self._key(prefix), **more))
        while True:
            with in_words():
                page = next(found, None)
            if page is None:
                return
            for one in page.get("Contents", []):
                yield Listed(one["Key"], one["Size"])

    def _client(self) -> Any:
        return self.connection.meta.client

    def _key(self, name: str) -> str:
        return f"{self.location}/{name}".strip("/") if self.location else name
