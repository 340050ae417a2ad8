"""Files of ours, or of others, in an S3-compatible bucket."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from storages.backends.s3 import S3Storage

from curation.storing.outside import Outside


@dataclass(frozen=True, slots=True)
class Listed:
    key: str
    size: int


class BucketStorage(Outside, S3Storage):  # type: ignore[misc]
    def put_address(self, name: str, *, sha256: str, seconds: int) -> str:
        """Sign an address to which one file with this digest (in base64) can be PUT."""
        wanted = {"Bucket": self.bucket_name, "Key": self._key(name), "ChecksumSHA256": sha256}
        return str(self._client().generate_presigned_url("put_object", Params=wanted, ExpiresIn=seconds))

    def listed(self, prefix: str, *, after: str = "") -> Iterator[Listed]:
        """Yield what lies under a prefix, in order of the keys, from behind one of them."""
        pages = self._client().get_paginator("list_objects_v2")
        more = {"StartAfter": after} if after else {}
        for page in pages.paginate(Bucket=self.bucket_name, Prefix=self._key(prefix), **more):
            for one in page.get("Contents", []):
                yield Listed(one["Key"], one["Size"])

    def _client(self) -> Any:
        return self.connection.meta.client

    def _key(self, name: str) -> str:
        return f"{self.location}/{name}".strip("/") if self.location else name
