"""Photos that the crowd sends: stored beside the work, had from the hand until their page is written."""

import hashlib
import uuid
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from crowd.rehearsal import acting, answers
from crowd.rehearsal.pictures.tricks import Sent
from crowd.rehearsal.truths import Secret, Secrets

FILM: Final = b"ftyp"
AT_ONCE: Final = 2  # a new file costs the kernel more than it costs us
Stored = tuple[dict[str, Any], Secret]


@dataclass(slots=True)
class Album:
    """The files of people who are at work together, by person and answer: not all of them are in the database yet.

    They are stored beside the work and told of when a page is written; whoever sends one again before then has it from
    the hand that took it.
    """

    _files: dict[str, dict[int, Any]] = field(default_factory=dict)
    _in_hand: dict[int, answers.Photo] = field(default_factory=dict)
    _undeveloped: dict[int, tuple[dict[str, Any], Future[Stored]]] = field(default_factory=dict)
    _secrets: Secrets = field(default_factory=Secrets)
    _beside: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE))

    def take(self, file: dict[str, Any], task: acting.StallTask, photo: answers.Photo) -> None:
        self._in_hand[task.ref] = photo
        storing = self._beside.submit(store, task, photo)
        storing.add_done_callback(lambda _: self._in_hand.pop(task.ref))
        self._undeveloped[task.ref] = file, storing

    def add(self, person: str, files: Mapping[int, Any]) -> None:
        self._files.setdefault(person, {}).update(files)

    def files_of(self, person: str) -> Mapping[int, Any]:
        return self._files.get(person, {})

    def photo_of(self, answer_id: int) -> Sent | None:
        """Return a photo that is not told of yet, with what it shows."""
        if (photo := self._in_hand.get(answer_id)) is not None:
            return photo.data, photo.truth
        if answer_id not in self._undeveloped:
            return None
        told, secret = self._undeveloped[answer_id][1].result()
        data = stored(told["key"])
        return None if data is None else (data, secret.truth)

    def develop(self) -> None:
        """Wait for the photos that were taken, and tell of them in that order."""
        for file, storing in self._undeveloped.values():
            told, secret = storing.result()
            file |= told
            self._secrets.keep(secret)
        self._undeveloped.clear()

    def write(self) -> None:
        """Write what nobody may see but the crowd, at the end."""
        with self._beside:
            self.develop()
        self._secrets.write()


def store(task: acting.StallTask, photo: answers.Photo) -> Stored:
    """Store a file; return what an answer says of it, and what only the crowd knows."""
    data, digest = photo.data, hashlib.sha256(photo.data)
    suffix = "mp4" if data[4:8] == FILM else "jpg"
    key = default_storage.save(f"uploads/{uuid.uuid4().hex}.{suffix}", ContentFile(data))
    told = {"key": key, "sha256": digest.hexdigest(), "bytes": len(data), "name": f"photo-{task.ref}.{suffix}"}
    return told, Secret(digest.digest(), photo.truth, task.ref, photo.trick)


def stored(key: str) -> bytes | None:
    if not key or not default_storage.exists(key):
        return None
    with default_storage.open(key, "rb") as file:
        data: bytes = file.read()
    return data
