"""Who answers: the seam for anybody who does tasks, and a simple player for forms.

A crowd gives a `Task` to the player of its question's kind. For an ExternalQuestion the player drives the page at
`task.url` itself; such a page posts to `task.submit_to` + "/mturk/externalSubmit" when it is done, and the player
answers `Leave`, for there is nothing left to hand in.
"""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

import httpx

from crowd.emulators.guests import Answer, Guest, People
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


@dataclass(frozen=True, slots=True)
class PagePlayer:
    """Works on a page of Winnow's own and hands in there, then at the platform."""

    answer: Answer
    guest: Guest = field(default_factory=Guest)

    def play(self, task: Task, chance: random.Random) -> Outcome:
        told = self.guest.work(task.url, self.answer, chance)
        if told["state"] != "done":
            return GiveBack()
        self.guest.http.post(told["url"], data=told["fields"]).raise_for_status()
        return Leave()


@dataclass(frozen=True, slots=True)
class CrowdPlayer:
    """Lets each worker answer in a character of their own on a page of Winnow's."""

    people: People
    guest: Guest = field(default_factory=Guest)

    def play(self, task: Task, chance: random.Random) -> Outcome:
        try:
            return PagePlayer(self.people.of(task.worker_id), self.guest).play(task, chance)
        except (httpx.HTTPError, ValueError):  # our page did not load
            return GiveBack()


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
