"""The simulated crowd at work: one visit = one person takes one page of the local market and answers it.

Everything a visit does is one transaction, its chance comes from the crowd's seed and the number of the visit, and its
time is an argument or the crowd's own clock: killed anywhere, the visit simply happens again, the same way.
"""

import hashlib
import json
import random
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Count, F

from crowd.errors import BudgetExceeded, NoWork
from crowd.models import Account, AnswerRaw, Assignment, Batch, SkillValue, Task, Worker
from crowd.models.worker import digest_of
from crowd.rehearsal import answers
from crowd.rehearsal.models import HiddenTruth, PlayedTrick, RehearsalCrowd
from crowd.rehearsal.people import CrowdMix, Person, profile
from crowd.rehearsal.pictures import Truth
from crowd.services import claims, control, trust

VISITS_PER_PERSON_AND_HOUR = 2.0
SHARE_ABANDONED = 0.02


@dataclass(frozen=True, slots=True)
class Visit:
    """What came of a visit: `page` (handed in), `abandoned`, `nothing` (no work for this person) or `budget`."""

    outcome: str
    at: datetime


@dataclass(frozen=True, slots=True)
class _Visitor:
    """Who is here, with which luck, when."""

    worker: Worker
    person: Person
    rng: random.Random
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
    visitor = _Visitor(_worker(crowd, person, at), person, rng, at, is_live=now is not None)
    return Visit(_work(visitor), at)


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


def _work(visitor: _Visitor) -> str:
    for batch in _wishes(visitor):
        try:
            with transaction.atomic():
                page = claims.claim_page(batch_id=batch.pk, worker_id=visitor.worker.pk, now=visitor.now)
        except NoWork:
            continue
        except BudgetExceeded:
            return "budget"
        if batch.kind == Batch.Kind.MAIN and visitor.rng.random() < SHARE_ABANDONED:
            return _abandon(page, visitor)
        _hand_in(page, visitor)
        return "page"
    return "nothing"


def _abandon(page: Assignment, visitor: _Visitor) -> str:
    """Walk away. On a virtual clock the lease runs out; a live crowd is too fast for leases of minutes and says so."""
    if visitor.is_live:
        claims.skip_page(assignment_id=page.pk, worker_id=visitor.worker.pk, now=visitor.now)
    return "abandoned"


def _wishes(visitor: _Visitor) -> list[Batch]:
    """Batches in the order this person tries them: where much is open first, gates before what they guard."""
    worker = visitor.worker
    batches = list(Batch.objects.filter(account_id=worker.account_id, state=Batch.State.OPEN).order_by("id"))
    if not batches or trust.is_restricted(worker=worker, batch=batches[0], now=visitor.now):
        return []
    skills = dict(SkillValue.objects.filter(worker=worker).values_list("skill_id", "value"))
    open_tasks = dict(
        Task.objects.filter(batch__in=batches, cancelled=False, issued__lt=F("overlap"))
        .values_list("batch_id")
        .annotate(n=Count("id"))
    )
    mains = [batch for batch in batches if open_tasks.get(batch.pk)]
    wishes: list[Batch] = []
    while mains:
        weights = [open_tasks[batch.pk] * (1 + batch.priority) for batch in mains]
        chosen = visitor.rng.choices(mains, weights)[0]
        mains.remove(chosen)
        wishes.append(_way_to(chosen, batches, skills))
    return wishes


def _way_to(batch: Batch, batches: list[Batch], skills: dict[int, int]) -> Batch:
    """Return the batch itself, or the exam or training that must come first."""
    if batch.needs_skill_id is None or batch.needs_skill_id in skills:
        return batch
    gate = next((one for one in batches if one.grants_skill_id == batch.needs_skill_id), None)
    return _way_to(gate, batches, skills) if gate is not None else batch


def _hand_in(page: Assignment, visitor: _Visitor) -> None:
    batch, person = page.batch, visitor.person
    given: dict[int, dict[str, Any]] = {}
    took = 0.0
    for task in claims.page_tasks(page):
        given[task.answer_id] = _answer(task, batch, visitor)
        took += answers.seconds(person, visitor.rng, WORK[batch.interface])
        if batch.kind == Batch.Kind.TRAINING:
            given[task.answer_id] = _trained(task, page, visitor, given[task.answer_id])
    claims.submit_page(
        assignment_id=page.pk,
        worker_id=visitor.worker.pk,
        answers=given,
        duration_ms=round(took * 1000),
        now=visitor.now,
    )


