"""How far workers agree about labels."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aggregation.agreement.alpha import NominalAlpha
from aggregation.agreement.bootstrap import interval_of_mean
from aggregation.agreement.classes import ClassTally
from aggregation.agreement.report import Agreement, Share
from aggregation.core.reading import Vote

DRAWS = 400


def label_agreement(votes: Iterable[Vote], *, draws: int = DRAWS, seed: int = 0) -> Agreement:
    """Compare every two workers of each task; independent of the order of the votes.

    `draws` pools are drawn again, from `seed`, for the intervals.
    """
    tasks: dict[str, dict[str, str]] = {}
    answers: Counter[str] = Counter()
    for item in votes:
        tasks.setdefault(item.task, {})[item.worker] = item.label
        answers[item.worker] += 1
    tally = _Tally()
    for said in tasks.values():
        tally.add(said)
    return Agreement(
        counts={"tasks": len(tasks), "answers": sum(answers.values())},
        pool={"label_agreement": tally.pool.value},
        pool_interval={"label_agreement": interval_of_mean(tally.shares, draws, seed)},
        alpha={"labels": tally.alpha.value},
        alpha_interval={"labels": tally.alpha.interval(draws, seed)},
        per_worker={w: {"n": answers[w], "label_agreement": tally.share(w)} for w in sorted(answers)},
        per_class=tally.classes.figures(),
    )


@dataclass(slots=True)
class _Tally:
    pool: Share = field(default_factory=Share)
    shares: list[float] = field(default_factory=list)
    alpha: NominalAlpha = field(default_factory=NominalAlpha)
    classes: ClassTally = field(default_factory=ClassTally)
    _workers: dict[str, Share] = field(default_factory=dict)

    def add(self, said: Mapping[str, str]) -> None:
        """Compare every two workers of one task."""
        counts, size = Counter(said.values()), len(said)
        agreeing = sum(count * (count - 1) for count in counts.values())
        self.pool.add(agreeing, size * (size - 1))
        if size > 1:
            self.shares.append(agreeing / (size * (size - 1)))
        self.alpha.add(list(said.values()))
        self.classes.add(counts)
        for worker, label in said.items():
            self._workers.setdefault(worker, Share()).add(counts[label] - 1, size - 1)

    def share(self, worker: str) -> float | None:
        return self._workers[worker].value
