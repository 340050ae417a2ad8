"""Objects that lie so clear of all others that grouping has no choice about them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain, combinations

from aggregation.boxes.settings import BoxSettings
from aggregation.boxes.sheet import Sheet
from aggregation.core.geometry import Corners, iou_of

Group = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Boxes by whether anything has to be decided about them: groups that are sure, sorted, and the other boxes."""

    apart: tuple[Group, ...]
    rest: tuple[int, ...]

    def of(self, sheet: Sheet, members: Collection[int]) -> "Layout":
        """Return what is left when only these annotators answer: what is sure stays sure."""
        owners = sheet.owners
        kept = [tuple([box for box in group if owners[box] in members]) for group in self.apart]
        rest = tuple([box for box in self.rest if owners[box] in members])
        return Layout(tuple(sorted([group for group in kept if group])), rest)


def layout(sheet: Sheet, boxes: Sequence[int], settings: BoxSettings) -> Layout:
    """Tell the objects that stand clear from the boxes that need grouping.

    An object stands clear when its boxes are of different annotators, every two of them close enough for one group,
    and the hull of its boxes touches no other. Where somebody drew several boxes, it must also be so tight that no
    median of some of its boxes can lose one of the others.
    """
    islands = _islands(sheet, boxes)
    hulls = [_hull(sheet, island) for island in islands]
    touching = [pair for pair in combinations(range(len(islands)), 2) if iou_of(hulls[pair[0]], hulls[pair[1]])]
    touched = set(chain.from_iterable(touching))
    several = len({sheet.owners[box] for box in boxes}) < len(boxes)
    apart, rest = [], []
    for at, island in enumerate(islands):
        sure = at not in touched and _one_object(sheet, island, settings)
        if sure and (not several or _tight(sheet, island, hulls[at], settings)):
            apart.append(tuple(island))
        else:
            rest.extend(island)
    return Layout(tuple(sorted(apart)), tuple(sorted(rest)))


def _islands(sheet: Sheet, boxes: Sequence[int]) -> list[list[int]]:
    """Return the boxes that overlap directly or over others, each sorted."""
    left = sorted(boxes)
    found: list[list[int]] = []
    while left:
        island = [left.pop(0)]
        for box in island:
            near = sheet.iou[box]
            island += [other for other in left if near[other] > 0]
            left = [other for other in left if not near[other] > 0]
        found.append(sorted(island))
    return found


def _hull(sheet: Sheet, group: Sequence[int]) -> Corners:
    x1, y1, x2, y2 = zip(*[sheet.corners[box] for box in group], strict=True)
    return min(x1), min(y1), max(x2), max(y2)


def _one_object(sheet: Sheet, island: Sequence[int], settings: BoxSettings) -> bool:
    different = len({sheet.owners[box] for box in island}) == len(island)
    return different and all(sheet.iou[a][b] >= settings.match_iou for a, b in combinations(island, 2))


def _tight(sheet: Sheet, island: Sequence[int], hull: Corners, settings: BoxSettings) -> bool:
    """Tell whether any two boxes between what all share and their hull are close enough for one group."""
    x1, y1, x2, y2 = zip(*[sheet.corners[box] for box in island], strict=True)
    shared = (max(x1), max(y1), min(x2), min(y2))
    return len(island) == 1 or iou_of(shared, hull) >= settings.match_iou
