"""What we hand to a vendor and what it has handed back, as files in the storage, one folder for each batch.

A file appears whole or not at all: it is written beside its place and renamed, or sent to the storage in one piece.
"""

import json
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage

from crowd.errors import NotFound
from crowd.models import Account

ROOT = "vendor"
REMOTE_ID = re.compile(r"[0-9a-f]{24}")
BATCH, EXCLUDED = "batch.json", "excluded.json"
PACKAGES, RESULTS, VERDICTS, INCOMING = "packages", "results", "verdicts", "incoming"


def remote_id_of(account: Account, key: str) -> str:
    return sha256(f"{account.pk}\n{key}".encode()).hexdigest()[:24]


class Folder:
    """The folder of one batch."""

    def __init__(self, account: Account, remote_id: str) -> None:
        self.remote_id = remote_id
        self.home = f"{ROOT}/{account.pk}"
        self.path = f"{self.home}/{remote_id}"

    @classmethod
    def existing(cls, account: Account, remote_id: str) -> "Folder":
        """Return the folder of a batch that was made; NotFound for anything else."""
        folder = cls(account, remote_id)
        if not REMOTE_ID.fullmatch(remote_id) or not default_storage.exists(f"{folder.path}/{BATCH}"):
            raise NotFound(f"Account {account.slug} has no batch {remote_id[:60]!r}.")
        return folder

    def key(self, *parts: str) -> str:
        return "/".join([self.path, *parts])

    def names(self, part: str) -> list[str]:
        """Return the files of one part in order."""
        try:
            _, found = default_storage.listdir(self.key(part))
        except FileNotFoundError:
            return []
        return sorted(name for name in found if not name.endswith(".part"))

    def batch(self) -> dict[str, Any]:
        return read_json(self.key(BATCH))


def read_json(key: str) -> dict[str, Any]:
    with default_storage.open(key, "rb") as file:
        found: dict[str, Any] = json.loads(file.read())
    return found


def read_json_or_nothing(key: str) -> dict[str, Any]:
    return read_json(key) if default_storage.exists(key) else {}


def write_json(key: str, value: Mapping[str, Any]) -> None:
    put(key, ContentFile(json.dumps(value, ensure_ascii=False, indent=1).encode()))


def put(key: str, content: "File[bytes]") -> None:
    """Store under exactly this name, replacing what was there."""
    try:
        path = Path(default_storage.path(key))
    except NotImplementedError:  # a remote storage: an object is there when all of it is
        default_storage.delete(key)
        default_storage.save(key, content)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with beside.open("wb") as file:
            for chunk in content.chunks():
                file.write(chunk)
        beside.replace(path)
    finally:
        with suppress(OSError):
            beside.unlink()


def put_file(key: str, file: BinaryIO) -> None:
    put(key, File(file))


@lru_cache(maxsize=256)
def result_rows(key: str) -> tuple[Mapping[str, Any], ...]:
    """Return the rows of one stored file of results; such a file never changes."""
    with default_storage.open(key, "rb") as file:
        return tuple(json.loads(line) for line in file)


@lru_cache(maxsize=256)
def page_ids(key: str) -> frozenset[str]:
    """Return the pages in one stored file of results."""
    return frozenset(row["page"] for row in result_rows(key))
