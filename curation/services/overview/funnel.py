"""From collected to published: what passed each stage, and what was lost there and why."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from curation.models import Asset, Stage
from curation.services.overview.counts import AssetCounts
from curation.services.overview.words import reason_words

WAITING = (Asset.State.WAITING, Asset.State.WORKING)


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


def funnel(*, stages: Sequence[Stage], counts: AssetCounts) -> list[FunnelStep]:
    """Return the steps in order. The numbers are read from where assets stand, so they always add up."""
    total = counts.total
    steps = []
    for place, stage in enumerate(stages):
        later = [other.pk for other in stages[place + 1 :]]
        passed = counts.sum(stages=later) + counts.sum(stages=[stage.pk], states=[Asset.State.PUBLISHED])
        steps.append(
            FunnelStep(
                stage=stage,
                passed=passed,
                share=passed / total if total else 0.0,
                waiting=counts.sum(stages=[stage.pk], states=WAITING),
                held=counts.sum(stages=[stage.pk], states=[Asset.State.HELD]),
                losses=_losses(stage, counts),
                beyond=",".join(other.name for other in stages[place + 1 :]),
                working=counts.sum(stages=[stage.pk], states=[Asset.State.WORKING]),
            )
        )
    return steps


def _losses(stage: Stage, counts: AssetCounts) -> tuple[Loss, ...]:
    by_reason: Counter[str] = Counter()
    for place in counts.places:
        if place.stage_id == stage.pk and place.state == Asset.State.DROPPED:
            by_reason[place.reason] += place.n
    return tuple(Loss(reason, reason_words(reason), n) for reason, n in by_reason.most_common())
