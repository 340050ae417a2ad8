"""The simulated crowd at work: one visit = one person takes one page of the local market and answers it.

Everything a visit does is in one transaction, alone or with some visits more. Its chance comes from the crowd's seed
and its number, its time is an argument or the crowd's own clock: killed anywhere, it happens again the same way.
"""

import hashlib
import json
import random
import uuid
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from itertools import accumulate
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Count, F, QuerySet

from crowd.models import Account, AnswerRaw, Batch, SkillValue, Task, Worker
from crowd.models.worker import digest_of
from crowd.rehearsal import acting, answers, pace
from crowd.rehearsal.arrivals import Coming
from crowd.rehearsal.darkrooms import DRAWN, Darkroom
from crowd.rehearsal.models import HiddenTruth, PlayedTrick, RehearsalCrowd
from crowd.rehearsal.people import CrowdMix, Person, profile
from crowd.rehearsal.pictures import Truth
from crowd.rehearsal.population import luck_of
from crowd.services import claims, control, handing_in, trust

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
    ring: tuple[str, ...] = ()  # ids of the others whose photos he sends


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


def let_come(*, account_id: int, coming: Coming) -> None:
    """Let a crowd come by in this way; one that is at work keeps its own."""
    RehearsalCrowd.objects.filter(account_id=account_id, step=0).update(mix={"coming": asdict(coming)})


@transaction.atomic
def visit(*, account_id: int, now: datetime, darkroom: Darkroom = DRAWN) -> Visit:
    """Let the next person of a live crowd come by: the rows are dated `now`."""
    crowd = _locked(account_id)
    rng = _luck(crowd)
    person, offered = _who(crowd, rng), _stalls(crowd.account_id)
    crowd.step, crowd.clock = crowd.step + 1, now
    crowd.save(update_fields=["step", "clock"])
    worker = _workers(crowd, [person], [now])[person.number]
    visitor = _Visitor(worker, now, is_live=True, ring=_ring_of(crowd, person))
    return Visit(acting.visit(_OwnMarket(visitor, offered), acting.Actor(person, rng, now, darkroom)), now)


@transaction.atomic
def visit_some(*, account_id: int, visitors: int, darkroom: Darkroom = DRAWN) -> list[Visit]:
    """Let so many people come by, one after the other on the crowd's own clock, which nobody else keeps.

    All of them choose by what is on offer when the first one comes.
    """
    crowd, offered, moments, found = _locked(account_id), _stalls(account_id), [], []
    luck = [_luck(crowd, number) for number in range(visitors)]
    coming = [_who(crowd, rng) for rng in luck]
    for number, rng in enumerate(luck):
        crowd.step, crowd.clock = crowd.step + 1, _next_moment(crowd, rng, offered)
        moments.append(crowd.clock)
        if number == 0 and handing_in.expire_leases(now=crowd.clock, account_id=account_id):
            offered = _stalls(account_id)
    workers = _workers(crowd, coming, moments)
    for person, rng, at in zip(coming, luck, moments, strict=True):
        visitor = _Visitor(workers[person.number], at, is_live=False, ring=_ring_of(crowd, person))
        outcome = acting.visit(_OwnMarket(visitor, offered), acting.Actor(person, rng, at, darkroom))
        found.append(Visit(outcome, at))
    crowd.save(update_fields=["step", "clock"])
    return found


def _locked(account_id: int) -> RehearsalCrowd:
    return RehearsalCrowd.objects.select_for_update().select_related("account").get(account_id=account_id)


def _luck(crowd: RehearsalCrowd, later: int = 0) -> random.Random:
    """Return the chance of the next visit, or of one so many visits later."""
    return random.Random(f"visit-{crowd.seed}-{crowd.step + later}")


def _next_moment(crowd: RehearsalCrowd, rng: random.Random, offered: list[acting.Stall]) -> datetime:
    coming, owed = _everybody(crowd).mix.coming, rng.expovariate(1)
    luck = luck_of(crowd.seed)
    return pace.next_visit(crowd.clock, owed, stalls=offered, people=crowd.population, coming=coming, seed=luck)


def _who(crowd: RehearsalCrowd, rng: random.Random) -> Person:
    """Draw a person by activity."""
    everybody = _everybody(crowd)
    return rng.choices(everybody.people, cum_weights=everybody.activity)[0]


@dataclass(frozen=True, slots=True)
class _Everybody:
    """The people of a crowd, their activity added up from the first one to each, and what they were drawn from."""

    people: tuple[Person, ...]
    activity: tuple[float, ...]
    mix: CrowdMix


def _everybody(crowd: RehearsalCrowd) -> _Everybody:
    return _drawn(crowd.seed, crowd.population, json.dumps(crowd.mix, sort_keys=True))


