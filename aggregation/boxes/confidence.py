"""How probably a result is right, from support, misses and closeness alone.

Logistic curves fitted on real crowd answers with an expert's boxes as truth; recalibrate on control tasks. Answers that
a rule left out count neither for nor against a box: as misses they raised the calibration error of hard-soft-drop from
.015 to .09 (pedestrians, 5 answers), because what they doubt is the place more often than the object.
"""

import math
from collections.abc import Iterable, Mapping

LABEL_ACCURACY = 0.9
SINGLE_BOX_CLOSENESS = 0.6
MOST_CERTAIN_IMAGE = 0.98


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def box_confidence(support: int, misses: int) -> float:
    """Return the chance that the box meets an object at IoU 0.5, whatever its label.

    `support` annotators drew it, `misses` of the used answers did not.
    """
    return min(max(_logistic(2.0 + 1.1 * support - 1.9 * misses), 0.01), 0.995)


def box_confidence_75(support: int, misses: int, closeness: float | None) -> float:
    """Return the chance that the box meets an object at IoU 0.75; `closeness` = mean IoU of the group's pairs."""
    mean_iou = SINGLE_BOX_CLOSENESS if closeness is None else closeness
    return _logistic(-6.7 + 0.2 * support - 0.3 * misses + 10.2 * mean_iou)


def label_confidence(votes: Mapping[str, int], label: str, label_count: int) -> float:
    """Return the chance of a label given the votes, with equally able voters and `label_count` labels."""
    labels = max(label_count, len(votes), 2)
    ratio = (1 - LABEL_ACCURACY) / ((labels - 1) * LABEL_ACCURACY)
    best = votes[label]
    rivals = sorted(count for other, count in votes.items() if other != label)
    silent = labels - len(votes)
    return 1 / (1 + sum(ratio ** (best - count) for count in rivals) + silent * ratio**best)


def image_confidence(kept: Iterable[float], removed: Iterable[tuple[int, int]]) -> float:
    """Return the chance that the whole image is right.

    `kept` are the confidences of the result's boxes, `removed` the (support, misses) of groups left out.
    """
    right = math.prod(kept)
    for support, misses in removed:
        right *= 1 - _logistic(-0.1 + 1.7 * support - 1.5 * misses)
    return min(right, MOST_CERTAIN_IMAGE)
