"""From answers to the padded table of groups: candidates for objects, each annotator at most once in a group."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from aggregation.boxes.cleaning import clean
from aggregation.boxes.groups import group_boxes
from aggregation.boxes.reliability.flat import Flat, flatten
from aggregation.boxes.reliability.linkage import Pile, iou, link
from aggregation.boxes.reliability.table import NOBODY, Table, pairs_within
from aggregation.boxes.settings import BoxSettings
from aggregation.boxes.sheet import prepare
from aggregation.core.answers import ImageAnswers
from aggregation.core.arrays import Floats, Indices, Mask
from aggregation.core.geometry import TOLERANCE

PAIRS = 100_000  # of boxes linked at once: they stay in the cache
MOST_BOXES = 64  # of an image for linking at once; the general rule looks at close pairs alone and is faster beyond
CANDIDATE = 0.8  # of match_iou: a candidate may be looser than an agreed group, the model judges it


@dataclass(frozen=True, slots=True)
class Candidates:
    """The table, the answers it was made of, and which of their boxes stands where."""

    flat: Flat
    table: Table
    box: Indices  # (G, A) index into the flat boxes, NOBODY where not drawn
    slot: Indices  # (M,) slot of each answer, NOBODY for those set aside


def tabulate(images: Sequence[ImageAnswers], settings: BoxSettings) -> Candidates:
    """Return the groups of all images, those of an image in the order of their first box."""
    loose = replace(settings, match_iou=CANDIDATE * settings.match_iou)
    flat = flatten(images, settings)
    first = _clusters(flat, loose)
    slot = _slots(flat)
    candidates = _assemble(flat, slot, first)
    unsettled = _unsettled(candidates, loose)
    if unsettled.any():
        for row in np.flatnonzero(unsettled).tolist():
            _regroup(images[row], flat, first, row, loose)
        candidates = _assemble(flat, slot, first)
    return candidates


def _clusters(flat: Flat, settings: BoxSettings) -> Indices:
    """Return the first box of each box's group, NOBODY for boxes that were set aside; shape (B,)."""
    first = np.full(len(flat.owner), NOBODY)
    solid = np.flatnonzero(flat.solid)
    rows = flat.of[flat.owner[solid]]
    sizes = np.bincount(rows, minlength=len(flat.images))
    starts = np.cumsum(sizes) - sizes
    for size in np.unique(sizes[(sizes > 0) & (sizes <= MOST_BOXES)]).tolist():
        alike = np.flatnonzero(sizes == size)
        together = 1 + PAIRS // size**2
        for begin in range(0, len(alike), together):
            part = solid[starts[alike[begin : begin + together], None] + np.arange(size)]
            _link_part(flat, part, first, settings)
    return first


def _link_part(flat: Flat, part: Indices, first: Indices, settings: BoxSettings) -> None:
    pile = Pile(flat.corners[part], flat.owner[part], flat.label[part])
    overlaps = pile.overlaps()
    found = link(pile, overlaps, settings.match_iou, settings.label_bonus)
    first[part] = np.take_along_axis(part, found, axis=1)
    first[part[_drawn_twice(pile, overlaps, settings)]] = NOBODY


def _drawn_twice(pile: Pile, overlaps: Floats, settings: BoxSettings) -> Mask:
    """Tell which images have a box that its annotator drew twice; shape (n,)."""
    same = (pile.owner[:, :, None] == pile.owner[:, None]) & (pile.label[:, :, None] == pile.label[:, None])
    twice = np.triu(same, 1) & (overlaps >= settings.duplicate_iou - TOLERANCE)
    return np.asarray(twice.any(axis=(1, 2)))


def _slots(flat: Flat) -> Indices:
    """Return the place of each answer among those of its image that may count."""
    valid = ~flat.aside
    before: Indices = np.cumsum(valid) - valid
    start: Indices = before[np.minimum(flat.answer_offsets()[flat.of], len(valid) - 1)] if len(valid) else before
    return np.where(valid, before - start, NOBODY)


