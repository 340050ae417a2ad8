"""Packages of tasks: one zip for each push, packed in slices, so that a large one is continued and not begun again.

`media/` the pictures, `items/` one JSON for each task, `methodology/` the brief, `manifest.jsonl` every file with its
size and SHA-256. Beside the zip stands a small record of what is in it; without that the package does not count.
"""

import fcntl
import json
import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from django.conf import settings
from django.core.files.storage import default_storage

from crowd.clock import database_now
from crowd.errors import StillRunning
from crowd.models import Account, Task
from crowd.platforms.base import Receipt, TaskSpec
from crowd.platforms.tagme_files import methodology
from crowd.platforms.tagme_files.bans import excluded_from
from crowd.platforms.tagme_files.store import PACKAGES, Folder, put_file, read_json, write_json

SECONDS_A_SLICE = 8.0  # well under the lease of a command
BLOCK = 1 << 20
LARGEST_FILE = 500_000_000
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
MANIFEST, LOST = "manifest.jsonl", "lost.json"
EPOCH = (1980, 1, 1, 0, 0, 0)
KINDS = {b"\xff\xd8\xff": "jpg", b"\x89PNG\r\n\x1a\n": "png", b"GIF8": "gif", b"RIFF": "webp"}
SOON = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Item:
    """A task on its way out: the storage keys of its pictures by the names in its payload."""

    task: TaskSpec
    media: Mapping[str, str]

    @property
    def name(self) -> str:
        return item_name(self.task.key)


def item_name(key: str) -> str:
    """Return the name of a task's files: its key where that is a file name, else a digest."""
    return key if SAFE_NAME.fullmatch(key) else sha256(key.encode()).hexdigest()[:24]


def packed_tasks(folder: Folder) -> dict[str, int | None]:
    """Return the tasks that are in any package, with the answers asked for."""
    found: dict[str, int | None] = {}
    for record in records(folder):
        found |= record["tasks"]
    return found


def records(folder: Folder) -> list[dict[str, Any]]:
    """Return what is known of each package, the first one first."""
    names = [name for name in folder.names(PACKAGES) if name.endswith(".json")]
    return sorted((read_json(folder.key(PACKAGES, name)) for name in names), key=lambda one: int(one["number"]))


def push(account: Account, folder: Folder, tasks: Sequence[TaskSpec], key: str) -> Receipt:
    """Pack what is in no package yet. Raises StillRunning after each slice until the package is whole."""
    known = packed_tasks(folder)
    distinct = {task.key: task for task in tasks}
    items = _items(account, folder, [task for one, task in distinct.items() if one not in known])
    lost = _pack(folder, items, package_name(folder, key, [item.task.key for item in items])) if items else {}
    created = len(items) - len(lost)
    ids = {one: item_name(one) for one in distinct if one not in lost}
    return Receipt(created=created, existing=len(tasks) - len(items), refused=lost, ids=ids)


def package_name(folder: Folder, key: str, tasks: Sequence[str]) -> str:
    """Return the same name for the same push of the same tasks, so that it goes on where it was."""
    return sha256("\n".join([folder.path, key, *tasks]).encode()).hexdigest()[:16]


def _items(account: Account, folder: Folder, tasks: Sequence[TaskSpec]) -> list[Item]:
    """Find the pictures of tasks: what is pushed has addresses, our rows have the storage keys."""
    rows = Task.objects.filter(batch__account=account, batch__remote_id=folder.remote_id)
    payloads = dict(rows.filter(key__in=[task.key for task in tasks]).values_list("key", "payload"))
    return [Item(task, _media(payloads.get(task.key, task.payload))) for task in tasks]


def _media(payload: Mapping[str, Any]) -> dict[str, str]:
    return {name.removesuffix("_key"): str(key) for name, key in payload.items() if name.endswith("_key") and key}


def _missing(item: Item) -> str:
    for key in item.media.values():
        if not default_storage.exists(key):
            return "Its picture is not in the storage any more."
        if default_storage.size(key) > LARGEST_FILE:
            return f"Its file is larger than the {LARGEST_FILE // 1_000_000} MB that the vendor takes."
    return ""


def _pack(folder: Folder, items: Sequence[Item], name: str) -> dict[str, str]:
    """Pack for a slice of time. When all is done return the tasks that had to stay behind, each with its reason."""
    work = Path(settings.DATA_DIR) / "vendor-packages" / name
    with _alone(work):
        lost = _lost(work)
        is_whole = _add_items(work / "package.zip", items, lost)
        (work / LOST).write_text(json.dumps(lost), encoding="utf-8")
        if not is_whole:
            raise StillRunning(database_now(), "packing the pictures for the vendor")
        if packed := [item for item in items if item.task.key not in lost]:
            _finish(folder, work, name, packed)
    shutil.rmtree(work, ignore_errors=True)
    return lost


