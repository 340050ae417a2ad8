"""Exams that end as soon as they know: after so many right or wrong answers, or by a sequential test."""

from dataclasses import dataclass

from crowd.quality.exam import Gate, exam_sentence, random_clicker, worker_of
from crowd.quality.sequential import Decision, EndsEarly, Prospects, SequentialTest, prospects
from crowd.quality.wording import percent


@dataclass(frozen=True, slots=True)
class Curtailed:
    """A gate that is passed or missed as soon as no question to come can change that: the same people pass."""

    gate: Gate

    def decision(self, right: int, wrong: int) -> Decision:
        if right >= self.gate.needed:
            return Decision.ADMIT
        return Decision.REFUSE if wrong > self.gate.questions - self.gate.needed else Decision.ASK_ON


def sequential(*, options: int, good: float, error: float, longest: int) -> SequentialTest:
    """Return the test that tells `good` workers from those who click at random, erring in `error` both ways."""
    return SequentialTest(random_clicker(options), good, error, error, longest)


def settled_after(test: EndsEarly, oks: list[bool]) -> tuple[int, Decision]:
    """Return after how many of these answers, oldest first, the test has ended, and how; ASK_ON when it has not."""
    right = wrong = 0
    for number, ok in enumerate(oks, start=1):
        right, wrong = right + ok, wrong + (not ok)
        decision = test.decision(right, wrong)
        if decision is not Decision.ASK_ON:
            return number, decision
    return len(oks), Decision.ASK_ON


def ending_sentence(test: EndsEarly, *, options: int, good: float = 0.90) -> str:
    """Return what the editor prints beside an exam that may end early."""
    clicker, worker = prospects(test, random_clicker(options)), prospects(test, good)
    return (
        f"a random clicker passes in {percent(clicker.admitted)} and is asked {_questions(clicker)}, "
        f"{worker_of(good)} passes in {percent(worker.admitted)} and is asked {_questions(worker)}"
    )


def fixed_sentence(gate: Gate, *, options: int) -> str:
    """Return the same for an exam in which everybody is asked all."""
    return f"{exam_sentence(gate, options=options)}; everybody is asked {gate.questions} questions"


def _questions(found: Prospects) -> str:
    return f"{found.questions:.1f} questions"
