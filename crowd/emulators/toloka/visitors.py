"""The rehearsal's people in the emulated market: the same persons, the same order of draws, another platform.

A visitor looks at a page in the order in which our own market would have shown it; what the platform shows is its own
affair. Truths are known by the SHA-256 of a picture: of those handed in here, and of those a caller knows of. What a
control task shows is read from its known answer when nothing better is known.
"""

import hashlib
import random
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from crowd.emulators.crowd import File
from crowd.emulators.toloka import issuing, lifecycle, restrictions, submissions, workers
from crowd.emulators.toloka.errors import ApiError
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.pool_forms import configs_of
from crowd.emulators.toloka.records import OPEN, Assignment, Pool, Task, Worker
from crowd.errors import BudgetExceeded, NoWork
from crowd.rehearsal import acting, pace
from crowd.rehearsal.answers import INCORRECT, Photo
from crowd.rehearsal.people import CrowdMix, Person, profile
from crowd.rehearsal.pictures import Truth
from crowd.rehearsal.pictures import truth as facts
from crowd.rehearsal.population import luck_of

Pictures = Callable[[str], bytes | None]
Truths = Callable[[bytes], Truth | None]


def _no_picture(_url: str) -> bytes | None:
    return None


def _no_truth(_sha256: bytes) -> Truth | None:
    return None


@dataclass
class Visitors:
    """A population that comes by in the market, one visit after the other, on the market's own clock.

    `pictures` reads the picture at an address, for examples that are copied; `truths` knows pictures from elsewhere.
    """

    market: Market
    seed: str
    population: int
    mix: CrowdMix = field(default_factory=CrowdMix)
    pictures: Pictures = _no_picture
    truths: Truths = _no_truth
    step: int = 0
    tricks: dict[str, str] = field(default_factory=dict)  # attachment id -> what was done to the photo
    known: dict[bytes, Truth] = field(default_factory=dict)
    sent: dict[str, list[tuple[bytes, Truth]]] = field(default_factory=dict)  # worker id -> photos, oldest first
    shared: dict[int, list[tuple[str, bytes, Truth]]] = field(default_factory=dict)  # ring -> worker id and photo
    fresh: list[tuple[bytes, Truth]] = field(default_factory=list)  # those of `known` that nobody has taken note of
    people: list[Person] = field(init=False)

    def __post_init__(self) -> None:
        self.people = [profile(self.seed, number, self.mix) for number in range(self.population)]

    def visit(self) -> tuple[str, str]:
        """Let the next person come by; return what came of it and the id of the pool, if any."""
        rng = random.Random(f"visit-{self.seed}-{self.step}")  # noqa: S311  a seeded crowd, not cryptography
        person = rng.choices(self.people, [one.activity for one in self.people])[0]
        self.step += 1
        self.market.clock.set(self._next_moment(rng))
        with self.market.entered() as market:
            venue = _EmulatedMarket(self, _worker(market, self.seed, person), ring=person.ring)
            return acting.visit(venue, acting.Actor(person, rng, market.clock.now())), venue.last_pool

    def _next_moment(self, rng: random.Random) -> datetime:
        """Say when the next one comes by, drawn by what is on offer."""
        with self.market.lock:
            stalls = [_stall(self.market, pool) for pool in _open_pools(self.market)]
        now, owed = self.market.clock.now(), rng.expovariate(1)
        coming, luck = self.mix.coming, luck_of(self.seed)
        return pace.next_visit(now, owed, stalls=stalls, people=self.population, coming=coming, seed=luck)

    def remember(self, photo: Photo) -> None:
        sha256 = hashlib.sha256(photo.data).digest()
        if sha256 not in self.known:
            self.known[sha256] = photo.truth
            self.fresh.append((sha256, photo.truth))

    def truth_of(self, sha256: bytes) -> Truth | None:
        return self.known.get(sha256) or self.truths(sha256)


def _worker(market: Market, seed: str, person: Person) -> Worker:
    ident = f"sim-{seed}-{person.number}"
    home = {"id": ident, "country": person.country, "languages": [person.language.upper()]}
    return market.workers.find(ident) or workers.add(market, home)


