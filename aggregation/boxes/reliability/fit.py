"""Learning a pool: who finds objects, who draws edges well, who names right; then how far the promises hold."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np

from aggregation.boxes.reliability import existence, naming
from aggregation.boxes.reliability.calibrate import AS_SAID, calibrate
from aggregation.boxes.reliability.cells import cells_of
from aggregation.boxes.reliability.judging import Judgement, discounted, judge, too_small
from aggregation.boxes.reliability.known import HIT, corners_of, with_truth
from aggregation.boxes.reliability.placing import fit_noise
from aggregation.boxes.reliability.sharing import Sharing
from aggregation.boxes.reliability.state import ReliabilityState
from aggregation.boxes.reliability.table import NOBODY, Table
from aggregation.boxes.reliability.tabulate import tabulate
from aggregation.boxes.settings import BoxSettings
from aggregation.core.answers import Box, ImageAnswers
from aggregation.core.arrays import Floats, Mask
from aggregation.core.cycles import no_search_for_cycles
from aggregation.core.errors import BadInput
from aggregation.core.geometry import best_matching, iou_matrix

Known = Mapping[str, Sequence[Box]]
Judged = Mapping[str, Sequence[Box] | None]

CLOSE = 0.75


def fit_reliability(
    images: Sequence[ImageAnswers],
    settings: BoxSettings | None = None,
    state: ReliabilityState | None = None,
    known: Known | None = None,
    *,
    sampled: Collection[str] | None = None,
    refuted: Collection[str] = (),
) -> ReliabilityState:
    """Return what the answers say of their authors, on top of what `state` knows from other images.

    `known` gives the true boxes of images with control tasks or reviews, by image; images that are not among `images`
    do not count. It fixes what is an object there and shows what everybody missed. `refuted` names images whose boxes
    a person found wrong without saying which are right.

    Both also calibrate the promises, but only images among `sampled` do: those that were judged because they were
    drawn at random, not because they were doubtful. None: all of them. With none of them judged the promises stay as
    they were. Giving the same images again counts them twice: refit a pool from the state of before. The order of
    images and answers changes no bit.

    Raises ValueError when an image comes twice.
    """
    chosen = settings or BoxSettings()
    with no_search_for_cycles():
        answered = tabulate(in_order(images), chosen).table
    learnt = fit_table(answered, chosen, state, known)
    judged = _judged(known or {}, refuted, sampled)
    return _calibrated(learnt, answered, chosen, judged).as_stored()


def _judged(known: Known, refuted: Collection[str], sampled: Collection[str] | None) -> Judged:
    """Return what calibrates, by image: the true boxes, or None where only a rejection is known."""
    judged = {**dict.fromkeys(refuted), **known}
    return judged if sampled is None else {name: boxes for name, boxes in judged.items() if name in sampled}


def in_order(images: Sequence[ImageAnswers]) -> list[ImageAnswers]:
    """Return the images sorted by name. Raises ValueError when an image comes twice."""
    ordered = sorted(images, key=lambda image: image.image)
    for first, second in pairwise(ordered):
        if first.image == second.image:
            raise BadInput(f"image {first.image!r}: given twice: expected each image once")
    return ordered


def fit_table(
    answered: Table, settings: BoxSettings, state: ReliabilityState | None = None, known: Known | None = None
) -> ReliabilityState:
    """Return what the groups of images in the order of their names say of people, with promises as they were."""
    before = state or ReliabilityState()
    return _learnt(_with_workers(with_truth(answered, known or {}), before), before, settings).as_stored()


def _with_workers(table: Table, before: ReliabilityState) -> Table:
    """Return the table with the workers of the state and its own."""
    workers = tuple(sorted({*before.workers, *table.workers}))
    row = {name: index for index, name in enumerate(workers)}
    at = np.array([row[name] for name in table.workers] + [NOBODY], np.intp)
    return replace(table, workers=workers, worker=at[table.worker])


def _learnt(table: Table, before: ReliabilityState, settings: BoxSettings) -> ReliabilityState:
    cells = cells_of(table, before.edges or None)
    finding, groups = existence.learn(table, cells.cell, before.finding.aligned(table.workers))
    exists = discounted(groups.objects)
    prior = before.naming.aligned(table.workers, table.labels)
    return replace(
        before,
        finding=finding,
        naming=naming.learn(table, exists, prior, settings.label_count),
        noise=fit_noise(table, exists, before.noise),
        edges=cells.edges,
        sharing=before.sharing.plus(Sharing.of(table)),
    )


def _calibrated(state: ReliabilityState, table: Table, settings: BoxSettings, judged: Judged) -> ReliabilityState:
    """Return the state with its promises held against the judged images; without any they stay as they were."""
    rows = [row for row, name in enumerate(table.images) if name in judged]
    if not rows:
        return state
    bare = replace(state, box=AS_SAID, box_75=AS_SAID, image=AS_SAID)
    said = judge(table, bare, settings)
    is_small = partial(too_small, state=bare, settings=settings)
    boxes: list[tuple[float, float, bool, bool]] = []
    images: list[tuple[float, bool]] = []
    for row in rows:
        truth = judged[table.images[row]]
        found, whole = ([], False) if truth is None else _held(table, said, row, truth, is_small)
        boxes += found
        images.append((float(said.image[row]), whole))
    chance, chance_75, right, right_75 = zip(*boxes, strict=True) if boxes else ((), (), (), ())
    return replace(
        bare,
        box=calibrate(chance, right),
        box_75=calibrate(chance_75, right_75),
        image=calibrate([chance for chance, _ in images], [whole for _, whole in images]),
    )


def _held(
    table: Table, said: Judgement, row: int, truth: Sequence[Box], is_small: Callable[[Floats], Mask]
) -> tuple[list[tuple[float, float, bool, bool]], bool]:
    """Return what was said of each kept box and whether it was right, and whether the whole image was.

    What is too small to count is left out on both sides, unless it meets something large enough.
    """
    groups = np.flatnonzero((table.image == row) & said.groups.kept)
    places, names = said.groups.placed.corners[groups], [table.labels[index] for index in said.groups.label[groups]]
    objects = np.array([corners_of(box) for box in truth]).reshape(-1, 4)
    overlaps = iou_matrix(places, objects)
    home = dict(best_matching(overlaps))
    tiny, distant = is_small(places).tolist(), is_small(objects).tolist()
    boxes, met, wrong = [], set(), 0
    for index, group in enumerate(groups.tolist()):
        at = home.get(index)
        overlap = 0.0 if at is None else float(overlaps[index, at])
        if tiny[index] and (at is None or overlap < HIT or distant[at]):
            continue
        right = at is not None and overlap >= HIT and truth[at].label == names[index]
        chances = float(said.confidence[group]), float(said.confidence_75[group])
        boxes.append((*chances, right, overlap >= CLOSE))
        met |= {at} if right else set()
        wrong += not right
    missed = [at for at in range(len(truth)) if at not in met and not distant[at]]
    return boxes, not wrong and not missed
