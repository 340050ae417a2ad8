"""Who answers: the seam for anybody who does tasks, and a simple player for forms.

A crowd gives a `Task` to the player of its question's kind. For an ExternalQuestion the player drives the page at
`task.url` itself; such a page posts to `task.submit_to` + "/mturk/externalSubmit" when it is done, and the player
answers `Leave`, for there is nothing left to hand in.
"""

import hashlib
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

import httpx

from crowd.emulators.mturk.answers import Fields
from crowd.emulators.mturk.questions import Field, Kind, Question

WORDS: Final = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron")


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker has before them after accepting a HIT."""

    assignment_id: str
    hit_id: str
    worker_id: str
    title: str
    annotation: str
    question: Question
    url: str
    submit_to: str
    deadline: datetime


@dataclass(frozen=True, slots=True)
class HandIn:
    """Submit these fields."""

    fields: Fields


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Return the HIT, so that another worker can take it at once."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Do nothing more: the page has submitted itself, or the worker walks away until time is up."""


Outcome = HandIn | GiveBack | Leave


class Player(Protocol):
    def play(self, task: Task, chance: random.Random) -> Outcome:
        """Do a task; called without any lock, so it may take its time and use the network."""
        ...


class FormPlayer:
    """Fills in every field of a QuestionForm or an HTMLQuestion with something that the field allows."""

    def play(self, task: Task, chance: random.Random) -> Outcome:
        return HandIn(fill_in(task.question.fields, chance))


Answer = Callable[[Mapping[str, Any], Mapping[str, Any], random.Random], Mapping[str, Any] | bytes]
"""Given the page and one of its tasks, what a person answers: a payload, or the bytes of a photo."""


@dataclass(frozen=True, slots=True)
class PagePlayer:
    """Works on a page of Winnow's own, as JSON over HTTP: agrees, goes through training and exam, hands in there and
    then at the platform. What there is to read and to send is told in docs/platforms/mturk.md.
    """

    answer: Answer
    http: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, follow_redirects=True, timeout=30))
    most_pages: int = 10

    def play(self, task: Task, chance: random.Random) -> Outcome:
        told = self._get(task.url)
        if told["state"] == "consent":
            told = self._post(told["agree"], {"agree": True, "adult": True}, base=task.url)
        for _ in range(self.most_pages):
            if told["state"] != "page":
                break
            told = self._do(told, task.url, chance)
        if told["state"] != "done":
            return GiveBack()
        self.http.post(told["url"], data=told["fields"]).raise_for_status()
        return Leave()

    def _do(self, page: dict[str, Any], base: str, chance: random.Random) -> dict[str, Any]:
        given = {one["id"]: self.answer(page, one, chance) for one in page["tasks"]}
        photos = {number: data for number, data in given.items() if isinstance(data, bytes)}
        for number, data in photos.items():
            self._send(page["uploads"], number, data, base)
        answers = {number: payload for number, payload in given.items() if number not in photos}
        if page["kind"] == "training":
            for number, payload in answers.items():
                self._train(page, number, payload, base)
        sent = self._post(page["submit"], {"answers": answers, "ms": chance.randrange(5_000, 60_000)}, base=base)
        return self._get(_join(base, sent["next"])) if "next" in sent else {"state": "closed"}

    def _train(self, page: Mapping[str, Any], number: int, payload: Any, base: str) -> None:
        """Answer, and if that is wrong, learn: every other choice is tried until it is right."""
        for one in (payload, *({"answer": option["value"]} for option in page["options"])):
            if self._post(f"{page['answers']}{number}/", {"payload": one}, base=base).get("ok"):
                return

    def _send(self, uploads: str, number: int, photo: bytes, base: str) -> None:
        about = {"answer": number, "size": len(photo), "sha256": hashlib.sha256(photo).hexdigest()}
        begun = self._post(uploads, about, base=base)
        here = f"{_join(base, uploads)}{begun['id']}/"
        for start in range(begun["received"], len(photo), begun["piece"]):
            piece = photo[start : start + begun["piece"]]
            self.http.put(here, params={"offset": start}, content=piece).raise_for_status()
        self.http.post(f"{here}done/").raise_for_status()

    def _get(self, url: str) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(url, headers={"Accept": "application/json"}).json()
        return found

    def _post(self, path: str, body: Any, *, base: str) -> dict[str, Any]:
        answer = self.http.post(_join(base, path), json=body, headers={"Accept": "application/json"})
        told: dict[str, Any] = answer.json()
        return told


def _join(base: str, path: str) -> str:
    return str(httpx.URL(base).join(path))


PLAYERS: Final[Mapping[Kind, Player]] = {"QuestionForm": FormPlayer(), "HTMLQuestion": FormPlayer()}


def fill_in(fields: tuple[Field, ...], chance: random.Random) -> Fields:
    """Answer fields at random; crowd elements go into `taskAnswers` together, as the service packs them."""
    plain = {field.name: _value(field, chance) for field in fields if not field.crowd_element}
    elements = {field.name: _element(field, chance) for field in fields if field.crowd_element}
    if elements:
        plain["taskAnswers"] = json.dumps([elements])
    return plain or {"answer": chance.choice(WORDS)}


def _value(field: Field, chance: random.Random) -> str | list[str]:
    if not field.choices:
        return chance.choice(WORDS)
    if not field.many:
        return chance.choice(field.choices)
    return [choice for choice in field.choices if chance.random() < 0.5] or [chance.choice(field.choices)]


def _element(field: Field, chance: random.Random) -> Any:
    if field.crowd_element == "crowd-bounding-box":
        size = {"width": 640, "height": 480}
        return {"boundingBoxes": [_box(field, chance)], "inputImageProperties": size}
    return {"label": chance.choice(field.choices)} if field.choices else chance.choice(WORDS)


def _box(field: Field, chance: random.Random) -> dict[str, Any]:
    left, top = chance.randrange(400), chance.randrange(300)
    size = {"width": chance.randrange(20, 240), "height": chance.randrange(20, 180)}
    return {"left": left, "top": top, **size, "label": chance.choice(field.choices or ("box",))}
