"""What one simulated person does on one visit, in whatever market there is.

The market is a `Venue`: our own database, or an emulator of a platform. The order of draws is the same in each, so the
same seed gives the same campaign in both.
"""

import random
from bisect import bisect
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import accumulate
from typing import Any, Protocol

from crowd.errors import BudgetExceeded, NoWork
from crowd.rehearsal import answers, films
from crowd.rehearsal.darkrooms import DRAWN, Darkroom
from crowd.rehearsal.outlines import outline
from crowd.rehearsal.people import Person
from crowd.rehearsal.pictures import Truth

SHARE_ABANDONED = 0.02
WORK: dict[str, answers.Work] = {
    "photo": "photo",
    "choice": "judgement",
    "pair": "judgement",
    "text": "judgement",
    "boxes": "boxes",
    "outlines": "boxes",
}


@dataclass(frozen=True, slots=True)
class Stall:
    """Work on offer: a batch or pool as a visitor sees it, in the order in which it was made."""

    ref: Any
    kind: str
    interface: str
    open_tasks: int
    priority: int = 0
    needs_skill: Hashable | None = None
    grants_skill: Hashable | None = None
    options: Sequence[str] = ()
    labels: Sequence[str] = ()  # those that boxes may have, where the venue says so
    flags: Sequence[str] = (answers.NO_HANDS,)  # what can be said of a picture without boxes, the first one first
    media: str = "image"
    price_micro: int = 0
    per_worker: int = 0  # the most one person may do; 0 = no limit


@dataclass(frozen=True, slots=True)
class StallTask:
    """One task of a page: `payload` with class, width, height, and what else the venue finds pictures by."""

    ref: Any
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    ref: Any
    stall: Stall
    tasks: Sequence[StallTask]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who comes by, with which luck, when; `darkroom` makes the photos."""

    person: Person
    rng: random.Random
    now: datetime
    darkroom: Darkroom = DRAWN


class Sight(Protocol):
    """What somebody sees of a task, and where a photo goes."""

    def truth_of(self, task: StallTask) -> Truth: ...

    def template_of(self, task: StallTask) -> bytes | None: ...

    def earlier_photo(self, back: int) -> tuple[bytes, Truth] | None: ...

    def shared_photo(self, back: int) -> tuple[bytes, Truth] | None:
        """Return a photo of the others in the person's ring."""
        ...

    def keep_photo(self, task: StallTask, photo: answers.Photo) -> dict[str, Any]:
        """Store a photo and return the answer that names it."""
        ...


class Venue(Sight, Protocol):
    """A market as one visitor meets it."""

    def is_barred(self) -> bool: ...

    def stalls(self) -> list[Stall]: ...

    def skills(self) -> set[Hashable]: ...

    def take(self, stall: Stall) -> Page:
        """Take a page. Raises NoWork or BudgetExceeded."""
        ...

    def walk_away(self, page: Page) -> None: ...

    def is_right(self, page: Page, task: StallTask, given: Mapping[str, Any]) -> bool:
        """Check a training answer; the first one counts."""
        ...

    def hand_in(self, page: Page, given: Mapping[Any, Mapping[str, Any]], duration_ms: int) -> None: ...


def visit(venue: Venue, actor: Actor) -> str:
    """Let the person work on at most one page: `page`, `abandoned`, `nothing` (no work) or `budget`."""
    for stall in _wishes(venue, actor.rng):
        try:
            page = venue.take(stall)
        except NoWork:
            continue
        except BudgetExceeded:
            return "budget"
        if stall.kind == "main" and actor.rng.random() < SHARE_ABANDONED:
            venue.walk_away(page)
            return "abandoned"
        _work(venue, page, actor)
        return "page"
    return "nothing"


