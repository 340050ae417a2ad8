"""Steps 3 to 6 of soft on one set of answers: outliers, labels, missing boxes, hard again."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from aggregation.boxes.groups import groups_of
from aggregation.boxes.hard import answer, closeness, iou_question
from aggregation.boxes.layout import Group, Layout
from aggregation.boxes.result import Agreed, Found, combined, mean_iou
from aggregation.boxes.settings import BoxSettings
from aggregation.boxes.sheet import Sheet, counted
from aggregation.core.answers import TraceStep
from aggregation.core.geometry import TOLERANCE, Corners, best_matching, iou_matrix, mean

Result = tuple[tuple[Corners, str], ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a set of answers comes to: objects when they agree, else the reason why not."""

    members: tuple[int, ...]
    groups: tuple[Group, ...]
    kept: tuple[Found, ...]
    removed: tuple[Group, ...]
    steps: tuple[TraceStep, ...]
    failure: str | None = None

    @property
    def agreed(self) -> Agreed:
        return Agreed(self.kept, self.removed, self.members)


@dataclass(frozen=True, slots=True)
class _Sorted:
    """Groups by how many of the answers stand behind them."""

    real: tuple[Group, ...]
    outliers: tuple[Group, ...]
    undecided: tuple[Group, ...]


def hopeless(sheet: Sheet, laid: Layout, members: tuple[int, ...], settings: BoxSettings) -> bool:
    """Tell whether an object about which grouping has no choice keeps these answers from agreeing."""
    least, most = _shares(len(members), settings)
    for group in laid.of(sheet, frozenset(members)).apart:
        if len(group) >= least:
            close = closeness(sheet, group, settings)
            if close is not None and close < settings.iou - TOLERANCE:
                return True
        elif len(group) > most:
            return True
    return False


def attempt(sheet: Sheet, laid: Layout, members: tuple[int, ...], settings: BoxSettings) -> Attempt:
    """Try to agree on the answers of `members`, using those boxes that are theirs."""
    groups = tuple(groups_of(sheet, laid, settings, frozenset(members)))
    shares = _by_share(groups, len(members), settings)
    failed = _existence(sheet, shares, len(members)) or _disputed(sheet, shares, len(members), settings)
    if failed:
        return _failure(members, groups, *failed)
    labels = [quorum_label(sheet, group, settings) for group in shares.real]
    found = tuple(
        Found(group, combined(sheet, group, settings), label)
        for group, label in zip(shares.real, labels, strict=True)
        if label is not None
    )
    if len(found) < len(labels):
        return _failure(members, groups, "label", _label_step(sheet, shares.real[labels.index(None)]))
    again = iou_question("soft.iou", sheet, shares.real, settings)
    if not again.ok:
        return _failure(members, groups, "iou", again)
    steps = (*_changes(sheet, found, shares.outliers, members), again)
    return Attempt(members, groups, found, shares.outliers, steps)


def _failure(members: tuple[int, ...], groups: tuple[Group, ...], reason: str, step: TraceStep) -> Attempt:
    return Attempt(members, groups, (), (), (step,), reason)


def _by_share(groups: Sequence[Group], answers: int, settings: BoxSettings) -> _Sorted:
    least, most = _shares(answers, settings)
    real = tuple(group for group in groups if len(group) >= least)
    outliers = tuple(group for group in groups if len(group) <= most and len(group) < least)
    undecided = tuple(group for group in groups if most < len(group) < least)
    return _Sorted(real, outliers, undecided)


def _shares(answers: int, settings: BoxSettings) -> tuple[float, float]:
    """Return the least boxes of a real group and the most of an outlier."""
    return settings.quorum * answers - TOLERANCE, (1 - settings.quorum) * answers + TOLERANCE


def _existence(sheet: Sheet, shares: _Sorted, answers: int) -> tuple[str, TraceStep] | None:
    if not shares.undecided:
        return None
    group = shares.undecided[0]
    words = f"{len(group)} of {answers} see {sheet.describe(group[0])}: neither enough to keep it nor to remove it"
    return "existence", answer("soft.outliers", words, ok=False, data={"groups": len(shares.undecided)})


