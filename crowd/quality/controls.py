"""How many control tasks a worker meets, how many there must be, and which of them are bad."""

from dataclasses import dataclass
from math import ceil, floor

from crowd.quality.wording import Verdict, counted

ROUNDING = 1e-9  # what twenty times 0.2 may miss of 4
BAD_SHARE, GOOD_SKILL, LEAST_GOOD_ANSWERS = 0.20, 0.80, 5


@dataclass(frozen=True, slots=True)
class Schedule:
    """A share of control tasks (0 to 1) until so many are seen, and another one from then on."""

    first_rate: float = 0.20
    until_seen: int = 15
    later_rate: float = 0.03

    def __post_init__(self) -> None:
        _check_rate(self.first_rate)
        _check_rate(self.later_rate)


def _check_rate(rate: float) -> None:
    if not 0 <= rate < 1:
        raise ValueError(f"A share of {rate:g} control tasks leaves no work; it must be from 0 to below 1.")


USUAL_SCHEDULE = Schedule()


def flat(rate: float) -> Schedule:
    return Schedule(rate, 0, rate)


def control_rate(seen: int, schedule: Schedule = USUAL_SCHEDULE) -> float:
    """Return the share of control tasks for a worker who has seen so many."""
    return schedule.first_rate if seen < schedule.until_seen else schedule.later_rate


def controls_owed(answers: int, schedule: Schedule = USUAL_SCHEDULE) -> float:
    """Return how many control tasks belong among a worker's first `answers` answers, unrounded."""
    early = schedule.until_seen / schedule.first_rate if schedule.first_rate else 0.0
    return min(answers, early) * schedule.first_rate + max(0.0, answers - early) * schedule.later_rate


def controls_for_page(*, seen: int, answered: int, page_size: int, schedule: Schedule = USUAL_SCHEDULE) -> int:
    """Return how many tasks of a worker's next page are control tasks; `answered` counts them too, `seen` them alone.

    What the schedule owes and rounding kept back is a debt that a later page pays, so the shares hold over any page
    size. A long debt (the stock was empty) is paid at the first rate at most, never by a page of controls alone.
    """
    debt = floor(controls_owed(answered + page_size, schedule) - seen + ROUNDING)
    return max(0, min(debt, most_on_page(page_size, schedule)))


def most_on_page(page_size: int, schedule: Schedule = USUAL_SCHEDULE) -> int:
    """Return how many tasks of a page are control tasks at most."""
    return ceil(max(schedule.first_rate, schedule.later_rate) * page_size - ROUNDING)


def control_overhead(rate: float) -> float:
    """Return what a share of control tasks adds to the price of the work, as a share of it: 1 / (1 - rate) - 1."""
    _check_rate(rate)
    return 1 / (1 - rate) - 1


def stock_needed(answers: int, schedule: Schedule = USUAL_SCHEDULE) -> int:
    """Return how many control tasks a pool must hold so that a worker of so many answers never meets one twice."""
    return ceil(controls_owed(answers, schedule) - ROUNDING)


def stock_too_small(stock: int, *, answers: int, schedule: Schedule = USUAL_SCHEDULE) -> Verdict:
    """Say whether a worker of so many answers would run out of control tasks that are new to him."""
    needed = stock_needed(answers, schedule)
    return Verdict(
        stock < needed,
        f"{counted(answers, 'answer')} a worker need {counted(needed, 'control task')}, the pool has {stock:,}",
    )


def answers_until_used_up(stock: int, rate: float) -> float:
    """Return after how many answers a worker has seen all control tasks, none of them twice."""
    return stock / rate


def is_bad_control(*, failed: int, good: int) -> Verdict:
    """Say whether a control task is to be retired because good workers fail it.

    `good` workers (lower bound of the skill at least `GOOD_SKILL`) have answered it, at least five of them.
    """
    return Verdict(
        good >= LEAST_GOOD_ANSWERS and failed > BAD_SHARE * good, f"{failed} of {counted(good, 'good worker')} fail it"
    )
