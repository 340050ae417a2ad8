"""When an exam ends: when all is answered, when the outcome is settled, or when a sequential test knows enough.

On our own task pages alone, where the questions of an exam come one after the other; other platforms ask all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from crowd.errors import CrowdError
from crowd.models import Answer, Assignment, Batch
from crowd.platforms.registry import platform
from crowd.quality.ending import Curtailed, sequential, settled_after
from crowd.quality.exam import at_least, random_clicker
from crowd.quality.sequential import Decision, EndsEarly
from crowd.services import control, retrying
from crowd.services.answers import check_payload

ENDING: Final = "ending"
How = Literal["fixed", "curtailed", "sequential"]
WAYS: Final[Mapping[str, str]] = {
    "fixed": "after all questions",
    "curtailed": "when it is settled",
    "sequential": "when it is clear enough",
}
USUAL_GOOD, USUAL_ERROR = 0.85, 0.05
LEAST_ERROR, MOST_ERROR = 0.001, 0.2
A_HUNDRED: Final = 100


@dataclass(frozen=True, slots=True)
class Ending:
    """`good` and `error` are what a sequential test tells apart: people right so often, from clickers, so surely."""

    how: How = "fixed"
    good: float = USUAL_GOOD
    error: float = USUAL_ERROR

    def checked(self, *, options: int) -> "Ending":
        if self.how not in WAYS:
            raise CrowdError(f"An exam ends {', '.join(WAYS.values())}; “{self.how[:20]}” is none of these.")
        if not random_clicker(options) < self.good < 1:
            low = f"{A_HUNDRED * random_clicker(options):.0f}"
            raise CrowdError(f"A good worker is right in more than {low} %, as a clicker is, and in less than 100 %.")
        if not LEAST_ERROR <= self.error <= MOST_ERROR:
            raise CrowdError(f"The test may err in {A_HUNDRED * LEAST_ERROR:g} to {A_HUNDRED * MOST_ERROR:g} %.")
        return self

    def spec(self) -> dict[str, Any]:
        """Return what a pool keeps of it; nothing where everybody is asked all."""
        return {} if self.how == "fixed" else {ENDING: asdict(self)}

    def test(self, *, needed: int, questions: int, options: int) -> EndsEarly | None:
        """Return the test for an exam of so many questions whose gate is at `needed` percent."""
        if self.how == "curtailed":
            return Curtailed(at_least(needed, questions))
        if self.how == "sequential":
            return sequential(options=options, good=self.good, error=self.error, longest=questions)
        return None


def ending_of(batch: Batch) -> Ending:
    return Ending(**batch.spec.get(ENDING, {}))


def options_of(batch: Batch) -> int:
    return max(2, len(batch.spec.get("options", [])))


def ending_test(batch: Batch) -> EndsEarly | None:
    """Return the test that ends this exam; None = everybody is asked all, or nothing depends on it."""
    if batch.kind != Batch.Kind.EXAM or ENDING not in batch.spec:
        return None
    needed = retrying.needed_behind(batch)
    if needed is None or platform(batch.account.platform).capabilities.pages == "remote":
        return None
    return ending_of(batch).test(needed=needed, questions=batch.page_size, options=options_of(batch))


def is_settled(*, page: Assignment, answers: Mapping[int, Mapping[str, Any]]) -> bool:
    """Whether an exam is over with the answers given so far, in the order of its questions."""
    test = ending_test(page.batch)
    if test is None:
        return False
    rows = list(Answer.objects.filter(assignment=page).select_related("task").order_by("seq"))
    return settled_after(test, _oks(rows, answers))[1] is not Decision.ASK_ON


def asked(
    *, page: Assignment, rows: Sequence[Answer], answers: Mapping[int, Mapping[str, Any]]
) -> tuple[list[Answer], list[Answer]]:
    """Part the questions of a page into those that count and those that came after the exam had ended."""
    test = ending_test(page.batch)
    if test is None:
        return list(rows), []
    for row in rows:
        if row.pk in answers:
            check_payload(interface=page.batch.interface, spec=page.batch.spec, payload=answers[row.pk])
    n, decision = settled_after(test, _oks(rows, answers))
    return (list(rows), []) if decision is Decision.ASK_ON else (list(rows[:n]), list(rows[n:]))


def _oks(rows: Sequence[Answer], answers: Mapping[int, Mapping[str, Any]]) -> list[bool]:
    """Return which answers are right, up to the first question that has none."""
    oks: list[bool] = []
    for row in rows:
        if row.pk not in answers or row.task.known_answer is None:
            break
        oks.append(control.is_right(known=row.task.known_answer, payload=answers[row.pk]))
    return oks


def value_of(*, batch: Batch, oks: list[bool]) -> int:
    """Return the score of an exam or training, 0 to 100: the share of right answers, on its side of the gate.

    What a sequential test has decided may differ from what the share alone would say.
    """
    share = sum(oks) * A_HUNDRED // len(oks)
    test = ending_test(batch)
    needed = None if test is None else retrying.needed_behind(batch)
    if test is None or needed is None:
        return share
    decision = settled_after(test, oks)[1]
    if decision is Decision.ADMIT:
        return max(share, needed)
    return min(share, needed - 1) if decision is Decision.REFUSE else share
