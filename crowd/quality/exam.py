"""What a gate of so many right answers lets through.

A worker who is right with probability p passes `needed` of `questions` with P(Binomial(questions, p) >= needed).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import bdtrc

from crowd.quality.wording import counted, percent

GOOD_WORKER = 0.85


@dataclass(frozen=True, slots=True)
class Gate:
    """Passed by at least `needed` right answers of `questions`."""

    needed: int
    questions: int

    def __post_init__(self) -> None:
        if not 0 <= self.needed <= self.questions or self.questions < 1:
            raise ValueError(f"A gate of {self.needed} right answers in {counted(self.questions, 'question')} is none.")


def at_least(percentage: int, questions: int) -> Gate:
    """Return the gate "skill >= percentage"; ValueError over 100 %.

    Skills are whole numbers, rounded down (`skill.platform_value`), so the same answers pass here and on a platform.
    """
    return Gate(-(-percentage * questions // 100), questions)


def more_than(percentage: int, questions: int) -> Gate:
    """Return the gate "skill > percentage": as skills are whole numbers, one percent more at least."""
    return at_least(percentage + 1, questions)


def random_clicker(options: int) -> float:
    """Return how often somebody who only clicks is right among so many options."""
    if options < 2:
        raise ValueError(f"A question with {counted(options, 'option')} examines nobody; it needs at least 2.")
    return 1 / options


def pass_probability(gate: Gate, right: float, *, attempts: int = 1) -> float:
    """Return the probability that a worker who is `right` (0 to 1) a question passes within so many attempts.

    ValueError when `right` is no probability or there is no attempt. Questions count as independent.
    """
    _check_probability("right", right)
    if attempts < 1:
        raise ValueError(f"{attempts} attempts are none; allow at least 1.")
    once = 1.0 if gate.needed == 0 else float(bdtrc(gate.needed - 1, gate.questions, right))
    return 1 - (1 - once) ** attempts


def clickers_after(
    gate: Gate, *, share_before: float, options: int, good: float = GOOD_WORKER, attempts: int = 1
) -> float:
    """Return the share of random clickers (0 to 1) among those who pass, all others being right in `good`."""
    _check_probability("share_before", share_before)
    clickers = share_before * pass_probability(gate, random_clicker(options), attempts=attempts)
    others = (1 - share_before) * pass_probability(gate, good, attempts=attempts)
    return clickers / (clickers + others) if clickers else 0.0


def smallest_exam(
    *, options: int, good: float, most_clickers: float = 0.01, least_good: float = 0.95, longest: int = 200
) -> Gate:
    """Return the shortest exam that at most `most_clickers` of clickers and at least `least_good` of good workers pass.

    For each length the lowest gate that keeps the clickers out is tried. ValueError when none of up to `longest`
    questions will do.
    """
    clicker = random_clicker(options)
    for questions in range(1, longest + 1):
        needed = np.arange(1, questions + 1)
        strict = needed[bdtrc(needed - 1, questions, clicker) <= most_clickers]
        if strict.size and bdtrc(strict[0] - 1, questions, good) >= least_good:
            return Gate(int(strict[0]), questions)
    raise ValueError(
        f"No exam of up to {longest} questions lets {percent(least_good)} of {100 * good:g} % workers through and only "
        f"{percent(most_clickers)} of random clickers: ask for less, or offer more options."
    )


def exam_sentence(gate: Gate, *, options: int, good: float = 0.90, attempts: int = 1) -> str:
    """Return what the editor prints beside an exam's settings."""
    clicker = percent(pass_probability(gate, random_clicker(options), attempts=attempts))
    worker = percent(pass_probability(gate, good, attempts=attempts))
    tries = f", each with {attempts} attempts" if attempts > 1 else ""
    return f"a random clicker passes in {clicker}, {worker_of(good)} in {worker}{tries}"


def worker_of(share: float) -> str:
    """Return “a 90 % worker”, “an 85 % worker”."""
    number = f"{100 * share:g} %"
    return f"an {number} worker" if number.startswith(("8", "11", "18")) else f"a {number} worker"


def _check_probability(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is {value:g}; a probability lies between 0 and 1.")
