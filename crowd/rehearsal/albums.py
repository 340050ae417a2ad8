"""Photos that the crowd sends: had from the hand while their round lasts, stored while its pages are written."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from crowd.rehearsal import acting, answers
from crowd.rehearsal.pictures.tricks import Sent
from crowd.rehearsal.truths import Secret, Secrets

FILM: Final = b"ftyp"


@dataclass(slots=True)
class Album:
    """The files of people who are at work together, by person and answer: not all of them are in the database yet.

    They are told of when a page is written. Since the database is busy with that for a while, they are stored meanwhile
    and not one by one beside the work, where two threads would take turns at every call of the system.
    """

    _files: dict[str, dict[int, Any]] = field(default_factory=dict)
    _in_hand: dict[int, answers.Photo] = field(default_factory=dict)
    _untold: dict[int, tuple[dict[str, Any], acting.StallTask]] = field(default_factory=dict)
    _storing: list[Future[None]] = field(default_factory=list)
    _secrets: Secrets = field(default_factory=Secrets)
    _beside: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    def take(self, file: dict[str, Any], task: acting.StallTask, photo: answers.Photo) -> None:
        self._in_hand[task.ref] = photo
        self._untold[task.ref] = file, task

    def add(self, person: str, files: Mapping[int, Any]) -> None:
        self._files.setdefault(person, {}).update(files)

    def files_of(self, person: str) -> Mapping[int, Any]:
        return self._files.get(person, {})

    def photo_of(self, answer_id: int) -> Sent | None:
        """Return a photo that was taken here, with what it shows."""
        photo = self._in_hand.get(answer_id)
        return None if photo is None else (photo.data, photo.truth)

    def develop(self) -> None:
        """Wait for the photos that were taken, tell of them in that order, and begin to store them."""
        fresh = []
        for ref, (file, task) in self._untold.items():
            photo = self._in_hand[ref]
            told, secret = _told(task, photo)
            file |= told
            self._secrets.keep(secret)
            fresh.append((told["key"], photo.data))
        self._untold.clear()
        if fresh:
            self._storing.append(self._beside.submit(_store_all, fresh))

    def write(self) -> None:
        """Write what nobody may see but the crowd, at the end, when all is stored."""
        with self._beside:
            self.develop()
            self._secrets.write()
        for one in self._storing:
            one.result()


def store(task: acting.StallTask, photo: answers.Photo) -> tuple[dict[str, Any], Secret]:
    """Store a file; return what an answer says of it, and what only the crowd knows."""
    told, secret = _told(task, photo)
    _store_all([(told["key"], photo.data)])
    return told, secret


def _told(task: acting.StallTask, photo: answers.Photo) -> tuple[dict[str, Any], Secret]:
    data, digest = photo.data, hashlib.sha256(photo.data)
    suffix = "mp4" if data[4:8] == FILM else "jpg"
    key = f"uploads/{uuid.uuid4().hex}.{suffix}"
    told = {"key": key, "sha256": digest.hexdigest(), "bytes": len(data), "name": f"photo-{task.ref}.{suffix}"}
    return told, Secret(digest.digest(), photo.truth, task.ref, photo.trick)


def _store_all(files: Sequence[tuple[str, bytes]]) -> None:
    for key, data in files:
        if (name := default_storage.save(key, ContentFile(data))) != key:
            raise OSError(f"The storage keeps {key} as {name}.")


def stored(key: str) -> bytes | None:
    if not key or not default_storage.exists(key):
        return None
    with default_storage.open(key, "rb") as file:
        data: bytes = file.read()
    return data
