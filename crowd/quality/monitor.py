"""The watch over control tasks in the main work: a sequential test that begins again after each proof of skill.

So a worker who turns bad later is found too. A repeated test repeats its error, hence the strict `good_refused`, and
hence it suspends and asks for a new exam; it never bans for ever.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from crowd.quality.sequential import Decision, SequentialTest, State, advance
from crowd.quality.wording import Verdict, counted

USUAL_WATCH = SequentialTest(clicker=0.5, good=0.9, clickers_admitted=0.01, good_refused=0.001)


@dataclass(frozen=True, slots=True)
class Standing:
    """The answers that count now: those since the evidence last reached `admit_at`. A suspended worker stays so."""

    right: int
    wrong: int
    evidence: float
    suspended: bool


def standing(answers: Iterable[bool], test: SequentialTest = USUAL_WATCH) -> Standing:
    """Return where a worker stands after control answers (True = right), oldest first."""
    right = wrong = 0
    for ok in answers:
        right, wrong = right + ok, wrong + (not ok)
        decision = test.decision(right, wrong)
        if decision is Decision.REFUSE:
            return Standing(right, wrong, test.evidence(right, wrong), suspended=True)
        if decision is Decision.ADMIT:
            right = wrong = 0
    return Standing(right, wrong, test.evidence(right, wrong), suspended=False)


def monitor(answers: Iterable[bool], test: SequentialTest = USUAL_WATCH) -> Verdict:
    """Say whether a worker is to be suspended by his control answers, oldest first."""
    now = standing(answers, test)
    shown = counted(now.right + now.wrong, "control task")
    return Verdict(
        now.suspended,
        f"{now.wrong} of the last {shown} wrong: evidence {now.evidence:+.2f}, suspended at {test.refuse_at:+.2f}",
    )


def suspended_within(controls: int, right: float, test: SequentialTest = USUAL_WATCH) -> float:
    """Return the exact chance that a worker who is `right` (0 to 1) a task is suspended within so many controls."""
    going: dict[State, float] = {(0, 0): 1.0}
    suspended = 0.0
    for _ in range(controls):
        reached, going = advance(going, right), {}
        for state, chance in reached.items():
            decision = test.decision(*state)
            if decision is Decision.REFUSE:
                suspended += chance
            else:
                place = (0, 0) if decision is Decision.ADMIT else state
                going[place] = going.get(place, 0.0) + chance
    return suspended
