"""From groups of box indices to the result that is handed out."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aggregation.boxes.confidence import box_confidence, box_confidence_75, image_confidence, label_confidence
from aggregation.boxes.hard import pair_ious
from aggregation.boxes.layout import Group
from aggregation.boxes.settings import BoxSettings
from aggregation.boxes.sheet import Sheet
from aggregation.core.answers import Consensus, ConsensusBox, TraceStep, reading_order
from aggregation.core.geometry import TOLERANCE, Corners, mean, mean_box, median_box


@dataclass(frozen=True, slots=True)
class Found:
    """An agreed object: the boxes really drawn, the place and the label they stand for."""

    boxes: Group
    corners: Corners
    label: str


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a method decided: objects kept, groups left out, annotators whose answers were used."""

    kept: Sequence[Found]
    removed: Sequence[Group]
    used: Sequence[int]


def combined(sheet: Sheet, group: Group, settings: BoxSettings) -> Corners:
    """Return one box for a group, by the `combine` setting."""
    boxes = [sheet.corners[box] for box in group]
    return median_box(boxes) if settings.combine == "median" else mean_box(boxes)


def resolved(
    sheet: Sheet, agreed: Agreed, trace: Iterable[TraceStep], settings: BoxSettings, *, status: str, method: str
) -> Consensus:
    """Return the result of an image that could be agreed, as `hard` or `soft`."""
    ordered = sorted(agreed.kept, key=lambda found: reading_order(found.corners, found.label))
    boxes = tuple(_box(sheet, found, len(agreed.used), settings) for found in ordered)
    left_out = [(len(group), len(agreed.used) - len(group)) for group in agreed.removed]
    used = frozenset(agreed.used)
    more = status == "soft" and settings.buy_when == "not_hard" and len(sheet.annotators) < settings.max_answers
    return Consensus(
        image=sheet.image,
        status=status,
        boxes=boxes,
        used=sheet.names(used),
        dropped=sheet.names(set(range(len(sheet.annotators))) - used),
        trace=(*sheet.notes, *trace),
        next="buy" if more else "none",
        confidence=image_confidence((box.confidence for box in boxes), sorted(left_out)),
        lowest_iou=lowest_iou(sheet, [found.boxes for found in agreed.kept]),
        flags=common_flags([sheet.flags[index] for index in sorted(used)], settings),
        method=method,
    )


def not_resolved(
    sheet: Sheet, groups: Sequence[Group], trace: Iterable[TraceStep], settings: BoxSettings, *, method: str
) -> Consensus:
    """Return the result of an image that stays out, with one more answer or a reviewer to come."""
    return Consensus(
        image=sheet.image,
        status="drop",
        boxes=(),
        used=(),
        dropped=sheet.annotators,
        trace=(*sheet.notes, *trace),
        next="buy" if len(sheet.annotators) < settings.max_answers else "review",
        confidence=0.0,
        lowest_iou=lowest_iou(sheet, groups),
        flags=(),
        method=method,
    )


def lowest_iou(sheet: Sheet, groups: Iterable[Group]) -> float | None:
    """Return the smallest pair inside any group."""
    return min((value for group in groups for value in pair_ious(sheet, group)), default=None)


def mean_iou(sheet: Sheet, group: Group) -> float | None:
    """Return the mean over the pairs of a group; nothing for a single box."""
    pairs = pair_ious(sheet, group)
    return mean(pairs) if pairs else None


def _box(sheet: Sheet, found: Found, used: int, settings: BoxSettings) -> ConsensusBox:
    owners = {sheet.owners[box] for box in found.boxes}
    votes = Counter(sheet.labels[box] for box in found.boxes)
    support, misses = len(owners), used - len(owners)
    x1, y1, x2, y2 = found.corners
    certain = box_confidence(support, misses) * label_confidence(votes, found.label, settings.label_count)
    placed = box_confidence_75(support, misses, mean_iou(sheet, found.boxes))
    return ConsensusBox(x1, y1, x2 - x1, y2 - y1, found.label, certain, placed, sheet.names(owners))


def common_flags(given: Sequence[Iterable[str]], settings: BoxSettings) -> tuple[str, ...]:
    """Return the flags that enough of the used answers carry; a flag counts once an answer."""
    named = Counter(flag for flags in given for flag in flags)
    least = settings.quorum * len(given) - TOLERANCE
    return tuple(sorted(flag for flag, count in named.items() if count >= least))
