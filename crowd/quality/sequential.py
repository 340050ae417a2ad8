"""Tests that end as soon as they know: Wald's sequential probability ratio test (1945)."""

from dataclasses import dataclass
from enum import StrEnum
from math import log
from typing import Protocol

NEGLIGIBLE = 1e-12  # a chance so small that an unlimited test may be cut there
State = tuple[int, int]  # right and wrong answers that count


class Decision(StrEnum):
    ADMIT = "admit"
    REFUSE = "refuse"
    ASK_ON = "ask on"


class EndsEarly(Protocol):
    """Whatever says after each answer whether somebody is admitted, refused, or asked on."""

    def decision(self, right: int, wrong: int) -> Decision: ...


@dataclass(frozen=True, slots=True)
class SequentialTest:
    """Tells workers who are right in `good` from clickers who are right in `clicker`, all probabilities.

    `clickers_admitted` and `good_refused` are the errors that may happen (alpha and beta); after `longest` questions,
    where given, the sign of the evidence decides. ValueError when the numbers cannot be told apart.
    """

    clicker: float
    good: float
    clickers_admitted: float
    good_refused: float
    longest: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.clicker < self.good < 1:
            raise ValueError(
                f"A clicker at {self.clicker:g} and a good worker at {self.good:g} cannot be told apart: "
                "the first must be lower and both between 0 and 1."
            )
        if not (0 < self.clickers_admitted < 0.5 and 0 < self.good_refused < 0.5):
            raise ValueError(
                f"Errors of {self.clickers_admitted:g} and {self.good_refused:g} are not allowed: between 0 and 0.5."
            )

    @property
    def per_right(self) -> float:
        return log(self.good / self.clicker)

    @property
    def per_wrong(self) -> float:
        return log((1 - self.good) / (1 - self.clicker))

    @property
    def admit_at(self) -> float:
        return log((1 - self.good_refused) / self.clickers_admitted)

    @property
    def refuse_at(self) -> float:
        return log(self.good_refused / (1 - self.clickers_admitted))

    def evidence(self, right: int, wrong: int) -> float:
        """Return the log likelihood ratio, good over clicker, of so many answers in any order."""
        return right * self.per_right + wrong * self.per_wrong

    def decision(self, right: int, wrong: int) -> Decision:
        evidence = self.evidence(right, wrong)
        if evidence >= self.admit_at:
            return Decision.ADMIT
        if evidence <= self.refuse_at:
            return Decision.REFUSE
        if self.longest is None or right + wrong < self.longest:
            return Decision.ASK_ON
        return Decision.ADMIT if evidence > 0 else Decision.REFUSE


@dataclass(frozen=True, slots=True)
class Prospects:
    """What a test does to workers of one skill: expected questions, and the shares admitted and refused."""

    questions: float
    admitted: float
    refused: float


def prospects(test: EndsEarly, right: float) -> Prospects:
    """Return a test's exact prospects for workers who are `right` (0 to 1) a question, by summing over all courses."""
    going: dict[State, float] = {(0, 0): 1.0}
    ended = {Decision.ADMIT: 0.0, Decision.REFUSE: 0.0}
    questions = 0.0
    while (share := sum(going.values())) > NEGLIGIBLE:
        questions += share
        reached, going = advance(going, right), {}
        for state, chance in reached.items():
            decision = test.decision(*state)
            if decision is Decision.ASK_ON:
                going[state] = chance
            else:
                ended[decision] += chance
    return Prospects(questions, ended[Decision.ADMIT], ended[Decision.REFUSE])


def advance(going: dict[State, float], right: float) -> dict[State, float]:
    """Return where one more answer leads, as state to chance."""
    reached: dict[State, float] = {}
    for (oks, errors), chance in going.items():
        for state, share in (((oks + 1, errors), right), ((oks, errors + 1), 1 - right)):
            reached[state] = reached.get(state, 0.0) + chance * share
    return reached
