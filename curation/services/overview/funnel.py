"""From collected to published: what passed each stage, and what was lost there and why."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, prod

from curation.models import Asset, Stage
from curation.services.overview.counts import AssetCounts
from curation.services.overview.words import reason_words

WAITING = (Asset.State.WAITING, Asset.State.WORKING)
CUTS = "storyboard"  # the kind of stage up to which videos are counted, and behind which their frames
CUT = "cut_into_frames"


@dataclass(frozen=True, slots=True)
class Loss:
    reason: str
    words: str
    n: int


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """One stage: `passed` went on to those `beyond`, `losses` were dropped, `waiting` and `held` still stand here.

    Of those that wait, `working` are in work already.
    """

    stage: Stage
    passed: int
    share: float
    waiting: int
    held: int
    losses: tuple[Loss, ...]
    beyond: str
    working: int = 0

    @property
    def lost(self) -> int:
        return sum(loss.n for loss in self.losses)

    @property
    def cuts(self) -> bool:
        return self.stage.kind == CUTS

    @property
    def cut(self) -> int:
        """Return how many videos became frames here."""
        return sum(loss.n for loss in self.losses if loss.reason == CUT)

    @property
    def entered(self) -> int:
        """Return what came in; what a stage that cuts lets through came in as videos, which are among its losses."""
        return (0 if self.cuts else self.passed) + self.waiting + self.held + self.lost


def funnel(*, stages: Sequence[Stage], counts: AssetCounts) -> list[FunnelStep]:
    """Return the steps in order. The numbers are read from where assets stand, so they always add up.

    Frames of a storyboard have passed nothing before it: videos are counted up to there.
    """
    total = counts.total
    steps = []
    for place, stage in enumerate(stages):
        beyond = _beyond(stages, place)
        later = [other.pk for other in beyond]
        passed = counts.sum(stages=later) + counts.sum(stages=[stage.pk], states=[Asset.State.PUBLISHED])
        steps.append(
            FunnelStep(
                stage=stage,
                passed=passed,
                share=passed / total if total else 0.0,
                waiting=counts.sum(stages=[stage.pk], states=WAITING),
                held=counts.sum(stages=[stage.pk], states=[Asset.State.HELD]),
                losses=_losses(stage, counts),
                beyond=",".join(other.name for other in beyond),
                working=counts.sum(stages=[stage.pk], states=[Asset.State.WORKING]),
            )
        )
    return steps


def _beyond(stages: Sequence[Stage], place: int) -> Sequence[Stage]:
    """Return the stages where that stands which has passed this one: of videos, up to where they are cut."""
    cut_at = next((n for n, stage in enumerate(stages) if n > place and stage.kind == CUTS), len(stages))
    return stages[place + 1 : cut_at + 1]


def images_of(steps: Sequence[FunnelStep], wanted: int) -> int:
    """Return to how many images so many accepted results come: themselves, or the frames that are kept of videos.

    Frames are reckoned by those of the videos that are cut so far; 0 = none is, so nobody knows.
    """
    cut_at = next((place for place, step in enumerate(steps) if step.cuts), None)
    if cut_at is None:
        return wanted
    cutting, after = steps[cut_at], [step for step in steps[cut_at + 1 :] if step.passed or step.lost]
    kept = prod(step.passed / (step.passed + step.lost) for step in after)
    return round(max(wanted, cutting.cut) * cutting.passed / cutting.cut * kept) if cutting.cut else 0


def results_for(steps: Sequence[FunnelStep], images: int) -> int:
    """Return how many accepted results come to so many images: as many, or the videos that do.

    Videos are reckoned as in `images_of`; as many as images where nobody knows what one comes to.
    """
    cut = sum(step.cut for step in steps)
    came_to = images_of(steps, cut)
    return ceil(images * cut / came_to) if cut and came_to else images


def _losses(stage: Stage, counts: AssetCounts) -> tuple[Loss, ...]:
    by_reason: Counter[str] = Counter()
    for place in counts.places:
        if place.stage_id == stage.pk and place.state == Asset.State.DROPPED:
            by_reason[place.reason] += place.n
    return tuple(Loss(reason, reason_words(reason), n) for reason, n in by_reason.most_common())