@dataclass
class _EmulatedMarket:
    visitors: Visitors
    worker: Worker
    last_pool: str = ""
    ring: int | None = None
    first: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # of a training, before the hints

    @property
    def market(self) -> Market:
        return self.visitors.market

    def is_barred(self) -> bool:
        first = _open_pools(self.market)[0]
        return any(restrictions.covers(one, first) for one in self.worker.restrictions.values())

    def stalls(self) -> list[acting.Stall]:
        return [_stall(self.market, pool) for pool in _open_pools(self.market)]

    def skills(self) -> set[Hashable]:
        return set(self.worker.skills)

    def take(self, stall: acting.Stall) -> acting.Page:
        taken_before = sum(len(pages) for pages in self.worker.work.values())
        try:
            page = issuing.take(self.market, self.worker.id, stall.ref.id)
        except ApiError as refusal:
            if refusal.code == "NOT_ENOUGH_BALANCE":
                raise BudgetExceeded(stall.ref.reward_micro, max(0, self.market.spendable_micro)) from None
            raise NoWork(refusal.message) from None
        self.last_pool = stall.ref.id
        tasks = [acting.StallTask(task.id, self._payload(task)) for task in self._as_ours(page, stall, taken_before)]
        return acting.Page(page, stall, tasks)

    def _as_ours(self, page: Assignment, stall: acting.Stall, taken_before: int) -> list[Task]:
        """Put tasks in the order of our own market: controls at places that a worker cannot guess."""
        tasks = sorted(page.suite.tasks, key=lambda task: (task.kind != "REAL", task.id))
        if stall.kind == "main":
            random.Random(f"page:{self.worker.id}:{taken_before}").shuffle(tasks)  # noqa: S311
        return tasks

    def _payload(self, task: Task) -> dict[str, Any]:
        values = dict(task.form["input_values"])
        truth = self._known_truth(values)
        size = {"width": truth.width, "height": truth.height} if truth else {"width": 1, "height": 1}
        known = [one["output_values"] for one in task.form.get("known_solutions") or ()]
        return {"class": "", **size, **values, "known": known, "truth": truth or _told_by(known, values)}

    def _known_truth(self, values: Mapping[str, Any]) -> Truth | None:
        digest = str(values.get("sha256", ""))
        return self.visitors.truth_of(bytes.fromhex(digest)) if digest else None

    def walk_away(self, page: acting.Page) -> None:
        """The time of the page runs out by the market's clock."""

    def truth_of(self, task: acting.StallTask) -> Truth:
        asked = task.payload
        return asked["truth"] or Truth(asked["class"], (), asked["width"], asked["height"], "unknown")

    def template_of(self, task: acting.StallTask) -> bytes | None:
        url = str(task.payload.get("template", ""))
        return self.visitors.pictures(url) if url else None

    def earlier_photo(self, back: int) -> tuple[bytes, Truth] | None:
        mine = self.visitors.sent.get(self.worker.id, [])
        return mine[-1 - back] if back < len(mine) else None

    def shared_photo(self, back: int) -> tuple[bytes, Truth] | None:
        shared = self.visitors.shared.get(self.ring, []) if self.ring is not None else []
        others = [(data, truth) for who, data, truth in shared if who != self.worker.id]
        return others[-1 - back] if back < len(others) else None

    def keep_photo(self, task: acting.StallTask, photo: Photo) -> dict[str, Any]:
        return {"photo": photo}

    def is_right(self, page: acting.Page, task: acting.StallTask, given: Mapping[str, Any]) -> bool:
        self.first[task.ref] = given
        return given in task.payload["known"]

    def hand_in(self, page: acting.Page, given: Mapping[Any, Mapping[str, Any]], duration_ms: int) -> None:
        """Hand in now what was begun as long ago as it took; a training is corrected until it is right."""
        assignment: Assignment = page.ref
        assignment.created = self.market.now - timedelta(milliseconds=duration_ms)
        answers = [_output(self.first.get(task.id, given[task.id])) for task in assignment.suite.tasks]
        try:
            submissions.submit(self.market, assignment.id, answers)
        except submissions.NeedsCorrection as wrong:
            for place in wrong.hints:
                answers[place] = dict(assignment.suite.tasks[place].form["known_solutions"][0]["output_values"])
            submissions.submit(self.market, assignment.id, answers)
        self._remember_photos(assignment, given)

    def _remember_photos(self, assignment: Assignment, given: Mapping[Any, Mapping[str, Any]]) -> None:
        for task, solution in zip(assignment.suite.tasks, assignment.solutions, strict=True):
            photo = given[task.id].get("photo")
            if photo is None:
                continue
            self.visitors.remember(photo)
            self.visitors.sent.setdefault(self.worker.id, []).append((photo.data, photo.truth))
            if self.ring is not None:
                self.visitors.shared.setdefault(self.ring, []).append((self.worker.id, photo.data, photo.truth))
            if photo.trick:
                self.visitors.tricks[solution["photo"]] = photo.trick


