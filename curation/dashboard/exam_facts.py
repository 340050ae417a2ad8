"""What a gate lets through, and what the watch over control tasks does to good and bad workers, in sentences."""

from dataclasses import dataclass, replace
from typing import cast

from crowd.errors import CrowdError
from crowd.models import Batch
from crowd.quality.ending import ending_sentence, fixed_sentence
from crowd.quality.exam import Gate, at_least, clickers_after, exam_sentence, pass_probability, smallest_exam
from crowd.quality.monitor import suspended_within
from crowd.quality.sequential import prospects
from crowd.quality.wording import counted, percent, whole_percent
from crowd.rules import ControlRule, Rule
from crowd.services import exam_ending, retrying

MOST_QUESTIONS, MOST_OPTIONS, MOST_ATTEMPTS = 200, 50, 20
BEFORE = 0.3  # of those who come to an exam, so many only click: a bad but not rare day
A_HUNDRED = 100
FAR_APART = 0.25


@dataclass(frozen=True, slots=True)
class Exam:
    """An exam as the calculator asks for it."""

    questions: int = 10
    gate: int = 70
    options: int = 2
    attempts: int = 1

    def checked(self) -> Gate:
        for what, value, low, high in (
            ("questions", self.questions, 1, MOST_QUESTIONS),
            ("gate", self.gate, 0, 100),
            ("options", self.options, 2, MOST_OPTIONS),
            ("attempts", self.attempts, 1, MOST_ATTEMPTS),
        ):
            if not low <= value <= high:
                raise CrowdError(f"The number of {what} must be from {low} to {high}, not {value}.")
        return at_least(self.gate, self.questions)


def exam_of(batch: Batch) -> Exam | None:
    """Return the exam or training that gives the skill this batch asks for; None when nothing is asked."""
    if batch.needs_skill_id is None:
        return None
    gates = Batch.objects.filter(account_id=batch.account_id, grants_skill_id=batch.needs_skill_id)
    gate = gates.exclude(kind=Batch.Kind.MAIN).order_by("id").first()
    questions = gate.page_size if gate else 10
    return Exam(min(MOST_QUESTIONS, questions), batch.needs_value, options_of(gate or batch))


def options_of(batch: Batch) -> int:
    return min(MOST_OPTIONS, max(2, len(batch.spec.get("options", []))))


def exam_lines(exam: Exam) -> list[str]:
    """Return what the calculator says, most important first."""
    gate = exam.checked()
    said = exam_sentence(gate, options=exam.options, attempts=exam.attempts)
    share = clickers_after(gate, share_before=BEFORE, options=exam.options, attempts=exam.attempts)
    weak = percent(pass_probability(gate, 0.7, attempts=exam.attempts))
    lines = [
        f"{gate.needed} of {counted(gate.questions, 'question')} right: {said}.",
        f"A 70 % worker passes in {weak}. Of 30 % who only click, {percent(share)} are left among those who pass.",
    ]
    return [*lines, *_shortest(exam.options)]


def ending_lines(batch: Batch) -> list[tuple[str, str, str]]:
    """Return every way an exam can end: its name, its words, and whom it lets through after how many questions."""
    needed, questions, options = retrying.needed_behind(batch) or 0, batch.page_size, options_of(batch)
    kept = exam_ending.ending_of(batch)
    lines = []
    for how, words in exam_ending.WAYS.items():
        test = replace(kept, how=cast("exam_ending.How", how)).test(needed=needed, questions=questions, options=options)
        gate = at_least(needed, questions)
        says = ending_sentence(test, options=options) if test else fixed_sentence(gate, options=options)
        lines.append((how, words, f"{says}."))
    return lines


def _shortest(options: int) -> list[str]:
    try:
        best = smallest_exam(options=options, good=0.9)
    except ValueError as error:
        return [str(error)]
    return [
        f"The shortest exam that at most 1 % of clickers and at least 95 % of 90 % workers pass: "
        f"{best.needed} of {best.questions}."
    ]


def rule_hint(rule: Rule) -> str:
    """Return what a rule does to people, where it can be said exactly."""
    if not (isinstance(rule, ControlRule) and rule.method == "monitor"):
        return ""
    weaker = max(rule.clicker, rule.good - 0.1)
    mistakes = [percent(suspended_within(A_HUNDRED, skill, rule.test)) for skill in (rule.good, weaker)]
    return (
        f"{_caught(rule)}Within {A_HUNDRED} control tasks "
        f"a worker at {whole_percent(rule.good)} is struck by mistake "
        f"in {mistakes[0]}, one at {whole_percent(weaker)} in {mistakes[1]}."
    )


def _caught(rule: ControlRule) -> str:
    """Exact, so only where the two are so far apart that the sum is short."""
    if rule.good - rule.clicker < FAR_APART:
        return ""
    return (
        f"Somebody who guesses is found after about {prospects(rule.test, rule.clicker).questions:.0f} control tasks. "
    )
