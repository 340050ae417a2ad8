"""From what the model says of many images to one consensus each; every image depends on its own answers alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress, pairwise

import numpy as np

from aggregation.boxes.cleaning import clean, dropping
from aggregation.boxes.hard import examine
from aggregation.boxes.reliability.closeness import Closeness, closeness_of
from aggregation.boxes.reliability.judging import HARDLY, Judgement, judge
from aggregation.boxes.reliability.state import ReliabilityState
from aggregation.boxes.reliability.table import NOBODY
from aggregation.boxes.reliability.tabulate import Candidates, tabulate
from aggregation.boxes.reliability.words import Found, Left, Questions, Scene, changes, doubt, summary, weights
from aggregation.boxes.result import common_flags
from aggregation.boxes.settings import BoxSettings
from aggregation.boxes.sheet import counted, preparation, prepare
from aggregation.core.answers import Consensus, ConsensusBox, ImageAnswers, TraceStep, reading_order
from aggregation.core.arrays import Indices
from aggregation.core.cycles import no_search_for_cycles

NAME = "reliability"
TOGETHER = 2048  # images: their arrays stay in the cache
SAME_X = 0.002  # pixels; the output has 3 decimals

NOTHING_KNOWN = ReliabilityState()


def agree(image: ImageAnswers, settings: BoxSettings) -> Consensus:
    """Combine the answers to one image when nothing is known of anybody."""
    return resolve_reliability([image], NOTHING_KNOWN, settings)[0]


def resolve_reliability(
    images: Sequence[ImageAnswers], state: ReliabilityState, settings: BoxSettings | None = None
) -> list[Consensus]:
    """Return the consensus of every image, in the order given, by what `state` knows of the annotators.

    Pure: a result depends on the answers to its own image, on the state and on the settings. Coordinates in pixels,
    origin top left. `hard` when everybody agrees as they are, `soft` when the confidence of the image reaches
    `accept`, else `drop`.
    """
    chosen = settings or BoxSettings()
    notes = weights(state)
    results: list[Consensus] = []
    with no_search_for_cycles():
        for start in range(0, len(images), TOGETHER):
            some = images[start : start + TOGETHER]
            results += _Page(some, tabulate(some, chosen), state, chosen, notes).results()
    return results


def resolve_candidates(
    images: Sequence[ImageAnswers], candidates: Candidates, state: ReliabilityState, settings: BoxSettings
) -> list[Consensus]:
    """Return what `resolve_reliability` makes of images whose boxes are grouped already."""
    return _Page(images, candidates, state, settings, weights(state)).results()


@dataclass(frozen=True, slots=True)
class _Columns:
    """Groups as lists: reading single numbers from arrays would cost more than computing them."""

    kept: list[bool]
    small: list[bool]
    label: list[str]
    corners: list[list[float]]
    exists: list[float]
    confidence: list[float]
    confidence_75: list[float]
    support: list[tuple[str, ...]]
    slots: list[list[int]]


class _Page:
    """Some images, resolved together."""

    def __init__(
        self,
        images: Sequence[ImageAnswers],
        candidates: Candidates,
        state: ReliabilityState,
        settings: BoxSettings,
        notes: dict[str, tuple[TraceStep, ...]],
    ) -> None:
        self._images, self._settings, self._notes = images, settings, notes
        self._candidates = candidates
        self._said = judge(self._candidates.table, state, settings)
        self._close: Closeness = closeness_of(self._candidates.table, settings)
        self._six = Questions(self._close, settings)
        self._columns = _columns(self._candidates, self._said)

    def results(self) -> list[Consensus]:
        flat, table = self._candidates.flat, self._candidates.table
        answers, groups = flat.answer_offsets().tolist(), np.searchsorted(table.image, np.arange(len(table.images) + 1))
        drawn = np.bincount(flat.owner, minlength=len(flat.answers)).tolist()
        valid = (~flat.aside).tolist()
        odd = self._odd().tolist()
        bounds = groups.tolist()
        touched = np.zeros(len(table.images), bool)
        touched[flat.of[flat.owner[flat.flipped | flat.clipped]]] = True
        moved = touched.tolist()
        results = []
        for row, image in enumerate(self._images):
            mine = slice(answers[row], answers[row + 1])
            given = flat.answers[mine]
            names = tuple([answer.annotator for answer in given])
            voters = tuple(compress(names, valid[mine])) if odd[row] else names
            scene = Scene(image, given, names, voters, drawn[mine], range(bounds[row], bounds[row + 1]), odd[row])
            notes = tuple(preparation(scene.answers, image)) if moved[row] else ()
            results.append(self._result(row, scene, notes))
        return results

    def _odd(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Tell which images have slips: dots, boxes drawn twice, answers that are no vote; (N,)."""
        flat, table = self._candidates.flat, self._candidates.table
        odd = np.zeros(len(table.images), bool)
        odd[flat.of[flat.aside]] = True
        used = np.zeros(len(flat.owner), bool)
        used[self._candidates.box[self._candidates.box != NOBODY]] = True
        odd[flat.of[flat.owner[~used]]] = True
        return odd

    def _result(self, row: int, scene: Scene, notes: tuple[TraceStep, ...]) -> Consensus:
        asked, slips = self._questions(scene)
        steps = [*notes, *asked, *slips]
        voters = len(scene.voters)
        found, left = self._found(scene), self._left(scene)
        if voters < self._settings.min_answers:
            few = f"{counted(voters, 'valid answer', 'valid answers')}, at least {self._settings.min_answers} needed"
            return self._dropped(row, scene, [*steps, dropping("few", few)], 0.0)
        if self._notes:
            steps += [step for name in scene.voters for step in self._notes.get(name, ())]
        whole, confidence = asked[-1].ok and not left, float(self._said.image[row])
        dropped = not whole and confidence < self._settings.accept
        steps += changes(scene, found, left, dropped=dropped)
        small = self._columns.small[scene.groups.start : scene.groups.stop]
        steps.append(summary(self._said, row, small.count(True)))
        if dropped:
            return self._dropped(row, scene, [*steps, doubt(self._said, row, self._settings)], confidence)
        return self._agreed(row, scene, steps, found, status="hard" if whole else "soft")

    def _questions(self, scene: Scene) -> tuple[tuple[TraceStep, ...], tuple[TraceStep, ...]]:
        if not scene.odd:
            return self._six.ask(scene), ()
        sheet = prepare(scene.image, self._settings)
        return examine(sheet, self._settings).steps, clean(sheet, self._settings).steps

    def _found(self, scene: Scene) -> list[Found]:
        columns = self._columns
        found = []
        for group in scene.groups:
            if columns.kept[group]:
                x1, y1, x2, y2 = columns.corners[group]
                box = ConsensusBox(
                    x1,
                    y1,
                    x2 - x1,
                    y2 - y1,
                    columns.label[group],
                    columns.confidence[group],
                    columns.confidence_75[group],
                    columns.support[group],
                )
                found.append(Found(box, columns.exists[group], self._drawn(group)))
        if _crowded(found):
            _sort(found)
        return found

    def _drawn(self, group: int) -> list[tuple[str, str, list[float]]]:
        """Return annotator, label and corners of each box of a group that does not say what was agreed."""
        if not self._close.mixed[group]:
            return []
        flat = self._candidates.flat
        boxes = [box for box in self._columns.slots[group] if box != NOBODY]
        return [
            (flat.answers[flat.owner[box]].annotator, flat.labels[flat.label[box]], flat.corners[box].tolist())
            for box in boxes
        ]

    def _left(self, scene: Scene) -> list[Left]:
        columns = self._columns
        return [
            Left(columns.label[group], columns.corners[group], columns.support[group], columns.exists[group])
            for group in scene.groups
            if not columns.kept[group]
        ]

    def _agreed(
        self, row: int, scene: Scene, steps: Sequence[TraceStep], found: Sequence[Found], *, status: str
    ) -> Consensus:
        settings = self._settings
        more = status == "soft" and settings.buy_when == "not_hard" and len(scene.answers) < settings.max_answers
        flags = [answer.flags for answer in scene.answers if answer.annotator in scene.voters]
        return Consensus(
            image=scene.image.image,
            status=status,
            boxes=tuple(item.box for item in found),
            used=scene.voters,
            dropped=tuple([name for name in scene.names if name not in scene.voters]) if scene.odd else (),
            trace=tuple(steps),
            next="buy" if more else "none",
            confidence=float(self._said.image[row]),
            lowest_iou=self._lowest(scene),
            flags=common_flags(flags, settings) if any(flags) else (),
            method=NAME,
            expected_loss=float(self._said.loss[row]),
        )

    def _dropped(self, row: int, scene: Scene, steps: Sequence[TraceStep], confidence: float) -> Consensus:
        return Consensus(
            image=scene.image.image,
            status="drop",
            boxes=(),
            used=(),
            dropped=scene.names,
            trace=tuple(steps),
            next="buy" if len(scene.answers) < self._settings.max_answers else "review",
            confidence=confidence,
            lowest_iou=self._lowest(scene),
            flags=(),
            method=NAME,
            expected_loss=float(self._said.loss[row]),
        )

    def _lowest(self, scene: Scene) -> float | None:
        lowest = [value for group in scene.groups if (value := self._close.lowest[group]) is not None]
        return min(lowest, default=None)


def _sort(found: list[Found]) -> None:
    """Sort by the output's order; rounding matters only where two boxes begin almost at one x."""
    found.sort(key=lambda item: item.box.x)
    if _crowded(found):
        found.sort(key=lambda item: reading_order(item.box.corners, item.box.label))


def _crowded(found: Sequence[Found]) -> bool:
    return any(second.box.x - first.box.x < SAME_X for first, second in pairwise(found))


def _columns(candidates: Candidates, said: Judgement) -> _Columns:
    groups, table = said.groups, candidates.table
    by: Indices = np.where(table.drawn, table.by, NOBODY)
    names = (*table.workers, "")
    return _Columns(
        kept=groups.kept.tolist(),
        small=(groups.weight < HARDLY).tolist(),
        label=[table.labels[index] for index in groups.label.tolist()],
        corners=groups.placed.corners.tolist(),
        exists=groups.exists.tolist(),
        confidence=said.confidence.tolist(),
        confidence_75=said.confidence_75.tolist(),
        support=[tuple([names[who] for who in row if who != NOBODY]) for row in by.tolist()],
        slots=candidates.box.tolist(),
    )
