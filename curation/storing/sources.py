"""Buckets of others that may be read. Free of Django, because settings read it."""

from dataclasses import dataclass

SCHEME = "s3://"


@dataclass(frozen=True, slots=True)
class SourceBucket:
    """A bucket that the operator lets leads read from, or what lies in it under a prefix."""

    name: str
    prefix: str
    endpoint: str | None = None
    region: str | None = None

    @property
    def address(self) -> str:
        return f"{SCHEME}{self.name}/{self.prefix}"
