"""The chance of each label given who voted, when skills are known from control tasks."""

import math
from collections.abc import Mapping

from aggregation.core.errors import BadInput

MOST_ABLE = 0.98  # nobody is believed beyond doubt


def label_posterior(
    labels: Mapping[str, str], skills: Mapping[str, float], prior: Mapping[str, float]
) -> dict[str, float]:
    """Return P(label) for every label of `prior`, which also says how many labels there are.

    `labels` and `skills` go by worker; a skill is the chance of a right answer, kept between a blind guess and 0.98;
    wrong answers spread evenly. Raises ValueError for a label without a prior or a worker without a skill.
    Source: the one-coin model of Dawid and Skene, 1979.
    """
    for worker, label in sorted(labels.items()):
        if label not in prior:
            raise BadInput(f"label {label!r} of {worker!r} has no prior: expected one of {', '.join(sorted(prior))}")
        if worker not in skills:
            raise BadInput(f"worker {worker!r} has no skill: expected one for everybody who voted")
    scores = {label: math.log(share) for label, share in sorted(prior.items()) if share > 0}
    for worker, said in sorted(labels.items()):
        able = min(max(skills[worker], 1 / len(prior)), MOST_ABLE)
        for label in scores:
            scores[label] += math.log(able if label == said else (1 - able) / max(len(prior) - 1, 1))
    top = max(scores.values(), default=0.0)
    weights = {label: math.exp(score - top) for label, score in scores.items()}
    total = sum(weights.values())
    return {label: weights.get(label, 0.0) / total for label in sorted(prior)}
