"""What each worker's boxes are worth, measured against what was agreed, and who is careless."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from curation.models import Consensus, Project, Stage
from curation.services.consensus.answers import sample_of
from curation.services.consensus.settings import source_of
from curation.services.quality_facts.comparing import Compared, compare
from curation.services.quality_facts.estimates import Share, chance_of_so_many, discoveries, jeffreys
from curation.services.quality_facts.keeping import kept
from curation.services.quality_facts.truth import agreed, agreed_boxes, answers_to

MOST_IMAGES = 5_000
BIG = 300
LEAST_IMAGES = 10
FALSE_DISCOVERIES = 0.05
FACTOR, MARGIN = 2.0, 0.05


@dataclass(slots=True)
class Tally:
    """Counts over a worker's answers."""

    images: int = 0
    right: int = 0
    objects: int = 0
    found: int = 0
    drawn: int = 0
    false: int = 0
    wrong_labels: int = 0
    iou_sum: float = 0.0

    def add(self, drawn: int, agreed: int, one: Compared) -> None:
        self.images += 1
        self.right += one.is_right
        self.objects += agreed
        self.found += len(one.pairs)
        self.drawn += drawn
        self.false += len(one.false)
        self.wrong_labels += len(one.wrong_labels)
        self.iou_sum += sum(iou for _, _, iou in one.pairs)


@dataclass(frozen=True, slots=True)
class Care:
    """How careful a worker is: shares with intervals. `tolerated` is the rate of wrong images that is still borne."""

    worker_id: int
    right: Share
    missed: Share
    false: Share
    wrong_labels: Share
    mean_iou: float | None
    others: float
    tolerated: float
    is_careless: bool

    @property
    def wrong_images(self) -> int:
        return self.right.n - self.right.hits


@dataclass(frozen=True, slots=True)
class Crowd:
    """All workers of a stage; `images` were compared of `of` that have an agreed result."""

    images: int
    of: int
    right: Share
    workers: Mapping[int, Care] = field(default_factory=dict)

    @property
    def careless(self) -> list[Care]:
        """Return the careless, the worst first."""
        found = [one for one in self.workers.values() if one.is_careless]
        return sorted(found, key=lambda one: (one.right.high, one.worker_id))


def care_in(project: Project, stage: Stage) -> Crowd:
    """Return `crowd_of`, computed once for the project's version."""
    return kept("care", project, stage, lambda: crowd_of(stage), _is_big)


def careless_in(project: Project, stage: Stage) -> list[Care]:
    """Return the careless, the worst first: kept by themselves, as reading everybody back takes long."""

    def only_careless() -> Crowd:
        crowd = care_in(project, stage)
        return replace(crowd, workers={one.worker_id: one for one in crowd.careless})

    return kept("careless", project, stage, only_careless, _is_big).careless


def _is_big(crowd: Crowd) -> bool:
    return crowd.images > BIG


def crowd_of(stage: Stage) -> Crowd:
    """Measure the workers whose answers an aggregate stage adds up, over at most 5,000 images drawn by chance."""
    rows = agreed(stage)
    boxes_of = agreed_boxes(Consensus.objects.filter(pk__in=sample_of(rows, "asset_id", MOST_IMAGES).values("pk")))
    if not boxes_of:
        return Crowd(0, 0, jeffreys(0, 0))
    tallies: dict[int, Tally] = {}
    for _, asset_id, worker_id, boxes in answers_to(source_of(stage), list(boxes_of)):
        one = compare(boxes, boxes_of[asset_id])
        tallies.setdefault(worker_id, Tally()).add(len(boxes), len(boxes_of[asset_id]), one)
    every = sum(tally.images for tally in tallies.values())
    right = sum(tally.right for tally in tallies.values())
    images = len(boxes_of)
    return Crowd(images, images if images < MOST_IMAGES else rows.count(), jeffreys(right, every), judge(tallies))


def judge(tallies: Mapping[int, Tally]) -> dict[int, Care]:
    """Say who is careless: surely wrong in more than twice as many images as the others, and 5 points more.

    The test is the binomial's upper tail at that rate, over workers of at least ten images; of those it names, at most
    one in twenty is expected to be named wrongly.
    """
    images, wrong = _total(tallies), sum(tally.images - tally.right for tally in tallies.values())
    others = {
        worker: (wrong - (tally.images - tally.right)) / max(1, images - tally.images)
        for worker, tally in tallies.items()
    }
    limits = {worker: min(1.0, max(FACTOR * rate, rate + MARGIN)) for worker, rate in others.items()}
    tested = [worker for worker, tally in sorted(tallies.items()) if tally.images >= LEAST_IMAGES]
    chances = [
        chance_of_so_many(tallies[one].images - tallies[one].right, tallies[one].images, limits[one]) for one in tested
    ]
    named = {worker for worker, out in zip(tested, discoveries(chances, FALSE_DISCOVERIES), strict=True) if out}
    return {
        worker: _care(worker, tally, others[worker], limits[worker], careless=worker in named)
        for worker, tally in tallies.items()
    }


def _total(tallies: Mapping[int, Tally]) -> int:
    return sum(tally.images for tally in tallies.values())


def _care(worker_id: int, tally: Tally, others: float, limit: float, *, careless: bool) -> Care:
    return Care(
        worker_id=worker_id,
        right=jeffreys(tally.right, tally.images),
        missed=jeffreys(tally.objects - tally.found, tally.objects),
        false=jeffreys(tally.false, tally.drawn),
        wrong_labels=jeffreys(tally.wrong_labels, tally.found),
        mean_iou=tally.iou_sum / tally.found if tally.found else None,
        others=1 - others,
        tolerated=limit,
        is_careless=careless,
    )
