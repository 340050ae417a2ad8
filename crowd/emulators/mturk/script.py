"""A script of what each worker does, read from JSON.

    {"workers": [{"id": "AWANDA", "country": "DE", "visits": [
        {"qualification": "Hands: exam", "answer": {"q1": "fist"}},
        {"hit": {"title": "Draw*"}, "answer": {"label": "fist"}},
        {"hit": {"annotation": "batch-7"}, "do": "return"}]}]}

A visit waits until its HIT is offered to the worker, then it is done once and the next one waits.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, Literal

from crowd.emulators.mturk import worker_side
from crowd.emulators.mturk.answers import Fields
from crowd.emulators.mturk.errors import Refusal
from crowd.emulators.mturk.nouns.hits import Hit
from crowd.emulators.mturk.nouns.workers import Worker
from crowd.emulators.mturk.service import Service
from crowd.emulators.mturk.worker_side import Profile

DOINGS: Final = ("submit", "return", "leave")


@dataclass(frozen=True, slots=True)
class Visit:
    """`hit` has patterns for title, annotation and id; an empty one takes any HIT."""

    hit: Mapping[str, str] = field(default_factory=dict)
    qualification: str = ""
    answer: Fields = field(default_factory=dict)
    do: Literal["submit", "return", "leave"] = "submit"


@dataclass(slots=True)
class _Part:
    worker_id: str
    visits: list[Visit]


class Script:
    """The workers of a script and what they still have to do."""

    def __init__(self, service: Service, plain: Any) -> None:
        """Read a script and add its workers; ValueError says which part is wrong."""
        self._service = service
        self._parts = [self._part(number, part) for number, part in enumerate(_list(plain, "workers", "the script"))]

    @property
    def done(self) -> bool:
        return not any(part.visits for part in self._parts)

    def step(self) -> int:
        """Let every worker try the next visit; return how many could."""
        return sum(self._try(part) for part in self._parts if part.visits)

    def _part(self, number: int, plain: Any) -> _Part:
        where = f"worker {number + 1} of the script"
        visits = [_read(Visit, visit, f"a visit of {where}") for visit in _list(plain, "visits", where)]
        for visit in visits:
            if visit.do not in DOINGS:
                raise ValueError(f"A visit of {where} does {visit.do!r}; expected one of {', '.join(DOINGS)}.")
        profile = _read(Profile, {name: value for name, value in plain.items() if name != "visits"}, where)
        return _Part(worker_side.join(self._service.market, profile).id, visits)

    def _try(self, part: _Part) -> bool:
        market = self._service.market
        with market.lock:
            self._service.catch_up()
            worker, visit = market.worker(part.worker_id), part.visits[0]
            try:
                done = self._qualify(worker, visit) if visit.qualification else self._work(worker, visit)
            except Refusal:
                return False
            if done:
                part.visits.pop(0)
            return done

    def _work(self, worker: Worker, visit: Visit) -> bool:
        market, now = self._service.market, self._service.market.clock.now()
        hit = next((hit for hit in worker_side.acceptable(market, worker) if _fits(hit, visit.hit)), None)
        if hit is None:
            return False
        assignment = worker_side.accept(market, worker, hit, now)
        if visit.do == "submit":
            worker_side.hand_in(market, assignment, visit.answer, now)
        elif visit.do == "return":
            worker_side.give_back(market, assignment, now)
        return True

    def _qualify(self, worker: Worker, visit: Visit) -> bool:
        market, now = self._service.market, self._service.market.clock.now()
        names = {found.name: found.id for found in market.qualification_types.values() if found.status == "Active"}
        if visit.qualification not in names:
            return False
        asked = worker_side.ask_for_qualification(market, worker, names[visit.qualification], now)
        if asked.state == "Open":
            worker_side.hand_in_test(market, asked, visit.answer, now)
        return True


def load_script(path: Path) -> Any:
    """Read a script file; ValueError with one sentence when it is not JSON or cannot be read."""
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise ValueError(f"The script {path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise ValueError(f"The script {path} is not JSON: {error}.") from None


def _fits(hit: Hit, wanted: Mapping[str, str]) -> bool:
    mine = {"title": hit.type.title, "annotation": hit.annotation or "", "id": hit.id}
    return all(fnmatchcase(mine.get(name, ""), pattern) for name, pattern in wanted.items())


def _list(plain: Any, name: str, where: str) -> list[Any]:
    found = plain.get(name, []) if isinstance(plain, dict) else None
    if isinstance(found, list):
        return found
    raise ValueError(f"In {where} {name!r} is not a list.")


def _read(kind: type[Any], plain: Any, where: str) -> Any:
    """Build a frozen value of a JSON object whose keys are its fields."""
    known = {part.name for part in fields(kind)}
    if not isinstance(plain, dict) or set(plain) - known:
        raise ValueError(f"{where[0].upper()}{where[1:]} has {plain!r:.100}; known are {', '.join(sorted(known))}.")
    try:
        return kind(**plain)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where[0].upper()}{where[1:]} cannot be read: {error}") from None
