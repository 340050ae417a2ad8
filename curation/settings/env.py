"""The environment, read once: a value or a `*_FILE`, typed, refused with one sentence."""

import base64
import ipaddress
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from curation.storing.sources import SourceBucket

T = TypeVar("T")


class BadEnvironment(SystemExit):
    """A wrong setting ends the start with a sentence (exit status 2), not with a traceback."""

    def __init__(self, sentence: str) -> None:
        sys.stderr.write(f"winnow: {sentence}\n")
        super().__init__(2)


def read(name: str, default: str = "") -> str:
    """Return the variable, or the content of the file that NAME_FILE points to."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise BadEnvironment(f"{name}_FILE={path} cannot be read: {error.strerror}.") from None
    return os.environ.get(name, default).strip()


def parsed(name: str, default: T, parse: Callable[[str], T], expected: str) -> T:
    text = read(name)
    if not text:
        return default
    try:
        return parse(text)
    except ValueError:
        raise BadEnvironment(f"{name}={text!r} is not {expected}.") from None


def integer(name: str, default: int, *, low: int, high: int) -> int:
    def parse(text: str) -> int:
        number = int(text)
        if not low <= number <= high:
            raise ValueError
        return number

    return parsed(name, default, parse, f"a whole number from {low} to {high}")


def one_of(name: str, choices: tuple[str, ...]) -> str:
    """Return the variable; the first choice stands for nothing set."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError
        return text

    return parsed(name, choices[0], parse, " or ".join(filter(None, choices)))


def address(name: str, default: str) -> str:
    return parsed(name, default, lambda text: str(ipaddress.ip_address(text)), "an IP address, such as 127.0.0.1")


def words(name: str, default: list[str]) -> list[str]:
    return parsed(name, default, lambda text: [word.strip() for word in text.split(",") if word.strip()], "a list")


def hosts_with_ports(name: str) -> frozenset[str]:
    def parse(text: str) -> frozenset[str]:
        hosts = frozenset(word.strip().lower() for word in text.split(",") if word.strip())
        for host in hosts:
            port = host.rpartition(":")[2]
            if not host.rpartition(":")[0] or not port.isdecimal() or not 1 <= int(port) <= 65_535:
                raise ValueError
        return hosts

    return parsed(name, frozenset(), parse, "a list of host:port, such as 127.0.0.1:8100")


def fernet_keys(text: str) -> list[str]:
    """Split the keys of stored secrets; each is 32 bytes in URL-safe base64."""
    keys = [key.strip() for key in text.split(",") if key.strip()]
    for key in keys:
        try:
            long = len(base64.urlsafe_b64decode(key))
        except ValueError:
            long = 0
        if long != 32:
            raise BadEnvironment("FIELD_KEYS must hold 32 random bytes in URL-safe base64, several with commas.")
    return keys


def database(url: str) -> dict[str, object]:
    """Turn postgres://user:password@host:port/name into Django's dictionary."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise BadEnvironment("DATABASE_URL must look like postgres://user:password@host:5432/name.")
    try:
        port = parts.port
    except ValueError:
        raise BadEnvironment("DATABASE_URL has a port that is not a number.") from None
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or "") or query.pop("host", ""),
        "PORT": str(port or ""),
        "OPTIONS": dict(query),
    }


def storage(url: str) -> dict[str, object]:
    """Turn file:///folder or s3://bucket?endpoint=…&region=… into Django's STORAGES entry."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path:
        return {
            "BACKEND": "curation.storing.folder.FolderStorage",
            "OPTIONS": {"location": unquote(parts.path)},
        }
    if parts.scheme == "s3" and parts.netloc:
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        return {
            "BACKEND": "curation.storing.bucket.BucketStorage",
            "OPTIONS": {
                "bucket_name": parts.netloc,
                "location": parts.path.strip("/"),
                "endpoint_url": query.get("endpoint"),
                "region_name": query.get("region"),
                "signature_version": "s3v4",
                "default_acl": None,
                "querystring_auth": True,
                "querystring_expire": 60,
                "file_overwrite": False,
            },
        }
    raise BadEnvironment("STORAGE_URL must look like file:///folder or s3://bucket?endpoint=https://host.")


def storage_hosts(url: str) -> list[str]:
    """Return the origins from which a browser gets what lies in this storage; a folder is served by ourselves."""
    parts = urlsplit(url)
    if parts.scheme != "s3":
        return []
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    if query.get("endpoint"):
        own = urlsplit(query["endpoint"])
        return [f"{own.scheme}://{own.netloc}"]
    near = f".{query['region']}" if query.get("region") else ""
    named = dict.fromkeys(["s3.amazonaws.com", f"s3{near}.amazonaws.com"])
    return [f"https://{parts.netloc}.{host}" for host in named] + [f"https://s3{near}.amazonaws.com"]


def source_buckets(name: str) -> tuple[SourceBucket, ...]:
    """Read s3://bucket/prefix?endpoint=…&region=…, several with commas."""

    def parse(text: str) -> tuple[SourceBucket, ...]:
        return tuple(_source_bucket(word.strip()) for word in text.split(",") if word.strip())

    return parsed(name, (), parse, "a list of s3://bucket/prefix?endpoint=https://host&region=name")


def _source_bucket(text: str) -> SourceBucket:
    parts = urlsplit(text)
    if parts.scheme != "s3" or not parts.netloc:
        raise ValueError
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    return SourceBucket(parts.netloc, parts.path.lstrip("/"), query.get("endpoint"), query.get("region"))
