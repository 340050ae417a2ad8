"""Who answers against the majority. Labels are compared exactly: of no use for boxes, free text and files."""

from collections import Counter
from collections.abc import Sequence

from crowd.quality.skill import Prior, estimate
from crowd.quality.wording import Verdict, counted, percent

USUAL_DISAGREEMENT = Prior(right=2.0, wrong=8.0)  # a newcomer counts as against the majority in 2 of 10
LEAST_TASKS = 10


def majority_label(labels: Sequence[str], *, threshold: int = 2) -> str | None:
    """Return the label that at least `threshold` answers give and more than give any other; None if there is none."""
    ranked = Counter(labels).most_common(2)
    if not ranked or ranked[0][1] < threshold:
        return None
    return None if len(ranked) == 2 and ranked[0][1] == ranked[1][1] else ranked[0][0]


def agrees(own: str, labels: Sequence[str], *, threshold: int = 2) -> bool | None:
    """Whether a worker's label is the majority's among all answers to the task, his own included; None without one."""
    majority = majority_label(labels, threshold=threshold)
    return None if majority is None else own == majority


def majority_disagreement(agreed: Sequence[bool | None], *, most: float) -> Verdict:
    """Say whether a worker disagrees with the majority in more than `most` (0 to 1) of his tasks, for sure.

    One entry a task as `agrees` gives it; tasks without a majority do not count. The lower 5 % point of the posterior
    under Beta(2, 8) must be above `most`, and at least ten tasks must count: hard tasks part honest people too.
    """
    judged = [ok for ok in agreed if ok is not None]
    against = len(judged) - sum(judged)
    surely = estimate(against, len(judged), USUAL_DISAGREEMENT).lower
    return Verdict(
        len(judged) >= LEAST_TASKS and surely > most,
        f"{against} of {counted(len(judged), 'task')} against the majority, surely {percent(surely)} or more, "
        f"the limit is {100 * most:g} %",
    )