def _wishes(venue: Venue, rng: random.Random) -> Iterator[Stall]:
    """Stalls in the order this person tries them: where much is open first, gates before what they guard.

    All chance is drawn first, so that what follows does not depend on how many are tried.
    """
    stalls = venue.stalls()
    if not stalls or venue.is_barred():
        return
    skills = venue.skills()
    open_now = [stall for stall in stalls if stall.open_tasks]
    weights = [stall.open_tasks * (1 + stall.priority) for stall in open_now]
    for luck in [rng.random() for _ in open_now]:
        below = list(accumulate(weights))
        place = bisect(below, luck * below[-1], hi=len(below) - 1)
        del weights[place]
        yield _way_to(open_now.pop(place), stalls, skills)


def _way_to(stall: Stall, stalls: Sequence[Stall], skills: set[Hashable]) -> Stall:
    """Return the stall itself, or the exam or training that must come first."""
    if stall.needs_skill is None or stall.needs_skill in skills:
        return stall
    gate = next((one for one in stalls if one.grants_skill == stall.needs_skill), None)
    return _way_to(gate, stalls, skills) if gate is not None else stall


def _work(venue: Venue, page: Page, actor: Actor) -> None:
    given: dict[Any, Mapping[str, Any]] = {}
    took = 0.0
    for task in page.tasks:
        given[task.ref] = answer(venue, page.stall, task, actor)
        took += answers.seconds(actor.person, actor.rng, WORK[page.stall.interface])
        if page.stall.kind == "training" and not venue.is_right(page, task, given[task.ref]):
            given[task.ref] = _after_hint(venue, task, actor, given[task.ref])
    venue.hand_in(page, given, round(took * 1000))


def answer(sight: Sight, stall: Stall, task: StallTask, actor: Actor) -> dict[str, Any]:
    """Return what this person answers to a task, wherever it is shown."""
    if stall.interface == "photo":
        return _send_film(sight, task, actor) if stall.media == "video" else _send_photo(sight, task, actor)
    truth = sight.truth_of(task)
    if stall.interface == "text":
        return {"text": f"A hand shows {truth.sign or 'nothing'}."}
    if stall.interface in {"choice", "pair"}:
        return {"answer": answers.judgement(actor.person, actor.rng, task.payload["class"], truth, list(stall.options))}
    width, height = truth.width, truth.height  # at whatever size it is shown, people outline the same
    drawn, flags = answers.boxes(actor.person, actor.rng, truth, width, height)
    offered = [box for box in drawn if not stall.labels or box["label"] in stall.labels]
    said = list(stall.flags[:1]) if flags or not offered else []
    boxes = [_fraction(box, width, height) for box in offered]
    if stall.interface == "outlines":
        return {"outlines": [outline(box) for box in boxes], "flags": said}
    return {"boxes": boxes, "flags": said}


def _send_photo(sight: Sight, task: StallTask, actor: Actor) -> dict[str, Any]:
    photo = answers.photo(
        actor.person,
        actor.rng,
        task.payload["class"],
        earlier=sight.earlier_photo,
        template=partial(sight.template_of, task),
        taken=actor.now,
        darkroom=actor.darkroom,
        shared=sight.shared_photo,
    )
    return sight.keep_photo(task, photo)


def _send_film(sight: Sight, task: StallTask, actor: Actor) -> dict[str, Any]:
    film = films.film(
        actor.person, actor.rng, task.payload["class"], earlier=sight.earlier_photo, shared=sight.shared_photo
    )
    return sight.keep_photo(task, film)


def _fraction(box: answers.BoxAnswer, width: int, height: int) -> dict[str, Any]:
    x, y = min(max(0.0, box["x"]), width - 1.0), min(max(0.0, box["y"]), height - 1.0)
    w, h = min(box["w"], width - x), min(box["h"], height - y)
    return {"label": box["label"], "x": x / width, "y": y / height, "w": w / width, "h": h / height}


def _after_hint(venue: Venue, task: StallTask, actor: Actor, given: Mapping[str, Any]) -> dict[str, Any]:
    """Let the hint teach: the first answer has counted, the corrected one is handed in."""
    right = answers.right_judgement(task.payload["class"], venue.truth_of(task))
    return {"answer": answers.after_hint(actor.person, actor.rng, given["answer"], right)}
