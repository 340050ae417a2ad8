"""The trace in sentences a reviewer understands."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log

from aggregation.boxes.cleaning import dropping
from aggregation.boxes.hard import (
    EQUAL_LABELS,
    answer,
    clean_step,
    close_enough,
    count_step,
    enough_step,
    equal_counts,
    groups_step,
    iou_step,
)
from aggregation.boxes.reliability.closeness import Closeness
from aggregation.boxes.reliability.judging import Judgement
from aggregation.boxes.reliability.state import ReliabilityState
from aggregation.boxes.settings import BoxSettings
from aggregation.boxes.sheet import counted
from aggregation.core.answers import BoxAnswer, ConsensusBox, ImageAnswers, TraceStep
from aggregation.core.geometry import TOLERANCE, iou_of

NEWCOMER_FINDS, NEWCOMER_NAMES = 0.85, 0.8
WORTH_SAYING = 0.7  # a weight below this is named
SHOWN = 5.0  # objects or labels before anything is said about anybody


@dataclass(frozen=True, slots=True)
class Scene:
    """One image's answers sorted by annotator, who may vote, how many boxes each answer has, and the groups."""

    image: ImageAnswers
    answers: Sequence[BoxAnswer]
    names: tuple[str, ...]
    voters: tuple[str, ...]
    counts: Sequence[int]
    groups: range
    odd: bool  # somebody slipped


@dataclass(frozen=True, slots=True)
class Found:
    """A box of the result, the chance that it is an object and, where labels differ, who said what where."""

    box: ConsensusBox
    exists: float
    drawn: Sequence[tuple[str, str, Sequence[float]]]


@dataclass(frozen=True, slots=True)
class Left:
    """A group that is probably no object."""

    label: str
    corners: Sequence[float]
    support: tuple[str, ...]
    exists: float


def weights(state: ReliabilityState) -> dict[str, tuple[TraceStep, ...]]:
    """Return what is worth saying of each worker, next to a newcomer's weight of 1."""
    said = {name: tuple(_weights(state, row, name)) for row, name in enumerate(state.workers)}
    return {name: steps for name, steps in said.items() if steps}


def _weights(state: ReliabilityState, row: int, name: str) -> list[TraceStep]:
    finding, naming = state.finding, state.naming
    objects, drawn = float(finding.objects[row]), float(finding.drawn[row])
    finds = (drawn + 10 * NEWCOMER_FINDS) / (objects + 10)
    weight = log(1 - finds) / log(1 - NEWCOMER_FINDS)
    steps = []
    if objects >= SHOWN and weight < WORTH_SAYING:
        missed = f"missed {max(objects - drawn, 0):.0f} of {objects:.0f} objects"
        steps.append(_weight(name, weight, "finding", missed))
    accuracy, votes = float(naming.accuracy[row]), float(naming.votes[row])
    weight = log(accuracy / (1 - accuracy)) / log(NEWCOMER_NAMES / (1 - NEWCOMER_NAMES))
    if votes >= SHOWN and weight < WORTH_SAYING:
        steps.append(_weight(name, weight, "naming", f"{float(naming.right[row]):.0f} of {votes:.0f} labels right"))
    return steps


def _weight(name: str, weight: float, skill: str, why: str) -> TraceStep:
    text = f"reliability.weight: {name} weighs {weight:.1f} in {skill}: {why}"
    return TraceStep("reliability.weight", ok=True, text=text, data={"worker": name, "skill": skill, "weight": weight})


class Questions:
    """The six questions of images without slips; answers that many images share are worded once."""

    def __init__(self, close: Closeness, settings: BoxSettings) -> None:
        self._close, self._settings = close, settings
        self._near = close_enough(settings)
        self._clean = clean_step(0, 0, ())
        self._enough: dict[int, TraceStep] = {}
        self._full: dict[tuple[int, ...], TraceStep] = {}
        self._equal: dict[tuple[int, int], Callable[[Sequence[str]], TraceStep]] = {}

    def ask(self, scene: Scene) -> tuple[TraceStep, ...]:
        """Return the answers up to the first no."""
        steps = []
        for question in (self._is_enough, self._counts, self._groups, self._labels, self._iou):
            steps.append(question(scene))
            if not steps[-1].ok:
                return tuple(steps)
        return (*steps, self._clean)

    def _is_enough(self, scene: Scene) -> TraceStep:
        given = len(scene.names)
        if given not in self._enough:
            self._enough[given] = enough_step(given, self._settings)
        return self._enough[given]

    def _counts(self, scene: Scene) -> TraceStep:
        given, boxes = len(scene.names), max(scene.counts, default=0)
        if min(scene.counts, default=0) != boxes:
            return count_step(scene.names, scene.counts)
        if (given, boxes) not in self._equal:
            self._equal[given, boxes] = equal_counts(given, boxes)
        return self._equal[given, boxes](scene.names)

    def _groups(self, scene: Scene) -> TraceStep:
        everybody = len(scene.names)
        sizes = tuple(self._close.sizes[scene.groups.start : scene.groups.stop])
        if (everybody, *sizes) not in self._full:
            self._full[everybody, *sizes] = groups_step(sizes, everybody)
        return self._full[everybody, *sizes]

    def _labels(self, scene: Scene) -> TraceStep:
        mixed = sum(self._close.mixed[scene.groups.start : scene.groups.stop])
        return _labels_differ(mixed) if mixed else EQUAL_LABELS

    def _iou(self, scene: Scene) -> TraceStep:
        asked = [value for group in scene.groups if (value := self._close.asked[group]) is not None]
        worst = min(asked, default=None)
        if worst is None or worst < self._settings.iou - TOLERANCE:
            return iou_step("hard.iou", worst, self._settings)
        return self._near(worst)


