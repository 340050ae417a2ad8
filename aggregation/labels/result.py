"""What a label method hands out, and when one more vote is worth buying."""

from collections.abc import Mapping
from dataclasses import dataclass

from aggregation.core.answers import probability
from aggregation.core.geometry import TOLERANCE
from aggregation.core.skills import WorkerSkill
from aggregation.labels.settings import LabelSettings


@dataclass(frozen=True, slots=True)
class LabelVote:
    """The label of one task, or none when the votes tie; `counts` are the votes as they were given."""

    label: str | None
    confidence: float
    counts: Mapping[str, int]
    next: str = "none"

    def to_json(self, task: str) -> dict[str, object]:
        return {"task": task, "label": self.label, "confidence": probability(self.confidence), "next": self.next}


@dataclass(frozen=True, slots=True)
class LabelOutcome:
    """The labels of all tasks and the skills of all workers, both sorted by name.

    `caution` is a sentence when the method had too little to learn from, and None otherwise.
    """

    tasks: Mapping[str, LabelVote]
    workers: tuple[WorkerSkill, ...]
    caution: str | None = None


def decided(chances: Mapping[str | None, float], counts: Mapping[str, int], settings: LabelSettings) -> LabelVote:
    """Return the most probable label; equally probable ones decide nothing, and neither does the alphabet.

    A label that nobody gave is never handed out: where the only voter is known to err in most answers, the task is
    undecided instead of turned round.
    """
    best = max(chances.values(), default=0.0)
    leading = [label for label, chance in chances.items() if chance >= best - TOLERANCE]
    label = leading[0] if len(leading) == 1 and leading[0] in counts else None
    return LabelVote(label, best, dict(sorted(counts.items())), next_step(label, best, counts, settings))


def known_label(label: str, counts: Mapping[str, int]) -> LabelVote:
    """Return the label of a task whose truth is known: nothing to buy and nothing to doubt."""
    return LabelVote(label, 1.0, dict(sorted(counts.items())))


def next_step(label: str | None, confidence: float, counts: Mapping[str, int], settings: LabelSettings) -> str:
    """Return `none`, `buy` or `review` by the stopping rule of the settings."""
    to_come = max(settings.max_answers - sum(counts.values()), 0)
    if to_come == 0:
        return "review" if label is None else "none"
    if settings.stop == "posterior":
        return "none" if label is not None and confidence >= settings.tau - TOLERANCE else "buy"
    first, second, *_ = [*sorted(counts.values(), reverse=True), 0, 0]
    # nobody still to come can change who leads: the same answers for less money
    return "none" if first - second > to_come else "buy"
