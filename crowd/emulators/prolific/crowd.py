"""People of Prolific who come by: they take a place, work on the page behind it, and finish or return it."""

import random
import threading
from dataclasses import dataclass, field

import httpx

from crowd.emulators.guests import Answer, Guest, People
from crowd.emulators.prolific import submissions
from crowd.emulators.prolific.market import Market
from crowd.emulators.prolific.nouns import Submission


@dataclass
class Crowd:
    """So many people, drawn anew for each visit; equal seeds give equal visits as long as nobody else comes."""

    market: Market
    people: People
    population: int
    seed: str = ""
    guest: Guest = field(default_factory=Guest)
    _ids: list[str] = field(init=False)
    _chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._chance = random.Random(f"prolific-{self.seed}")  # noqa: S311  a seeded crowd, not cryptography
        with self.market.lock:
            self._ids = [self.market.new_id() for _ in range(self.population)]

    def visit(self) -> bool:
        """Let somebody come by; false when they found nothing to do, or our page had nothing for them."""
        taken = self._take(self._chance.choice(self._ids))
        if taken is None:
            return False
        url, answer = submissions.address(self.market, taken), self.people.of(taken.participant)
        is_done = self._works(url, answer)
        submissions.end(self.market, taken.id, "complete" if is_done else "return")
        return is_done

    def _works(self, url: str, answer: Answer) -> bool:
        try:
            return bool(self.guest.work(url, answer, self._chance)["state"] == "done")
        except (httpx.HTTPError, ValueError):  # our page did not load
            return False

    def keep_coming(self, per_second: float, stop: threading.Event) -> None:
        while not stop.wait(1 / per_second):
            self.visit()

    def _take(self, participant: str) -> Submission | None:
        studies = list(self.market.studies)
        self._chance.shuffle(studies)
        for study_id in studies:
            try:
                return submissions.take(self.market, study_id, participant)
            except ValueError:
                continue
        return None