def _labels_differ(groups: int) -> TraceStep:
    return answer(
        "hard.labels", f"labels differ in {counted(groups, 'group', 'groups')}", ok=False, data={"groups": groups}
    )


def changes(scene: Scene, found: Sequence[Found], left: Sequence[Left], *, dropped: bool) -> list[TraceStep]:
    """Say what is kept that not everybody drew, what is left out, and which labels were changed.

    Of a dropped image nothing is kept: there it says what would be.
    """
    voters = scene.voters
    steps = [_left_out(item, dropped=dropped) for item in left]
    missed: list[str] = []
    for number, item in enumerate(found, start=1):
        if len(item.box.support) < len(voters):
            steps.append(_kept(number, item, len(voters), dropped=dropped))
            missed += [name for name in voters if name not in item.box.support]
        if item.drawn:
            steps += _relabelled(number, item, dropped=dropped)
    if missed:
        missing = Counter(missed)
        said = ", ".join(f"{counted(count, 'box', 'boxes')} for {name}" for name, count in sorted(missing.items()))
        text = f"soft.missing: {'would add' if dropped else 'added'} {said}"
        steps.append(TraceStep("soft.missing", ok=True, text=text, data=dict(missing)))
    return steps


def _left_out(item: Left, *, dropped: bool) -> TraceStep:
    words = f"{'would leave' if dropped else 'left'} out {_which(item.label, item.corners)} by {' '.join(item.support)}"
    text = f"soft.outliers: {words}: an object with a chance of {item.exists:.2f}"
    return TraceStep("soft.outliers", ok=True, text=text, data={"annotators": item.support, "chance": item.exists})


def _kept(number: int, item: Found, voters: int, *, dropped: bool) -> TraceStep:
    support = item.box.support
    words = f"kept box {number}, drawn by {len(support)} of {voters}"
    if dropped:
        which = _which(item.box.label, item.box.corners)
        words = f"would keep {which} by {' '.join(support)}, {len(support)} of {voters}"
    text = f"soft.existence: {words}: an object with a chance of {item.exists:.2f}"
    return TraceStep("soft.existence", ok=True, text=text, data={"box": number, "chance": item.exists})


def _relabelled(number: int, item: Found, *, dropped: bool) -> list[TraceStep]:
    votes = Counter(label for _, label, _ in item.drawn)
    agreed = item.box.label
    change = "would change" if dropped else f"label of box {number} changed from"
    steps = []
    for name, label, (x1, y1, x2, y2) in item.drawn:
        if label != agreed:
            overlap = iou_of((x1, y1, x2, y2), item.box.corners)
            words = f"{change} {name}'s '{label}' to '{agreed}' by {votes[agreed]} to {votes[label]}"
            text = f"soft.labels: {words}; IoU {overlap:.2f}"
            steps.append(TraceStep("soft.labels", ok=True, text=text, data={"box": number, "worker": name}))
    return steps


def _which(label: str, corners: Sequence[float]) -> str:
    x1, y1, x2, y2 = corners
    return f"{label} at {x1:.0f},{y1:.0f} {x2 - x1:.0f}x{y2 - y1:.0f}"


def summary(said: Judgement, row: int, small: int) -> TraceStep:
    """Say of what the confidence of the image is made, and how many groups are too small to count in it."""
    image, missed, parts = float(said.image[row]), float(said.missed[row]), dict(_parts(said, row))
    made = "objects {objects:.2f}, labels {labels:.2f}, places {places:.2f}".format_map(parts)
    text = f"reliability.confidence: {image:.2f} from {made}"
    if small:
        text += f"; {counted(small, 'candidate', 'candidates')} too small to count"
    data = {"confidence": image, "missed": missed, **parts}
    return TraceStep("reliability.confidence", ok=True, text=text, data=data)


def _parts(said: Judgement, row: int) -> list[tuple[str, float]]:
    return [
        ("objects", float(said.found[row])),
        ("labels", float(said.labelled[row])),
        ("places", float(said.edged[row])),
    ]


_REASONS = {"objects": "existence", "labels": "label", "places": "iou"}
_WORDS = {"objects": "what is there", "labels": "labels", "places": "where the boxes lie"}


def doubt(said: Judgement, row: int, settings: BoxSettings) -> TraceStep:
    """Name what makes the image least sure."""
    worst = min(_parts(said, row), key=lambda part: part[1])[0]
    words = f"confidence {float(said.image[row]):.2f}, at least {settings.accept:g} needed"
    return dropping(_REASONS[worst], f"{words}; least sure: {_WORDS[worst]}")
