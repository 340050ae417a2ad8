"""Skill of every annotator against the consensus, image by image, whatever the method."""

from dataclasses import dataclass, field

from aggregation.boxes.settings import BoxSettings
from aggregation.boxes.sheet import Sheet, prepare
from aggregation.core.answers import Consensus, ImageAnswers
from aggregation.core.geometry import TOLERANCE, Corners, best_matching, iou_matrix
from aggregation.core.skills import WorkerSkill, accuracy_of
from aggregation.core.sums import Mean

PRIOR_ANSWERS = 10
PRIOR_SENSITIVITY = 0.85
PRIOR_FALSE_MARKS = 0.15


@dataclass(slots=True)
class _Record:
    answers: int = 0
    objects: int = 0
    drawn: int = 0
    hits: int = 0
    right_labels: int = 0
    offset: Mean = field(default_factory=Mean)


class SkillTally:
    """Counts what each annotator found, missed, invented and named in the images that were resolved.

    The judge is a consensus the annotator took part in, so skills of small overlaps are flattering; dropped
    images judge nobody.
    """

    def __init__(self, settings: BoxSettings) -> None:
        self._settings = settings
        self._records: dict[str, _Record] = {}

    def add(self, image: ImageAnswers, consensus: Consensus) -> None:
        """Judge every annotator of one image."""
        sheet = prepare(image, self._settings)
        for index, name in enumerate(sheet.annotators):
            record = self._records.setdefault(name, _Record())
            if consensus.status != "drop":
                self._judge(record, sheet, index, consensus)

    def _judge(self, record: _Record, sheet: Sheet, index: int, consensus: Consensus) -> None:
        own = [box for box, owner in enumerate(sheet.owners) if owner == index]
        drawn = [sheet.corners[box] for box in own]
        pairs = _pairs(drawn, [box.corners for box in consensus.boxes], self._settings.match_iou)
        record.answers += 1
        record.objects += len(consensus.boxes)
        record.drawn += len(drawn)
        record.hits += len(pairs)
        for mine, theirs in pairs:
            agreed = consensus.boxes[theirs]
            record.right_labels += sheet.labels[own[mine]] == agreed.label
            record.offset.add(_offset(drawn[mine], agreed.corners))

    def skills(self) -> list[WorkerSkill]:
        """Return one skill per annotator, sorted by name."""
        return [_skill(name, self._records[name]) for name in sorted(self._records)]


def _pairs(drawn: list[Corners], agreed: list[Corners], least: float) -> list[tuple[int, int]]:
    if not drawn or not agreed:
        return []
    scores = iou_matrix(drawn, agreed)
    scores[scores < least - TOLERANCE] = 0.0
    return best_matching(scores)


def _offset(drawn: Corners, agreed: Corners) -> float:
    """Return the mean distance of the four edges, as a share of the agreed box's own width and height."""
    width, height = max(agreed[2] - agreed[0], TOLERANCE), max(agreed[3] - agreed[1], TOLERANCE)
    sideways = abs(drawn[0] - agreed[0]) + abs(drawn[2] - agreed[2])
    upright = abs(drawn[1] - agreed[1]) + abs(drawn[3] - agreed[3])
    return (sideways / width + upright / height) / 4


def _skill(name: str, record: _Record) -> WorkerSkill:
    accuracy, lower, upper = accuracy_of(record.right_labels, record.hits)
    return WorkerSkill(
        worker=name,
        n=record.answers,
        accuracy=accuracy,
        lower=lower,
        upper=upper,
        sensitivity=_shrunk(record.hits, record.objects, PRIOR_SENSITIVITY),
        false_marks=_shrunk(record.drawn - record.hits, record.drawn, PRIOR_FALSE_MARKS),
        noise=record.offset.value,
        adversarial=accuracy < 0.5,
    )


def _shrunk(count: int, of: int, prior: float) -> float:
    return (count + prior * PRIOR_ANSWERS) / (of + PRIOR_ANSWERS)