def _told_by(known: Sequence[Mapping[str, Any]], values: Mapping[str, Any]) -> Truth | None:
    """Return a picture to which the known answer is the right one."""
    right = known[0].get("answer") if known else None
    if right is None:
        return None
    flags = (right,) if right in (facts.ROTATED, facts.THIRD_PARTY) else ()
    sign = None if right == INCORRECT else str(values.get("class", ""))
    return Truth(sign, (), 1, 1, "known", flags)


def _output(given: Mapping[str, Any]) -> dict[str, Any]:
    """Write an answer as the output fields of Template Builder."""
    if "photo" in given:
        return {"photo": File("photo.jpg", "image/jpeg", given["photo"].data)}
    if "boxes" not in given:
        return dict(given)
    boxes = [
        {
            "shape": "rectangle",
            "left": box["x"],
            "top": box["y"],
            "width": box["w"],
            "height": box["h"],
            "label": box["label"],
        }
        for box in given["boxes"]
    ]
    return {"result": boxes, "flags": dict.fromkeys(given["flags"], True)}


def _open_pools(market: Market) -> list[Pool]:
    found = [pool for pool in (*market.trainings, *market.pools) if pool.status == OPEN]
    return sorted(found, key=lambda pool: int(pool.id))


def _stall(market: Market, pool: Pool) -> acting.Stall:
    outputs = market.project_of(pool).outputs.spec
    kind = _kind_of(pool)
    return acting.Stall(
        ref=pool,
        kind=kind,
        interface=_interface_of(outputs),
        open_tasks=sum(task.issuable for task in pool.by_kind["REAL"]),
        priority=int(pool.form.get("priority") or 0),
        needs_skill=_needed_skill(market, pool, kind),
        grants_skill=_granted_skill(pool, kind),
        options=list((outputs.get("answer") or {}).get("allowed_values") or []),
        price_micro=0 if pool.is_training else pool.reward_micro,
    )


def _kind_of(pool: Pool) -> str:
    if pool.is_training:
        return "training"
    mixer = pool.form.get("mixer_config") or {}
    return "exam" if mixer and not mixer.get("real_tasks_count") else "main"


def _interface_of(outputs: Mapping[str, Any]) -> str:
    if "photo" in outputs:
        return "photo"
    return "boxes" if "result" in outputs else "choice"


def _needed_skill(market: Market, pool: Pool, kind: str) -> str | None:
    """Return the skill of the training that comes first, or the one the filter asks for."""
    training = market.trainings.find(lifecycle.training_of(pool)) if not pool.is_training else None
    if training is not None:
        return training.skill_id
    if kind != "main":
        return None
    conditions = [one for line in (pool.form.get("filter") or {}).get("and", []) for one in line.get("or", [])]
    asked = [one for one in conditions if one["category"] == "skill" and one["operator"] in {"GTE", "GT"}]
    return str(asked[-1]["key"]) if asked else None


def _granted_skill(pool: Pool, kind: str) -> str | None:
    if kind == "training":
        return pool.skill_id
    if kind != "exam":
        return None
    for config in configs_of(pool.form):
        for rule in config["rules"]:
            if rule["action"]["type"] == "SET_SKILL_FROM_OUTPUT_FIELD":
                return str(rule["action"]["parameters"]["skill_id"])
    return None
