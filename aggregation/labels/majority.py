"""Most votes win; a tie decides nothing."""

from collections import Counter
from collections.abc import Mapping, Sequence

from aggregation.core.reading import Vote
from aggregation.core.skills import WorkerSkill, accuracy_of
from aggregation.labels.result import LabelOutcome, LabelVote, decided, known_label
from aggregation.labels.settings import LabelSettings

DEFAULTS = LabelSettings()


def vote(labels: Mapping[str, str], settings: LabelSettings = DEFAULTS) -> LabelVote:
    """Return the majority of the labels given by worker; `label` is None when they tie or nobody voted."""
    counts = Counter(labels.values())
    total = sum(counts.values())
    shares: dict[str | None, float] = {label: counts[label] / total for label in sorted(counts)}
    return decided(shares, counts, settings)


def majority(votes: Sequence[Vote], settings: LabelSettings, known: Mapping[str, str]) -> LabelOutcome:
    """Label every task by itself; who agrees with the majority, or the truth if it is known, is right."""
    given: dict[str, dict[str, str]] = {}
    for item in votes:
        given.setdefault(item.task, {})[item.worker] = item.label
    tasks = {
        task: known_label(known[task], Counter(given[task].values())) if task in known else vote(given[task], settings)
        for task in sorted(given)
    }
    return LabelOutcome(tasks, tuple(_skills(votes, tasks)))


def _skills(votes: Sequence[Vote], tasks: Mapping[str, LabelVote]) -> list[WorkerSkill]:
    judged: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for item in votes:
        judged[item.worker] += tasks[item.task].label is not None
        right[item.worker] += tasks[item.task].label == item.label
    return [_skill(worker, right[worker], judged[worker]) for worker in sorted(judged)]


def _skill(worker: str, right: int, judged: int) -> WorkerSkill:
    accuracy, lower, upper = accuracy_of(right, judged)
    return WorkerSkill(worker, judged, accuracy, lower, upper, adversarial=accuracy < 0.5)
