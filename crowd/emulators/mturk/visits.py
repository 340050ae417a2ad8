"""Workers coming by: a crowd that takes what it may, and a script that says who does what."""

import random
import threading
from collections.abc import Callable, Mapping
from typing import Final

from crowd.emulators.mturk import worker_side
from crowd.emulators.mturk.errors import Refusal
from crowd.emulators.mturk.nouns.assignments import Assignment
from crowd.emulators.mturk.nouns.hits import Hit
from crowd.emulators.mturk.nouns.workers import Worker
from crowd.emulators.mturk.pages import task_for
from crowd.emulators.mturk.players import PLAYERS, GiveBack, HandIn, Player, fill_in
from crowd.emulators.mturk.questions import Kind
from crowd.emulators.mturk.service import Service

HOMES: Final = ("US", "US", "US", "IN", "BR", "CA", "GB", "DE", "PH", "KE")


class Crowd:
    """Simulated people; equal seeds and equal visits give equal answers."""

    def __init__(self, service: Service, base: Callable[[], str], players: Mapping[Kind, Player] = PLAYERS) -> None:
        self._service, self._base = service, base
        self.players: dict[Kind, Player] = dict(players)
        self._people: list[str] = []
        self._chance: random.Random = service.market.crowd_chance

    def invite(self, people: int) -> None:
        """Add people; nine of ten have a good record."""
        with self._service.market.lock:
            for _ in range(people):
                good = self._chance.random() < 0.9
                rejected = self._chance.randrange(0, 40) if good else self._chance.randrange(80, 400)
                profile = worker_side.Profile(
                    country=self._chance.choice(HOMES), approved=self._chance.randrange(200, 5000), rejected=rejected
                )
                self._people.append(worker_side.join(self._service.market, profile).id)

    def visit(self) -> bool:
        """Let somebody come by; false when they found nothing to do."""
        market = self._service.market
        with market.lock:
            self._service.catch_up()
            if not self._people:
                return False
            worker = market.worker(self._chance.choice(self._people))
            taken = self._take(worker)
            if taken is None:
                return self._qualify(worker)
        return self._do(*taken)

    def visits(self, count: int) -> int:
        """Return how many of so many visits did something."""
        return sum(self.visit() for _ in range(count))

    def keep_coming(self, per_second: float, stop: threading.Event) -> None:
        while not stop.wait(1 / per_second):
            self.visit()

    def _take(self, worker: Worker) -> tuple[Hit, Assignment] | None:
        market = self._service.market
        found = [hit for hit in worker_side.acceptable(market, worker) if hit.question.kind in self.players]
        if not found:
            return None
        hit = self._chance.choice(found)
        return hit, worker_side.accept(market, worker, hit, market.clock.now())

    def _do(self, hit: Hit, assignment: Assignment) -> bool:
        """Play the task without the lock, then hand in or give back; a place lost meanwhile is lost."""
        outcome = self.players[hit.question.kind].play(task_for(hit, assignment, self._base()), self._chance)
        market = self._service.market
        with market.lock:
            try:
                if isinstance(outcome, HandIn):
                    worker_side.hand_in(market, assignment, outcome.fields, market.clock.now())
                elif isinstance(outcome, GiveBack):
                    worker_side.give_back(market, assignment, market.clock.now())
            except Refusal:
                return False
        return True

    def _qualify(self, worker: Worker) -> bool:
        """Ask for the first qualification that an offered HIT wants and that can be asked for."""
        market, now = self._service.market, self._service.market.clock.now()
        wanted = {
            requirement["QualificationTypeId"]: None
            for hit in worker_side.offered(market, worker)
            for requirement in hit.type.requirements
            if requirement["Comparator"] != "DoesNotExist"
        }
        for type_id in wanted:
            try:
                asked = worker_side.ask_for_qualification(market, worker, type_id, now)
            except Refusal:
                continue
            if asked.state == "Open":
                fields = market.qualification_type(type_id).test_fields
                worker_side.hand_in_test(market, asked, fill_in(fields, self._chance), now)
            return True
        return False
