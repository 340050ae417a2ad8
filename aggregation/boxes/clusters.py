"""The baselines: group, keep what a majority drew, combine. They never refuse an image that has enough answers."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from aggregation.boxes.cleaning import clean, too_few
from aggregation.boxes.groups import group_boxes
from aggregation.boxes.hard import examine
from aggregation.boxes.layout import Group
from aggregation.boxes.result import Agreed, Found, combined, not_resolved, resolved
from aggregation.boxes.settings import BoxSettings
from aggregation.boxes.sheet import Sheet, counted, prepare
from aggregation.core.answers import Consensus, ImageAnswers, TraceStep
from aggregation.core.geometry import TOLERANCE, Corners, iou_of, mean_box

Grouping = Callable[[Sheet, Sequence[int], BoxSettings], list[Group]]


@dataclass(frozen=True, slots=True)
class Clusters:
    """One baseline: how boxes are grouped and how the boxes of a group become one."""

    name: str
    combine: str
    group: Grouping = group_boxes

    def __call__(self, image: ImageAnswers, settings: BoxSettings) -> Consensus:
        chosen = replace(settings, combine=self.combine)
        sheet = prepare(image, chosen)
        verdict = examine(sheet, chosen)
        cleaned = clean(sheet, chosen)
        trace = [*verdict.steps, *cleaned.steps]
        if len(cleaned.members) < settings.min_answers:
            return not_resolved(sheet, (), [*trace, too_few(cleaned, chosen)], chosen, method=self.name)
        groups = self.group(sheet, cleaned.boxes, chosen)
        kept, removed = _by_majority(sheet, groups, len(cleaned.members))
        found = [_found(sheet, group, chosen) for group in kept]
        status = "hard" if verdict.passed else "soft"
        trace.append(majority_step(len(kept), len(removed)))
        agreed = Agreed(found, removed, cleaned.members)
        return resolved(sheet, agreed, trace, chosen, status=status, method=self.name)


def majority_step(kept: int, removed: int) -> TraceStep:
    """Return the step that says how many groups a majority drew."""
    words = f"kept {counted(kept, 'group', 'groups')} of a majority, left out {removed}"
    return TraceStep("soft.majority", ok=True, text=f"soft.majority: {words}", data={"kept": kept, "removed": removed})


def _by_majority(sheet: Sheet, groups: Sequence[Group], answers: int) -> tuple[list[Group], list[Group]]:
    kept: list[Group] = []
    removed: list[Group] = []
    for group in groups:
        supporters = len({sheet.owners[box] for box in group})
        (kept if 2 * supporters > answers else removed).append(group)
    return kept, removed


def _found(sheet: Sheet, group: Group, settings: BoxSettings) -> Found:
    corners = combined(sheet, group, settings)
    return Found(group, corners, _label(sheet, group, corners))


def _label(sheet: Sheet, group: Group, corners: Corners) -> str:
    """Return the most frequent label; of equals the one whose box lies nearest, never the first of the alphabet."""
    votes = Counter(sheet.labels[box] for box in group)
    most = max(votes.values())
    leading = [box for box in group if votes[sheet.labels[box]] == most]
    nearest = max(leading, key=lambda box: (round(iou_of(sheet.corners[box], corners), 9), -box))
    return sheet.labels[nearest]


def fuse(sheet: Sheet, boxes: Sequence[int], settings: BoxSettings) -> list[Group]:
    """Group as weighted boxes fusion does: label by label, each box to the running mean it overlaps most.

    Source: Solovyev, Wang, Gabruseva, "Weighted boxes fusion", 2021, with equal scores. Nothing keeps one box
    per annotator, so support counts annotators and not boxes.
    """
    groups: list[list[int]] = []
    centres: list[Corners] = []
    for box in boxes:
        home = _home(sheet, box, groups, centres, settings)
        if home is None:
            groups.append([box])
            centres.append(sheet.corners[box])
        else:
            groups[home].append(box)
            centres[home] = mean_box([sheet.corners[member] for member in groups[home]])
    return [tuple(group) for group in groups]


def _home(
    sheet: Sheet, box: int, groups: Sequence[Sequence[int]], centres: Sequence[Corners], settings: BoxSettings
) -> int | None:
    best, place = settings.match_iou - TOLERANCE, None
    for index, (group, centre) in enumerate(zip(groups, centres, strict=True)):
        overlap = iou_of(sheet.corners[box], centre)
        if sheet.labels[group[0]] == sheet.labels[box] and overlap > best:
            best, place = overlap, index
    return place


median = Clusters("median", "median")
mean = Clusters("mean", "mean")
wbf = Clusters("wbf", "mean", fuse)
