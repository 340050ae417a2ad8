"""The simulated crowd at work: one visit = one person takes one page of the local market and answers it.

Everything a visit does is one transaction, its chance comes from the crowd's seed and the number of the visit, and its
time is an argument or the crowd's own clock: killed anywhere, the visit simply happens again, the same way.
"""

import hashlib
import json
import random
import uuid
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Count, F, QuerySet

from crowd.models import Account, AnswerRaw, Batch, SkillValue, Task, Worker
from crowd.models.worker import digest_of
from crowd.rehearsal import acting, answers
from crowd.rehearsal.models import HiddenTruth, PlayedTrick, RehearsalCrowd
from crowd.rehearsal.people import CrowdMix, Person, profile
from crowd.rehearsal.pictures import Truth
from crowd.services import claims, control, handing_in, trust

VISITS_PER_PERSON_AND_HOUR = 2.0
FILM = b"ftyp"


@dataclass(frozen=True, slots=True)
class Visit:
    """What came of a visit: `page` (handed in), `abandoned`, `nothing` (no work for this person) or `budget`."""

    outcome: str
    at: datetime


@dataclass(frozen=True, slots=True)
class _Visitor:
    """Who is here, when."""

    worker: Worker
    now: datetime
    is_live: bool


def ensure_crowd(
    *, account: Account, seed: str, population: int, start: datetime, visits_per_second: float, follows_wall_clock: bool
) -> RehearsalCrowd:
    crowd, _ = RehearsalCrowd.objects.get_or_create(
        account=account,
        defaults={
            "seed": seed,
            "population": population,
            "clock": start,
            "visits_per_second": visits_per_second,
            "follows_wall_clock": follows_wall_clock,
        },
    )
    return crowd


@transaction.atomic
def visit(*, account_id: int, now: datetime | None = None) -> Visit:
    """Let the next person come by. With `now` the rows are dated so; else the crowd's virtual clock runs."""
    crowd = RehearsalCrowd.objects.select_for_update().select_related("account").get(account_id=account_id)
    rng = random.Random(f"visit-{crowd.seed}-{crowd.step}")
    person = _who(crowd, rng)
    at = now or crowd.clock + timedelta(hours=rng.expovariate(crowd.population * VISITS_PER_PERSON_AND_HOUR))
    crowd.step, crowd.clock = crowd.step + 1, at
    crowd.save(update_fields=["step", "clock"])
    if now is None:  # nobody else keeps this crowd's time
        handing_in.expire_leases(now=at, account_id=crowd.account_id)
    visitor = _Visitor(_worker(crowd, person, at), at, is_live=now is not None)
    return Visit(acting.visit(_OwnMarket(visitor), acting.Actor(person, rng, at)), at)


def _who(crowd: RehearsalCrowd, rng: random.Random) -> Person:
    """Draw a person by activity."""
    people = _everybody(crowd.seed, crowd.population, json.dumps(crowd.mix, sort_keys=True))
    return rng.choices(people, [person.activity for person in people])[0]


@lru_cache(maxsize=8)
def _everybody(seed: str, population: int, mix: str) -> tuple[Person, ...]:
    known = CrowdMix.from_json(json.loads(mix))
    return tuple(profile(seed, number, known) for number in range(population))


def person_of(worker: Worker, crowd: RehearsalCrowd) -> Person:
    """Return the character behind a simulated worker."""
    return profile(crowd.seed, int(worker.ext_id.rsplit("-", 1)[1]), CrowdMix.from_json(crowd.mix))


def _worker(crowd: RehearsalCrowd, person: Person, now: datetime) -> Worker:
    ext_id = f"sim-{crowd.seed}-{person.number}"
    worker, _ = Worker.objects.get_or_create(
        account=crowd.account,
        ext_digest=digest_of(ext_id),
        defaults={
            "ext_id": ext_id,
            "country": person.country,
            "language": person.language,
            "is_adult": True,
            "consent_version": "rehearsal",
            "consented_at": now,
            "first_seen": now,
        },
    )
    return worker


