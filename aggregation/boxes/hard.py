"""Six questions; the first "no" ends it and is named."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from aggregation.boxes.groups import group_boxes
from aggregation.boxes.layout import Group
from aggregation.boxes.settings import BoxSettings
from aggregation.boxes.sheet import Sheet, counted
from aggregation.core.answers import TraceStep
from aggregation.core.geometry import TOLERANCE, mean


@dataclass(frozen=True, slots=True)
class Verdict:
    """The questions asked so far, and the groups if it came to them."""

    steps: tuple[TraceStep, ...]
    groups: tuple[Group, ...] = ()

    @property
    def passed(self) -> bool:
        return all(step.ok for step in self.steps)


def examine(sheet: Sheet, settings: BoxSettings) -> Verdict:
    """Ask the six questions in their order."""
    steps = list(_until_no([_enough, _count], sheet, (), settings))
    if not steps[-1].ok:
        return Verdict(tuple(steps))
    groups = tuple(group_boxes(sheet, range(len(sheet.owners)), settings))
    steps.extend(_until_no([_groups, _labels, _iou, _clean], sheet, groups, settings))
    return Verdict(tuple(steps), groups)


Question = Callable[[Sheet, Sequence[Group], BoxSettings], TraceStep]


def _until_no(
    questions: Sequence[Question], sheet: Sheet, groups: Sequence[Group], settings: BoxSettings
) -> Iterator[TraceStep]:
    for question in questions:
        step = question(sheet, groups, settings)
        yield step
        if not step.ok:
            return


def answer(key: str, words: str, *, ok: bool, data: dict[str, object]) -> TraceStep:
    """Return the step that answers a question with yes or no."""
    return TraceStep(key, ok=ok, text=f"{key}: {'yes' if ok else 'no'}, {words}", data=data)


EQUAL_LABELS = answer("hard.labels", "equal in every group", ok=True, data={})


def _enough(sheet: Sheet, _groups: Sequence[Group], settings: BoxSettings) -> TraceStep:
    return enough_step(len(sheet.annotators), settings)


def _count(sheet: Sheet, _groups: Sequence[Group], _settings: BoxSettings) -> TraceStep:
    return count_step(sheet.annotators, sheet.counts())


def _groups(sheet: Sheet, groups: Sequence[Group], _settings: BoxSettings) -> TraceStep:
    return groups_step([len(group) for group in groups], len(sheet.annotators))


def _labels(sheet: Sheet, groups: Sequence[Group], _settings: BoxSettings) -> TraceStep:
    mixed = [group for group in groups if len({sheet.labels[box] for box in group}) > 1]
    if not mixed:
        return EQUAL_LABELS
    said = "; ".join(" ".join(f"{sheet.annotators[sheet.owners[b]]}={sheet.labels[b]}" for b in g) for g in mixed)
    return answer("hard.labels", f"labels differ: {said}", ok=False, data={"groups": len(mixed)})


def _iou(sheet: Sheet, groups: Sequence[Group], settings: BoxSettings) -> TraceStep:
    return iou_question("hard.iou", sheet, groups, settings)


def _clean(sheet: Sheet, _groups: Sequence[Group], settings: BoxSettings) -> TraceStep:
    doubles = duplicates(sheet, range(len(sheet.owners)), settings)
    return clean_step(len(sheet.dots), len(doubles), sheet.names(sheet.contradictory))


def enough_step(given: int, settings: BoxSettings) -> TraceStep:
    """Answer whether enough people answered."""
    words = f"{counted(given, 'answer', 'answers')}, at least {settings.min_answers} needed"
    return answer("hard.enough", words, ok=given >= settings.min_answers, data={"answers": given})


def count_step(annotators: Sequence[str], counts: Sequence[int]) -> TraceStep:
    """Answer whether everybody drew the same number of boxes."""
    words = f"{' '.join(map(str, counts))} boxes ({' '.join(annotators)})"
    data: dict[str, object] = {"counts": dict(zip(annotators, counts, strict=True))}
    return answer("hard.count", words, ok=len(set(counts)) == 1, data=data)


def equal_counts(people: int, boxes: int) -> Callable[[Sequence[str]], TraceStep]:
    """Return what `count_step` gives for any so many people who drew so many boxes each."""
    head = f"hard.count: yes, {' '.join([str(boxes)] * people)} boxes ("

    def step(annotators: Sequence[str]) -> TraceStep:
        counts = dict.fromkeys(annotators, boxes)
        return TraceStep("hard.count", ok=True, text=f"{head}{' '.join(annotators)})", data={"counts": counts})

    return step


def groups_step(sizes: Sequence[int], everybody: int) -> TraceStep:
    """Answer whether every group has a box of everybody."""
    words = f"{counted(len(sizes), 'group', 'groups')} of {' '.join(map(str, sizes)) or 'no'} boxes by {everybody}"
    return answer("hard.groups", words, ok=all(size == everybody for size in sizes), data={"sizes": tuple(sizes)})


def clean_step(dots: int, doubles: int, contradictory: tuple[str, ...]) -> TraceStep:
    """Answer whether nobody slipped."""
    words = (
        f"{counted(dots, 'dot', 'dots')}, {counted(doubles, 'duplicate', 'duplicates')}, "
        f"{counted(len(contradictory), 'contradictory answer', 'contradictory answers')}"
    )
    data = {"dots": dots, "duplicates": doubles, "contradictory": contradictory}
    return answer("hard.clean", words, ok=not (dots or doubles or contradictory), data=data)


def iou_question(key: str, sheet: Sheet, groups: Sequence[Group], settings: BoxSettings) -> TraceStep:
    """Ask whether the boxes of every group lie close enough together."""
    measured = [value for group in groups if (value := closeness(sheet, group, settings)) is not None]
    return iou_step(key, min(measured, default=None), settings)


def iou_step(key: str, worst: float | None, settings: BoxSettings) -> TraceStep:
    """Answer whether the worst group is close enough."""
    if worst is None:
        return answer(key, "no two boxes to compare", ok=True, data={"iou": None})
    word, needed = _iou_words(settings)
    ok = worst >= settings.iou - TOLERANCE
    return answer(key, f"{word} {worst:.3f}{needed}", ok=ok, data={"iou": worst})


def close_enough(settings: BoxSettings) -> Callable[[float], TraceStep]:
    """Return what `iou_step` gives for any worst group that passes the hard question."""
    word, needed = _iou_words(settings)
    head = f"hard.iou: yes, {word} "
    return lambda worst: TraceStep("hard.iou", ok=True, text=f"{head}{worst:.3f}{needed}", data={"iou": worst})


def _iou_words(settings: BoxSettings) -> tuple[str, str]:
    word = "lowest pair" if settings.iou_rule == "every_pair" else "lowest mean of pairs"
    return word, f", at least {settings.iou:g} needed"


def pair_ious(sheet: Sheet, group: Group) -> list[float]:
    """Return the IoU of every pair in a group."""
    return [sheet.iou[a][b] for a, b in combinations(group, 2)]


def closeness(sheet: Sheet, group: Group, settings: BoxSettings) -> float | None:
    """Return what the IoU rule looks at: the worst pair or the mean of pairs; nothing for a single box."""
    pairs = pair_ious(sheet, group)
    if not pairs:
        return None
    return min(pairs) if settings.iou_rule == "every_pair" else mean(pairs)


def duplicates(sheet: Sheet, boxes: Sequence[int], settings: BoxSettings) -> list[int]:
    """Return the boxes to remove because their annotator drew the same thing, with the same label, better.

    Better = larger sum over the other annotators of the best IoU; a tie keeps the first in sorted order.
    """
    kept: list[int] = []
    removed: list[int] = []
    for box in _best_first(sheet, boxes) if _may_repeat(sheet, boxes, settings) else ():
        repeats = any(_same_thing(sheet, box, other, settings) for other in kept)
        (removed if repeats else kept).append(box)
    return sorted(removed)


def _may_repeat(sheet: Sheet, boxes: Sequence[int], settings: BoxSettings) -> bool:
    own: dict[int, list[int]] = {}
    for box in boxes:
        own.setdefault(sheet.owners[box], []).append(box)
    return any(_same_thing(sheet, a, b, settings) for drawn in own.values() for a, b in combinations(drawn, 2))


def _best_first(sheet: Sheet, boxes: Sequence[int]) -> list[int]:
    return sorted(boxes, key=lambda box: (-_backing(sheet, box, boxes), box))


def _backing(sheet: Sheet, box: int, boxes: Sequence[int]) -> float:
    best: dict[int, float] = {}
    for other in boxes:
        if sheet.owners[other] != sheet.owners[box]:
            best[sheet.owners[other]] = max(best.get(sheet.owners[other], 0.0), sheet.iou[box][other])
    return round(sum(best[owner] for owner in sorted(best)), 9)


def _same_thing(sheet: Sheet, a: int, b: int, settings: BoxSettings) -> bool:
    return (
        sheet.owners[a] == sheet.owners[b]
        and sheet.labels[a] == sheet.labels[b]
        and sheet.iou[a][b] >= settings.duplicate_iou - TOLERANCE
    )
