"""What a new outcome does to an image: it comes back, leaves, is sorted again, or stays because a person decided."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from curation.models import Asset, Consensus, ConsensusBox, DatasetItem, Decision, Review, Stage
from curation.services import assets
from curation.services.assets import Move
from curation.services.consensus.agreeing import Way, is_out, reason_of
from curation.services.consensus.settings import GIVEN, ConsensusSettings
from curation.services.consensus.storing import Row

State = Asset.State
Verdict = Decision.Verdict
BY_PERSON = (Review.Verdict.ACCEPT, Review.Verdict.REJECT, Review.Verdict.FIX)
MOVES = ("came_back", "left", "sorted_again")
SAME_TO = 5  # decimals of a side, in fractions of the image


class Result(Protocol):
    """What decides about an image's way: a stored result or one that was tried."""

    @property
    def status(self) -> str: ...
    @property
    def confidence(self) -> float: ...
    @property
    def next_step(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Image:
    """An image with a consensus, as it was before the run."""

    asset: Asset
    before: Consensus
    is_decided: bool
    is_frozen: bool

    def takes(self, status: str) -> bool:
        """Whether a new result becomes the current one: not over boxes given as they are, nor over published ones."""
        return not self.is_decided and not (self.is_frozen and status == Consensus.Status.DROP)


def looked_up(pairs: Sequence[tuple[Asset, Consensus]]) -> list[Image]:
    """Find out which images a person, or whoever gave the boxes, has decided; and which a frozen version holds."""
    ids = [asset.pk for asset, _ in pairs]
    reviewed = Review.objects.filter(asset_id__in=ids, verdict__in=BY_PERSON, undone_by=None)
    restored = Decision.objects.filter(asset_id__in=ids, verdict=Verdict.RESTORED, by_kind=Decision.By.PERSON)
    restored = restored.filter(stage_id__in={before.stage_id for _, before in pairs})
    decided = {*reviewed.values_list("asset_id", flat=True), *restored.values_list("asset_id", flat=True)}
    items = DatasetItem.objects.filter(asset_id__in=ids)  # also of a version that is being frozen
    frozen = set(items.values_list("asset_id", flat=True))
    return [
        Image(asset, before, before.method in GIVEN or asset.pk in decided, asset.pk in frozen)
        for asset, before in pairs
    ]


def count(image: Image, after: Row, where: str) -> Counter[str]:
    """Return what is to be counted of one image."""
    new = after.consensus
    counts = Counter({"images": 1, f"{image.before.status}_before": 1, f"{new.status}_after": 1})
    counts["changed"] += is_changed(image.before, after)
    if where:
        counts[where] += 1
    return counts


def where_to(image: Image, new: Result, stage: Stage, settings: ConsensusSettings) -> str:
    """Say what an outcome means for an image: one of MOVES, why it is kept all the same, or nothing."""
    asked = _asked_for(image, new, stage, settings)
    if asked and image.is_decided:
        return "kept_person"
    if asked == "left" and image.is_frozen:
        return "kept_frozen"
    return asked if image.asset.state != State.WORKING else ""  # others are at work on it


def _asked_for(image: Image, new: Result, stage: Stage, settings: ConsensusSettings) -> str:
    asset, now_out = image.asset, is_out(new.status, settings)
    if asset.stage_id == stage.pk and asset.state == State.DROPPED:
        return "" if now_out else "came_back"
    if asset.stage.position <= stage.position or asset.state == State.DROPPED:
        return ""  # the crowd has it again, or somebody else has dropped it
    if now_out:
        return "left"
    held = asset.stage.kind == "review" and asset.state == State.HELD
    return "sorted_again" if held and _sorted_by(image.before) != _sorted_by(new) else ""


def _sorted_by(result: Result) -> tuple[str, float, bool]:
    """Return what the review stage goes by."""
    return result.status, round(result.confidence, 4), result.next_step == Consensus.Next.REVIEW


def move(where: str, asset: Asset, new: Consensus, way: Way) -> Move:
    """Return the move for an outcome that is one of MOVES. The image leaves at the stage that adds up."""
    evidence = {"run": way.run.number, "status": new.status, "confidence": round(new.confidence, 4)}
    if where == "came_back":
        following = assets.next_stage(way.stage) or way.stage
        return Move(asset, Verdict.RESTORED, "", evidence, to_stage=following)
    if where == "sorted_again":
        return Move(asset, Verdict.RETURNED, where, evidence)
    asset.stage = way.stage
    return Move(asset, Verdict.DROPPED, reason_of(new), evidence)


def is_changed(before: Consensus, after: Row) -> bool:
    """Whether somebody who looks at the image sees another result."""
    return before.status != after.consensus.status or _seen(before.boxes.all()) != _seen(after.boxes)


def _seen(boxes: Iterable[ConsensusBox]) -> list[tuple[str, float, float, float, float]]:
    return sorted(
        (box.label, round(box.x, SAME_TO), round(box.y, SAME_TO), round(box.w, SAME_TO), round(box.h, SAME_TO))
        for box in boxes
    )
