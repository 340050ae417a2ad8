"""The people of a rehearsal, as they answer on our own page when an emulated platform sends them.

They see what a task shows by its row here: the emulator that sends them runs beside this installation.
"""

import hashlib
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import close_old_connections

from crowd.clock import database_now
from crowd.emulators.guests import Answer
from crowd.models import Answer as AnswerRow
from crowd.rehearsal import acting, albums, own_market
from crowd.rehearsal.answers import Photo
from crowd.rehearsal.models import HiddenTruth, PlayedTrick
from crowd.rehearsal.people import CrowdMix, Person, profile
from crowd.rehearsal.pictures import Truth


@dataclass
class RehearsalPeople:
    """A character for each worker id, in the order in which they come."""

    seed: str
    mix: CrowdMix = field(default_factory=CrowdMix)
    _guests: dict[str, "_Guest"] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, worker_id: str) -> Answer:
        with self._lock:
            if worker_id not in self._guests:
                self._guests[worker_id] = _Guest(profile(self.seed, len(self._guests), self.mix))
            return self._guests[worker_id].answer


@dataclass
class _Guest:
    """One person, and the photos they have sent."""

    person: Person
    sent: list[tuple[bytes, Truth]] = field(default_factory=list)

    def answer(
        self, page: Mapping[str, Any], told: Mapping[str, Any], chance: random.Random
    ) -> Mapping[str, Any] | bytes:
        close_old_connections()  # whoever comes by does so in a thread that lives for days
        task = AnswerRow.objects.select_related("task__batch").get(pk=told["id"]).task
        stall = acting.Stall(
            ref=None,
            kind=page["kind"],
            interface=page["interface"],
            open_tasks=0,
            options=[option["value"] for option in page["options"]],
            media=task.batch.spec.get("media", "image"),
        )
        given = acting.answer(
            self, stall, acting.StallTask(told["id"], task.payload), acting.Actor(self.person, chance, database_now())
        )
        photo: bytes | None = given.get("photo")
        return given if photo is None else photo

    def truth_of(self, task: acting.StallTask) -> Truth:
        return own_market.truth_of(task.payload)

    def template_of(self, task: acting.StallTask) -> bytes | None:
        return albums.stored(task.payload.get("template_key", ""))

    def earlier_photo(self, back: int) -> tuple[bytes, Truth] | None:
        return self.sent[-1 - back] if back < len(self.sent) else None

    def shared_photo(self, _back: int) -> tuple[bytes, Truth] | None:
        """Whoever comes over the internet comes alone."""
        return None

    def keep_photo(self, task: acting.StallTask, photo: Photo) -> dict[str, Any]:
        """Remember what the photo shows, for whoever judges it and for the report."""
        sha256 = hashlib.sha256(photo.data).digest()
        HiddenTruth.objects.get_or_create(sha256=sha256, defaults={"truth": photo.truth.to_json()})
        if photo.trick:
            PlayedTrick.objects.get_or_create(answer_id=task.ref, defaults={"trick": photo.trick})
        self.sent.append((photo.data, photo.truth))
        return {"photo": photo.data}
