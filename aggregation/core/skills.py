"""What a worker has shown to be worth."""

from collections.abc import Mapping
from dataclasses import dataclass

from scipy.special import betaincinv

from aggregation.core.answers import probability

PRIOR_RIGHT, PRIOR_WRONG = 8.0, 2.0  # Beta(8, 2): a newcomer counts as right in 8 of 10
PRIOR_ACCURACY = PRIOR_RIGHT / (PRIOR_RIGHT + PRIOR_WRONG)


@dataclass(frozen=True, slots=True)
class WorkerSkill:
    """Posterior skill of one worker: `accuracy` lies between `lower` and `upper` with 90 %; gate on `lower`."""

    worker: str
    n: int
    accuracy: float
    lower: float
    upper: float
    sensitivity: float | None = None
    false_marks: float | None = None
    noise: float | None = None
    confusion: Mapping[str, Mapping[str, float]] | None = None
    adversarial: bool = False

    def to_json(self) -> dict[str, object]:
        document: dict[str, object] = {
            "worker": self.worker,
            "n": self.n,
            "accuracy": probability(self.accuracy),
            "lower": probability(self.lower),
            "upper": probability(self.upper),
            "sensitivity": probability(self.sensitivity),
            "false_marks": probability(self.false_marks),
            "noise": probability(self.noise),
            "adversarial": self.adversarial,
        }
        if self.confusion is not None:
            document["confusion"] = {
                true: {said: probability(share) for said, share in row.items()} for true, row in self.confusion.items()
            }
        return document


def accuracy_of(right: float, n: float) -> tuple[float, float, float]:
    """Return the posterior mean, 5 % and 95 % point for `right` of `n` answers under the Beta(8, 2) prior."""
    a, b = right + PRIOR_RIGHT, n - right + PRIOR_WRONG
    return a / (a + b), float(betaincinv(a, b, 0.05)), float(betaincinv(a, b, 0.95))
