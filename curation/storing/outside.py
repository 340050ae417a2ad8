"""Files of other buckets under names such as s3://cameras/day-1/0001.jpg: read, signed, measured, never written."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.utils.module_loading import import_string

from curation.storing.sources import SCHEME, SourceBucket


def is_plain(key: str) -> bool:
    """Whether a key means one file whoever reads it: with empty or dotted parts it may mean another, elsewhere."""
    parts = key.removesuffix("/").split("/") if key else []
    return "\\" not in key and not {"", ".", ".."} & {*parts}


def source_of(address: str) -> tuple[SourceBucket, str] | None:
    """Return the bucket that holds an address, and its key there; None when no bucket of the operator's does."""
    if not address.startswith(SCHEME):
        return None
    name, _, key = address.removeprefix(SCHEME).partition("/")
    if not is_plain(key):
        return None
    for one in settings.SOURCE_BUCKETS:
        if one.name == name and key.startswith(one.prefix):
            return one, key
    return None


@cache
def opened(source: SourceBucket) -> Any:
    """Return the storage of a source; its SDK is loaded at the first call."""
    made = import_string("curation.storing.bucket.BucketStorage")
    return made(
        bucket_name=source.name,
        endpoint_url=source.endpoint,
        region_name=source.region,
        signature_version="s3v4",
        default_acl=None,
        querystring_auth=True,
        querystring_expire=300,
    )


class Outside:
    """Mix-in of our storage: names that begin with s3:// are looked for in the operator's source buckets."""

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        other = _outside(name)
        found: File[Any] = other[0]._open(other[1], "rb") if other else super()._open(name, mode)  # type: ignore[misc]
        return found

    def exists(self, name: str) -> bool:
        other = _outside(name)
        return bool(other[0].exists(other[1]) if other else super().exists(name))  # type: ignore[misc]

    def size(self, name: str) -> int:
        other = _outside(name)
        return int(other[0].size(other[1]) if other else super().size(name))  # type: ignore[misc]

    def url(self, name: str | None, *arguments: Any, **more: Any) -> str:
        other = _outside(name or "")
        return str(other[0].url(other[1]) if other else super().url(name, *arguments, **more))  # type: ignore[misc]

    def delete(self, name: str) -> None:
        """Delete a file of ours; what lies outside is not ours to delete."""
        if not name.startswith(SCHEME):
            super().delete(name)  # type: ignore[misc]

    def path(self, name: str) -> str:
        if name.startswith(SCHEME):
            raise NotImplementedError("A file in a bucket has no path.")
        return str(super().path(name))  # type: ignore[misc]


def _outside(name: str) -> tuple[Any, str] | None:
    if not name.startswith(SCHEME):
        return None
    found = source_of(name)
    if found is None:
        raise FileNotFoundError(f"{name} lies in no bucket of SOURCE_BUCKETS (any more).")
    return opened(found[0]), found[1]