def _lost(work: Path) -> dict[str, str]:
    """Return what earlier slices could not pack."""
    path = work / LOST
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


@contextmanager
def _alone(work: Path) -> Iterator[None]:
    """Hold the place of work alone: a packer that was frozen and wakes up late must not write into it as well."""
    work.mkdir(parents=True, exist_ok=True)
    with (work / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StillRunning(database_now() + SOON, "another process packs it") from None
        yield


def _add_items(path: Path, items: Sequence[Item], lost: dict[str, str]) -> bool:
    """Add tasks for at most a slice of time; returns whether all are in. A torn archive is begun anew."""
    there, end = _entries(path), time.monotonic() + SECONDS_A_SLICE
    with ZipFile(path, "a") as archive:
        for item in items:
            if f"items/{item.name}.json" in there or item.task.key in lost:
                continue
            if time.monotonic() > end:
                return False
            if why := _missing(item):
                lost[item.task.key] = why
            else:
                _add(archive, item, there)
    return True


def _entries(path: Path) -> set[str]:
    try:
        with ZipFile(path) as archive:
            return set(archive.namelist())
    except (FileNotFoundError, BadZipFile):
        path.unlink(missing_ok=True)
        return set()


def _add(archive: ZipFile, item: Item, there: set[str]) -> None:
    """Add the pictures of a task, then its JSON, which says that the pictures are in."""
    names = {}
    for field, key in item.media.items():
        stem = item.name if field == "image" else f"{item.name}-{field}"
        names[field] = f"media/{stem}.{_ending(key)}"
        if names[field] not in there:
            _copy(archive, names[field], key)
    document = json.dumps(_document(item, names), ensure_ascii=False, indent=1).encode()
    archive.writestr(_info(f"items/{item.name}.json"), document, ZIP_DEFLATED)


def _document(item: Item, names: Mapping[str, str]) -> dict[str, Any]:
    task = item.task
    told = {name: value for name, value in task.payload.items() if name not in names and not name.endswith("_key")}
    control = {"control": True, "expected": task.known_answer} if task.known_answer is not None else {"control": False}
    return {
        "task": task.key,
        "class": task.payload.get("class", ""),
        "input": told,
        "media": names,
        "answers": task.overlap,
        **control,
    }


def _ending(key: str) -> str:
    with default_storage.open(key, "rb") as file:
        head = file.read(8)
    return next((ending for sign, ending in KINDS.items() if head.startswith(sign)), "bin")


def _copy(archive: ZipFile, name: str, key: str) -> None:
    with default_storage.open(key, "rb") as source, archive.open(_info(name), "w", force_zip64=True) as target:
        shutil.copyfileobj(source, target, BLOCK)


def _info(name: str) -> ZipInfo:
    info = ZipInfo(name, EPOCH)  # no clock in the bytes
    info.compress_type, info.external_attr = ZIP_STORED, 0o644 << 16
    return info


def _finish(folder: Folder, work: Path, name: str, items: Sequence[Item]) -> None:
    """Add brief and manifest, put the package into the storage, then write down what is in it."""
    path = work / "package.zip"
    if MANIFEST not in _entries(path):  # else a packer died while it put the package away
        _add_brief_and_manifest(folder, path)
    with path.open("rb") as file:
        put_file(folder.key(PACKAGES, f"{name}.zip"), file)
    _write_record(folder, name, items, path.stat().st_size)


def _add_brief_and_manifest(folder: Folder, path: Path) -> None:
    there = _entries(path)
    with ZipFile(path, "a") as archive:
        for name, data in methodology.files(folder.batch(), excluded_from(folder)).items():
            if name not in there:
                archive.writestr(_info(name), data, ZIP_DEFLATED)
    manifest = "".join(json.dumps(line) + "\n" for line in _manifest(path))
    with ZipFile(path, "a") as archive:
        archive.writestr(_info(MANIFEST), manifest, ZIP_DEFLATED)


def _manifest(path: Path) -> Iterator[dict[str, Any]]:
    with ZipFile(path) as archive:
        for info in archive.infolist():
            digest = sha256()
            with archive.open(info) as source:
                while block := source.read(BLOCK):
                    digest.update(block)
            yield {"path": info.filename, "bytes": info.file_size, "sha256": digest.hexdigest()}


def _write_record(folder: Folder, name: str, items: Sequence[Item], size: int) -> None:
    record = {
        "name": name,
        "number": len(records(folder)) + 1,
        "tasks": {item.task.key: item.task.overlap for item in items},
        "media": sum(len(item.media) for item in items),
        "bytes": size,
        "made_at": database_now().isoformat(timespec="seconds"),
    }
    write_json(folder.key(PACKAGES, f"{name}.json"), record)