@lru_cache(maxsize=8)
def _drawn(seed: str, population: int, plain: str) -> _Everybody:
    mix = CrowdMix.from_json(json.loads(plain))
    people = tuple(profile(seed, number, mix) for number in range(population))
    return _Everybody(people, tuple(accumulate(person.activity for person in people)), mix)


def _ring_of(crowd: RehearsalCrowd, person: Person) -> tuple[str, ...]:
    if person.ring is None:
        return ()
    others = (one for one in _everybody(crowd).people if one.ring == person.ring and one.number != person.number)
    return tuple(_ext_id(crowd, one.number) for one in others)


def _ext_id(crowd: RehearsalCrowd, number: int) -> str:
    return f"sim-{crowd.seed}-{number}"


def person_of(worker: Worker, crowd: RehearsalCrowd) -> Person:
    """Return the character behind a simulated worker."""
    return profile(crowd.seed, int(worker.ext_id.rsplit("-", 1)[1]), CrowdMix.from_json(crowd.mix))


def _workers(crowd: RehearsalCrowd, people: Sequence[Person], moments: Sequence[datetime]) -> dict[int, Worker]:
    """Return the workers behind people who come at these moments, by the people's numbers; new ones are made."""
    numbers = {digest_of(_ext_id(crowd, person.number)): person.number for person in people}
    there = Worker.objects.filter(account=crowd.account, ext_digest__in=numbers)
    workers = {numbers[bytes(worker.ext_digest)]: worker for worker in there}
    fresh: dict[int, Worker] = {}
    for person, at in zip(people, moments, strict=True):
        if person.number not in workers:
            fresh.setdefault(person.number, _new_worker(crowd, person, at))
    Worker.objects.bulk_create(fresh.values())
    return workers | fresh


def _new_worker(crowd: RehearsalCrowd, person: Person, now: datetime) -> Worker:
    ext_id = _ext_id(crowd, person.number)
    return Worker(
        account=crowd.account,
        ext_id=ext_id,
        ext_digest=digest_of(ext_id),
        country=person.country,
        language=person.language,
        is_adult=True,
        consent_version="rehearsal",
        consented_at=now,
        first_seen=now,
    )


@dataclass(frozen=True, slots=True)
class _OwnMarket:
    """The market in our own database, as one visitor meets it. What is `ref` elsewhere are rows here."""

    visitor: _Visitor
    offered: list[acting.Stall]

    def is_barred(self) -> bool:
        """A restriction that covers the account's work is seen at any of its pools."""
        visitor = self.visitor
        return not self.offered or trust.is_restricted(
            worker=visitor.worker, batch=self.offered[0].ref, now=visitor.now
        )

    def stalls(self) -> list[acting.Stall]:
        return self.offered

    def skills(self) -> set[Hashable]:
        return set(SkillValue.objects.filter(worker=self.visitor.worker).values_list("skill_id", flat=True))

    def take(self, stall: acting.Stall) -> acting.Page:
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
        return _earlier_photo(Worker.objects.filter(pk=self.visitor.worker.pk), back)

    def shared_photo(self, back: int) -> tuple[bytes, Truth] | None:
        digests = [digest_of(one) for one in self.visitor.ring]
        ring = Worker.objects.filter(account_id=self.visitor.worker.account_id, ext_digest__in=digests)
        return _earlier_photo(ring, back) if digests else None

    def keep_photo(self, task: acting.StallTask, photo: answers.Photo) -> dict[str, Any]:
        digest = hashlib.sha256(photo.data)
        known = HiddenTruth(sha256=digest.digest(), truth=photo.truth.to_json())
        HiddenTruth.objects.bulk_create([known], ignore_conflicts=True)
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


def _stalls(account_id: int) -> list[acting.Stall]:
    batches = list(Batch.objects.filter(account_id=account_id, state=Batch.State.OPEN).order_by("id"))
    open_tasks = dict(
        Task.objects.filter(batch__in=batches, cancelled=False, issued__lt=F("overlap"))
        .values_list("batch_id")
        .annotate(n=Count("id"))
    )
    return [_stall(batch, open_tasks.get(batch.pk, 0)) for batch in batches]


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
        price_micro=batch.price_micro,
        per_worker=batch.per_worker,
    )


def _earlier_photo(workers: QuerySet[Worker], back: int) -> tuple[bytes, Truth] | None:
    raw = (
        AnswerRaw.objects.filter(answer__worker__in=workers, answer__assignment__batch__interface="photo")
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
    try:
        return _truth(bytes.fromhex(payload["sha256"]))
    except HiddenTruth.DoesNotExist:
        return Truth(payload["class"], (), int(payload["width"] or 1), int(payload["height"] or 1), "unknown")


@lru_cache(maxsize=20_000)
def _truth(sha256: bytes) -> Truth:
    """Read a truth once in a process; that of a file never changes."""
    return Truth.from_json(HiddenTruth.objects.get(sha256=sha256).truth)