@dataclass(frozen=True, slots=True)
class _OwnMarket:
    """The market in our own database, as one visitor meets it. What is `ref` elsewhere are rows here."""

    visitor: _Visitor

    def is_barred(self) -> bool:
        batch = self._batches().first()
        return batch is None or trust.is_restricted(worker=self.visitor.worker, batch=batch, now=self.visitor.now)

    def _batches(self) -> QuerySet[Batch]:
        account_id = self.visitor.worker.account_id
        return Batch.objects.filter(account_id=account_id, state=Batch.State.OPEN).order_by("id")

    def stalls(self) -> list[acting.Stall]:
        batches = list(self._batches())
        open_tasks = dict(
            Task.objects.filter(batch__in=batches, cancelled=False, issued__lt=F("overlap"))
            .values_list("batch_id")
            .annotate(n=Count("id"))
        )
        return [_stall(batch, open_tasks.get(batch.pk, 0)) for batch in batches]

    def skills(self) -> set[Hashable]:
        return set(SkillValue.objects.filter(worker=self.visitor.worker).values_list("skill_id", flat=True))

    def take(self, stall: acting.Stall) -> acting.Page:
        with transaction.atomic():
            page = claims.claim_page(batch_id=stall.ref.pk, worker_id=self.visitor.worker.pk, now=self.visitor.now)
        tasks = [acting.StallTask(task.answer_id, task.payload) for task in claims.page_tasks(page)]
        return acting.Page(page, stall, tasks)

    def walk_away(self, page: acting.Page) -> None:
        """On a virtual clock the lease runs out; a live crowd is too fast for leases of minutes and says so."""
        if self.visitor.is_live:
            handing_in.skip_page(assignment_id=page.ref.pk, worker_id=self.visitor.worker.pk, now=self.visitor.now)

    def truth_of(self, task: acting.StallTask) -> Truth:
        return truth_of(task.payload)

    def template_of(self, task: acting.StallTask) -> bytes | None:
        return stored(task.payload.get("template_key", ""))

    def earlier_photo(self, back: int) -> tuple[bytes, Truth] | None:
        return _earlier_photo(self.visitor.worker, back)

    def keep_photo(self, task: acting.StallTask, photo: answers.Photo) -> dict[str, Any]:
        digest = hashlib.sha256(photo.data)
        HiddenTruth.objects.get_or_create(sha256=digest.digest(), defaults={"truth": photo.truth.to_json()})
        suffix = "mp4" if photo.data[4:8] == FILM else "jpg"
        key = default_storage.save(f"uploads/{uuid.uuid4().hex}.{suffix}", ContentFile(photo.data))
        if photo.trick:
            PlayedTrick.objects.create(answer_id=task.ref, trick=photo.trick)
        name, size = f"photo-{task.ref}.{suffix}", len(photo.data)
        return {"file": {"key": key, "sha256": digest.hexdigest(), "bytes": size, "name": name}}

    def is_right(self, page: acting.Page, task: acting.StallTask, given: Mapping[str, Any]) -> bool:
        who = self.visitor.worker.pk
        return control.check_training(assignment_id=page.ref.pk, worker_id=who, answer_id=task.ref, payload=given).ok

    def hand_in(self, page: acting.Page, given: Mapping[Any, Mapping[str, Any]], duration_ms: int) -> None:
        handing_in.submit_page(
            assignment_id=page.ref.pk,
            worker_id=self.visitor.worker.pk,
            answers=given,
            duration_ms=duration_ms,
            now=self.visitor.now,
        )


def _stall(batch: Batch, open_tasks: int) -> acting.Stall:
    return acting.Stall(
        ref=batch,
        kind=batch.kind,
        interface=batch.interface,
        open_tasks=open_tasks,
        priority=batch.priority,
        needs_skill=batch.needs_skill_id,
        grants_skill=batch.grants_skill_id,
        options=[option["value"] for option in batch.spec.get("options", [])],
        flags=[flag["value"] for flag in batch.spec.get("flags", [])],
        media=batch.spec.get("media", "image"),
    )


def _earlier_photo(worker: Worker, back: int) -> tuple[bytes, Truth] | None:
    raw = (
        AnswerRaw.objects.filter(answer__worker=worker, answer__assignment__batch__interface="photo")
        .order_by("-pk")[back : back + 1]
        .first()
    )
    if raw is None:
        return None
    file = raw.payload["file"]
    data = stored(file["key"])
    row = HiddenTruth.objects.filter(sha256=bytes.fromhex(file["sha256"])).first()
    return (data, Truth.from_json(row.truth)) if data is not None and row is not None else None


def stored(key: str) -> bytes | None:
    if not key or not default_storage.exists(key):
        return None
    with default_storage.open(key, "rb") as file:
        data: bytes = file.read()
    return data


def truth_of(payload: Any) -> Truth:
    """What the picture shows; about pictures nobody drew the crowd knows nothing and takes them as they are asked."""
    row = HiddenTruth.objects.filter(sha256=bytes.fromhex(payload["sha256"])).first()
    if row is None:
        return Truth(payload["class"], (), int(payload["width"] or 1), int(payload["height"] or 1), "unknown")
    return Truth.from_json(row.truth)