WORK: dict[str, answers.Work] = {"photo": "photo", "choice": "judgement", "boxes": "boxes"}


def _answer(task: claims.PageTask, batch: Batch, visitor: _Visitor) -> dict[str, Any]:
    if batch.interface == "photo":
        return _send_photo(task, visitor)
    person, rng, truth = visitor.person, visitor.rng, _truth_of(task.payload)
    if batch.interface == "choice":
        options = [option["value"] for option in batch.spec["options"]]
        return {"answer": answers.judgement(person, rng, task.payload["class"], truth, options)}
    width, height = int(task.payload["width"]), int(task.payload["height"])
    drawn, flags = answers.boxes(person, rng, truth, width, height)
    return {"boxes": [_fraction(box, width, height) for box in drawn], "flags": flags}


def _fraction(box: answers.BoxAnswer, width: int, height: int) -> dict[str, Any]:
    x, y = min(max(0.0, box["x"]), width - 1.0), min(max(0.0, box["y"]), height - 1.0)
    w, h = min(box["w"], width - x), min(box["h"], height - y)
    return {"label": box["label"], "x": x / width, "y": y / height, "w": w / width, "h": h / height}


def _trained(task: claims.PageTask, page: Assignment, visitor: _Visitor, given: dict[str, Any]) -> dict[str, Any]:
    """Let the hint teach: the first answer has counted, the corrected one is handed in."""
    hint = control.check_training(
        assignment_id=page.pk, worker_id=visitor.worker.pk, answer_id=task.answer_id, payload=given
    )
    if hint.ok:
        return given
    right = answers.right_judgement(task.payload["class"], _truth_of(task.payload))
    return {"answer": answers.after_hint(visitor.person, visitor.rng, given["answer"], right)}


def _send_photo(task: claims.PageTask, visitor: _Visitor) -> dict[str, Any]:
    photo = answers.photo(
        visitor.person,
        visitor.rng,
        task.payload["class"],
        earlier=lambda back: _earlier_photo(visitor.worker, back),
        template=_read(task.payload.get("template_key", "")),
        taken=visitor.now,
    )
    digest = hashlib.sha256(photo.data)
    HiddenTruth.objects.get_or_create(sha256=digest.digest(), defaults={"truth": photo.truth.to_json()})
    key = default_storage.save(f"uploads/{uuid.uuid4().hex}.jpg", ContentFile(photo.data))
    if photo.trick:
        PlayedTrick.objects.create(answer_id=task.answer_id, trick=photo.trick)
    file = {"key": key, "sha256": digest.hexdigest(), "bytes": len(photo.data), "name": f"photo-{task.answer_id}.jpg"}
    return {"file": file}


def _earlier_photo(worker: Worker, back: int) -> tuple[bytes, Truth] | None:
    raw = (
        AnswerRaw.objects.filter(answer__worker=worker, answer__assignment__batch__interface="photo")
        .order_by("-pk")[back : back + 1]
        .first()
    )
    if raw is None:
        return None
    file = raw.payload["file"]
    data = _read(file["key"])
    row = HiddenTruth.objects.filter(sha256=bytes.fromhex(file["sha256"])).first()
    return (data, Truth.from_json(row.truth)) if data is not None and row is not None else None


def _read(key: str) -> bytes | None:
    if not key or not default_storage.exists(key):
        return None
    with default_storage.open(key, "rb") as file:
        data: bytes = file.read()
    return data


def _truth_of(payload: Any) -> Truth:
    """What the picture shows; about pictures nobody drew the crowd knows nothing and takes them as they are asked."""
    row = HiddenTruth.objects.filter(sha256=bytes.fromhex(payload["sha256"])).first()
    if row is None:
        return Truth(payload["class"], (), int(payload["width"] or 1), int(payload["height"] or 1), "unknown")
    return Truth.from_json(row.truth)