def _assemble(flat: Flat, slot: Indices, first: Indices) -> Candidates:
    kept = np.flatnonzero(first != NOBODY)
    starts, group = np.unique(first[kept], return_inverse=True)
    width = int(slot.max(initial=0)) + 1
    box = np.full((len(starts), width), NOBODY)
    box[group, slot[flat.owner[kept]]] = kept
    drawn = box != NOBODY
    corners, label = np.zeros((*box.shape, 4)), np.full(box.shape, NOBODY)
    corners[drawn], label[drawn] = flat.corners[box[drawn]], flat.label[box[drawn]]
    workers, worker = _workers(flat, slot, width)
    unknown = np.full(len(starts), np.nan)
    table = Table(
        images=flat.images,
        workers=workers,
        labels=flat.labels,
        frame=flat.frame,
        worker=worker,
        image=flat.of[flat.owner[starts]],
        corners=corners,
        label=label,
        truth=np.full((len(starts), 4), np.nan),
        real=unknown,
        true_label=np.full(len(starts), NOBODY),
    )
    return Candidates(flat, table, box, slot)


def _workers(flat: Flat, slot: Indices, width: int) -> tuple[tuple[str, ...], Indices]:
    valid = np.flatnonzero(slot != NOBODY)
    names = [flat.answers[index].annotator for index in valid.tolist()]
    workers = tuple(sorted(set(names)))
    number = {name: index for index, name in enumerate(workers)}
    worker = np.full((len(flat.images), width), NOBODY)
    worker[flat.of[valid], slot[valid]] = [number[name] for name in names]
    return workers, worker


def _unsettled(candidates: Candidates, settings: BoxSettings) -> Mask:
    """Tell for which images linkage alone does not decide, so that the general rule must; shape (N,).

    Those with a box drawn twice or very many boxes, and those where somebody with several boxes has one that lies too
    far from the others of its group or near enough to another group.
    """
    flat, table = candidates.flat, candidates.table
    rows = flat.of[flat.owner]
    unsettled = np.zeros(len(flat.images), bool)
    lost = flat.solid.copy()
    lost[candidates.box[candidates.box != NOBODY]] = False
    unsettled[rows[lost]] = True
    group, slot = np.nonzero(table.drawn & _busy(table))
    if len(group) == 0:
        return unsettled
    near, mine, at = pairs_within(table, group)
    centres = _medians_without(table)
    member = slot[mine]
    overlap = iou(table.corners[group[mine], member], centres[near, member])
    alone = table.drawn.sum(axis=1)[near] == table.drawn[near, member]
    close = ~alone & (overlap >= settings.match_iou - TOLERANCE)
    wrong = np.where(at, ~close & ~alone, close)
    unsettled[table.image[near[wrong]]] = True
    return unsettled


def _busy(table: Table) -> Mask:
    """Tell which slots of each group belong to somebody with several boxes in the image; shape (G, A)."""
    boxes = np.zeros(table.worker.shape)
    np.add.at(boxes, table.image, table.drawn)
    return np.asarray(boxes[table.image] > 1)


def _medians_without(table: Table) -> Floats:
    """Return each group's median box without the box of each slot, shape (G, A, 4)."""
    slots = table.worker.shape[1]
    return np.stack([medians(table.corners, table.drawn & (np.arange(slots) != slot)) for slot in range(slots)], axis=1)


def medians(corners: Floats, chosen: Mask) -> Floats:
    """Return the median of each coordinate over the chosen slots: (G, A, 4) and (G, A) give (G, 4), 0 for none."""
    count = chosen.sum(axis=1)
    ordered = np.sort(np.where(chosen[..., None], corners, np.inf), axis=1)
    ordered[count == 0] = 0.0
    rows = np.arange(len(corners))
    return np.asarray((ordered[rows, np.maximum(count - 1, 0) // 2] + ordered[rows, count // 2]) / 2)


def _regroup(image: ImageAnswers, flat: Flat, first: Indices, row: int, settings: BoxSettings) -> None:
    begin, end = np.searchsorted(flat.of[flat.owner], (row, row + 1)).tolist()
    sheet = prepare(image, settings)
    first[begin:end] = NOBODY
    for members in group_boxes(sheet, clean(sheet, settings).boxes, settings):
        first[begin + np.array(members)] = begin + members[0]
