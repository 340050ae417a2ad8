"""The seam between an emulated market and who works in it.

A market offers pages; a player says what a person does: which offer to take, what to answer, how long it takes. A
script, a plain player and a simulated crowd are all players, and drive the market through the same few calls.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Offer:
    """Work that one worker may take now."""

    pool_id: str
    project_id: str
    title: str
    reward_micro: int
    is_training: bool
    priority: int


@dataclass(frozen=True, slots=True)
class PageTask:
    """A task as its worker sees it: `known` has the right answers when it is a control task, for players that cheat."""

    task_id: str
    values: Mapping[str, Any]
    known: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A page in somebody's hands. `outputs` is the specification of the answer, field by field."""

    assignment_id: str
    worker_id: str
    offer: Offer
    tasks: Sequence[PageTask]
    outputs: Mapping[str, Mapping[str, Any]]
    taken_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class File:
    """A file as the value of an answer."""

    name: str
    media_type: str
    data: bytes


Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HandIn:
    """Answer every task, in the order of the page, after so many seconds."""

    answers: Sequence[Answer]
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Skip:
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Leave:
    """Walk away: the time of the page runs out."""


Move = HandIn | Skip | Leave


@dataclass(frozen=True, slots=True)
class Hints:
    """What a training says about wrong answers, by the position of the task."""

    texts: Mapping[int, str] = field(default_factory=dict)


class Market(Protocol):
    """What an emulated market lets its workers do. Times are those of the market's clock."""

    def now(self) -> datetime: ...

    def worker_ids(self) -> Sequence[str]: ...

    def offers(self, worker_id: str) -> Sequence[Offer]:
        """Return what this worker may take now, by priority and age."""
        ...

    def take(self, worker_id: str, pool_id: str) -> Page | None:
        """Give the next page of a pool, or None when there is none for this worker."""
        ...

    def hand_in(self, assignment_id: str, answers: Sequence[Answer]) -> Hints | None:
        """Hand a page in. Hints mean that training answers are wrong and the page is still in hand."""
        ...

    def skip(self, assignment_id: str) -> None: ...

    def later(self, seconds: float, assignment_id: str, move: Move, player: "Player") -> None:
        """Let a move happen after so many seconds of the market's clock; hints go to the player."""
        ...


class Player(Protocol):
    """Who decides what a worker does."""

    def choose(self, worker_id: str, offers: Sequence[Offer]) -> str | None:
        """Return the pool to take a page of, or None to do nothing."""
        ...

    def play(self, page: Page) -> Move: ...

    def correct(self, page: Page, answers: Sequence[Answer], hints: Hints) -> Sequence[Answer] | None:
        """Return better answers after the hints of a training, or None to give up."""
        ...


def visit(market: Market, player: Player, worker_id: str) -> str:
    """Let one worker come by once and return what came of it: `nothing`, `handed in`, `skipped` or `left`."""
    chosen = player.choose(worker_id, market.offers(worker_id))
    page = None if chosen is None else market.take(worker_id, chosen)
    if page is None:
        return "nothing"
    move = player.play(page)
    if isinstance(move, Leave):
        return "left"
    if move.seconds > 0:
        market.later(move.seconds, page.assignment_id, move, player)
    else:
        finish(market, player, page, move)
    return "skipped" if isinstance(move, Skip) else "handed in"


MOST_CORRECTIONS = 5


def finish(market: Market, player: Player, page: Page, move: Move) -> None:
    """Do what a player decided about a page; a training is corrected until it is right or given up."""
    if isinstance(move, Skip):
        market.skip(page.assignment_id)
    if not isinstance(move, HandIn):
        return
    answers: Sequence[Answer] | None = move.answers
    for _ in range(MOST_CORRECTIONS):
        hints = None if answers is None else market.hand_in(page.assignment_id, answers)
        if answers is None or hints is None:
            return
        answers = player.correct(page, answers, hints)