def _disputed(sheet: Sheet, shares: _Sorted, answers: int, settings: BoxSettings) -> tuple[str, TraceStep] | None:
    """Most people say there is something more and only disagree where: that is not "nothing there"."""
    losers = {sheet.owners[box] for group in shares.outliers for box in group}
    if not losers or len(losers) < settings.quorum * answers - TOLERANCE:
        return None
    names = sheet.names(losers)
    words = f"{len(losers)} of {answers} answers would lose a box ({' '.join(names)})"
    return "disputed", answer("soft.outliers", words, ok=False, data={"annotators": names})


def quorum_label(sheet: Sheet, group: Group, settings: BoxSettings) -> str | None:
    """Return the label that enough of the group's boxes carry, or none."""
    votes = Counter(sheet.labels[box] for box in group)
    alone = len(group) == 1 and settings.min_answers > 1
    winners = [label for label, count in votes.items() if count >= settings.quorum * len(group) - TOLERANCE]
    return winners[0] if winners and not alone else None


def _label_step(sheet: Sheet, group: Group) -> TraceStep:
    votes = sorted(Counter(sheet.labels[box] for box in group).items())
    said = ", ".join(f"{count} {label}" for label, count in votes)
    return answer("soft.labels", f"no label has enough votes: {said}", ok=False, data={"votes": dict(votes)})


def _changes(
    sheet: Sheet, found: Sequence[Found], outliers: Sequence[Group], members: Sequence[int]
) -> list[TraceStep]:
    steps = [_removed(sheet, outliers), _relabelled(sheet, found), _added(sheet, found, members)]
    return [step for step in steps if step is not None]


def _removed(sheet: Sheet, outliers: Sequence[Group]) -> TraceStep | None:
    boxes = sorted(box for group in outliers for box in group)
    return removal("soft.outliers", sheet, boxes) if boxes else None


def removal(key: str, sheet: Sheet, boxes: Sequence[int]) -> TraceStep:
    """Return the step that names removed boxes and their owners."""
    said = "; ".join(sheet.describe(box) for box in boxes)
    owners = sheet.names({sheet.owners[box] for box in boxes})
    text = f"{key}: removed {counted(len(boxes), 'box', 'boxes')}: {said}"
    return TraceStep(key, ok=True, text=text, data={"boxes": len(boxes), "annotators": owners})


def _relabelled(sheet: Sheet, found: Sequence[Found]) -> TraceStep | None:
    said = [
        f"{sheet.labels[box]} by {item.label} for {sheet.annotators[sheet.owners[box]]}"
        for item in found
        for box in item.boxes
        if sheet.labels[box] != item.label
    ]
    if not said:
        return None
    text = f"soft.labels: replaced {counted(len(said), 'label', 'labels')}: {'; '.join(said)}"
    return TraceStep("soft.labels", ok=True, text=text, data={"labels": len(said)})


def _added(sheet: Sheet, found: Sequence[Found], members: Sequence[int]) -> TraceStep | None:
    missing: Counter[int] = Counter()
    for item in found:
        missing.update(set(members) - {sheet.owners[box] for box in item.boxes})
    if not missing:
        return None
    people = sorted(missing.items())
    said = ", ".join(f"{counted(count, 'box', 'boxes')} for {sheet.annotators[owner]}" for owner, count in people)
    data = {sheet.annotators[owner]: count for owner, count in people}
    return TraceStep("soft.missing", ok=True, text=f"soft.missing: added {said}", data=data)


def agreement(sheet: Sheet, trial: Attempt) -> float:
    """Return the mean over the kept groups of their mean pair IoU; 1 when nothing had to be compared."""
    measured = [value for found in trial.kept if (value := mean_iou(sheet, found.boxes)) is not None]
    return mean(measured) if measured else 1.0


def all_alike(trials: Sequence[Attempt], settings: BoxSettings) -> bool:
    """Tell whether all results have the same boxes: as many, each pair close enough, same labels."""
    results = sorted({tuple(sorted((found.corners, found.label) for found in trial.kept)) for trial in trials})
    return all(_alike(a, b, settings) for a, b in combinations(results, 2))


def _alike(a: Result, b: Result, settings: BoxSettings) -> bool:
    if len(a) != len(b):
        return False
    if not a:
        return True
    scores = iou_matrix([corners for corners, _ in a], [corners for corners, _ in b])
    for row, (_, label) in enumerate(a):
        for column, (_, other) in enumerate(b):
            if label != other or scores[row, column] < settings.match_iou - TOLERANCE:
                scores[row, column] = 0.0
    return len(best_matching(scores)) == len(a)
