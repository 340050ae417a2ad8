"""One group of boxes per object, with at most one box of each annotator.

Not by centres: nested and crossing boxes break every centre rule. First average linkage over IoU, then each
annotator's boxes are re-assigned to the medians of the others until nothing moves. Most objects leave no choice, and
are told apart first: the rest alone needs the work.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import combinations

from aggregation.boxes.layout import Group, Layout, layout
from aggregation.boxes.settings import BoxSettings
from aggregation.boxes.sheet import Sheet
from aggregation.core.geometry import TOLERANCE, Corners, best_matching, iou_of, median_box

ROUNDS = 5


def group_boxes(sheet: Sheet, boxes: Sequence[int], settings: BoxSettings) -> list[Group]:
    """Return groups of box indices, each sorted, in the order of their first box."""
    return groups_of(sheet, layout(sheet, boxes, settings), settings)


def groups_of(sheet: Sheet, laid: Layout, settings: BoxSettings, members: Collection[int] | None = None) -> list[Group]:
    """Return the groups among the boxes of these annotators, all of them if none are named."""
    chosen = laid if members is None else laid.of(sheet, members)
    if not chosen.rest:
        return list(chosen.apart)
    linked = _Linkage(sheet, chosen.rest, settings).merge()
    drawn = Counter(sheet.owners[box] for group in (*chosen.apart, chosen.rest) for box in group)
    busy = sorted(owner for owner, count in drawn.items() if count > 1)
    return sorted([*chosen.apart, *_settle(sheet, linked, busy, settings)])


class _Linkage:
    """Average linkage with the ban on two boxes of one annotator.

    Clusters go by their first box. `_links` holds, for two clusters that overlap and share no annotator, the sum
    over their pairs of boxes of the IoU and of the IoU with the label bonus; `_scores` the mean of the latter,
    for those whose mean IoU lets them merge.
    """

    def __init__(self, sheet: Sheet, boxes: Sequence[int], settings: BoxSettings) -> None:
        self._least = settings.match_iou - TOLERANCE
        self._boxes = {box: [box] for box in boxes}
        self._owners = {box: 1 << sheet.owners[box] for box in boxes}  # a bit an annotator: the ban is one AND
        self._links: dict[int, dict[int, tuple[float, float]]] = {box: {} for box in boxes}
        self._scores: dict[tuple[int, int], float] = {}
        for a, b in combinations(sorted(boxes), 2):
            overlap = sheet.iou[a][b]
            if overlap > 0 and sheet.owners[a] != sheet.owners[b]:
                bonus = settings.label_bonus if sheet.labels[a] == sheet.labels[b] else 0.0
                self._link(a, b, (overlap, overlap + bonus))

    def merge(self) -> list[Group]:
        """Merge the best two clusters until none may merge."""
        while self._scores:
            self._join(*self._best())
        return [tuple(sorted(boxes)) for boxes in self._boxes.values()]

    def _best(self) -> tuple[int, int]:
        enough = max(self._scores.values()) - TOLERANCE
        return min(pair for pair, score in self._scores.items() if score >= enough)

    def _join(self, a: int, b: int) -> None:
        first, second = self._cut(a), self._cut(b)
        self._boxes[a] += self._boxes.pop(b)
        self._owners[a] |= self._owners.pop(b)
        for other in sorted((first.keys() | second.keys()) - {a, b}):
            if not self._owners[a] & self._owners[other]:
                one, two = first.get(other, (0.0, 0.0)), second.get(other, (0.0, 0.0))
                self._link(a, other, (one[0] + two[0], one[1] + two[1]))

    def _cut(self, cluster: int) -> dict[int, tuple[float, float]]:
        links = self._links[cluster]
        self._links[cluster] = {}
        for other in links:
            self._links[other].pop(cluster, None)
            self._scores.pop((min(cluster, other), max(cluster, other)), None)
        return links

    def _link(self, a: int, b: int, sums: tuple[float, float]) -> None:
        self._links[a][b] = self._links[b][a] = sums
        pairs = len(self._boxes[a]) * len(self._boxes[b])
        if sums[0] / pairs >= self._least:
            self._scores[min(a, b), max(a, b)] = sums[1] / pairs


def _settle(sheet: Sheet, groups: list[Group], busy: Sequence[int], settings: BoxSettings) -> list[Group]:
    groups = sorted(groups)
    for _ in range(ROUNDS if busy else 0):
        before = groups
        for owner in busy:
            groups = _reassign(sheet, groups, owner, settings)
        if groups == before:
            break
    return groups


def _reassign(sheet: Sheet, groups: list[Group], owner: int, settings: BoxSettings) -> list[Group]:
    """Return the groups after giving the owner's boxes to the medians of the others, optimally."""
    own = sorted(box for group in groups for box in group if sheet.owners[box] == owner)
    others = [rest for group in groups if (rest := tuple(box for box in group if sheet.owners[box] != owner))]
    centres = [_centre(sheet, rest) for rest in others]
    scores = [[_score(sheet, box, rest, at, settings) for rest, at in zip(others, centres, strict=True)] for box in own]
    home = dict(_matching(scores))
    members = [list(rest) for rest in others]
    for row, box in enumerate(own):
        if row in home:
            members[home[row]].append(box)
        else:
            members.append([box])
    return sorted(tuple(sorted(group)) for group in members)


def _centre(sheet: Sheet, rest: Group) -> Corners:
    if rest not in sheet.centres:
        sheet.centres[rest] = median_box([sheet.corners[box] for box in rest])
    return sheet.centres[rest]


def _score(sheet: Sheet, box: int, rest: Group, centre: Corners, settings: BoxSettings) -> float:
    overlap = iou_of(sheet.corners[box], centre)
    if overlap < settings.match_iou - TOLERANCE:
        return 0.0
    equal = sum(sheet.labels[other] == sheet.labels[box] for other in rest)
    return overlap + settings.label_bonus * equal / len(rest)


def _matching(scores: list[list[float]]) -> Iterable[tuple[int, int]]:
    """Return the best pairs; most rows have one candidate of their own and need no solver."""
    candidates = [[column for column, score in enumerate(row) if score > 0] for row in scores]
    single = [(row, columns[0]) for row, columns in enumerate(candidates) if columns]
    if all(len(columns) < 2 for columns in candidates) and len({column for _, column in single}) == len(single):
        return single
    return best_matching(scores)
