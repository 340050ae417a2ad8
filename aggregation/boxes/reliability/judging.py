"""What the model says of every group of a table: is it an object, where, with which label, how sure."""

from dataclasses import dataclass, replace

import numpy as np

from aggregation.boxes.reliability.cells import cells_of
from aggregation.boxes.reliability.existence import expect
from aggregation.boxes.reliability.naming import name_groups
from aggregation.boxes.reliability.placing import Placed, place
from aggregation.boxes.reliability.sharing import sides_of
from aggregation.boxes.reliability.state import STRANGER, ReliabilityState
from aggregation.boxes.reliability.table import NOBODY, Table
from aggregation.boxes.settings import BoxSettings
from aggregation.core.arrays import Floats, Indices, Mask
from aggregation.core.geometry import TOLERANCE

# Answers to one image share its light, its crop and its difficulty, so their evidence is worth less than if they were
# independent. Log-odds against truth had slopes of .43 to .47 on a real and of .60 to .88 on a synthetic crowd, on two
# halves of each, with 3 and with 5 answers; two thirds is a round number between. No decision changes by it.
DISCOUNT = 2 / 3
HARDLY = 0.25  # weight below which a candidate is called too small to count
NEVER_SURER = 0.98  # of an image on which nobody drew anything: that it is empty is only what nobody contradicted


@dataclass(frozen=True, slots=True)
class Groups:
    """Chances of G groups by themselves."""

    exists: Floats  # (G,) chance that the group is an object
    kept: Mask  # (G,)
    label: Indices  # (G,) the most probable label, index into the table's
    named: Floats  # (G,) its chance
    placed: Placed
    weight: Floats  # (G,) how much a doubt about it counts over the image


@dataclass(frozen=True, slots=True)
class Judgement:
    """Promises about G groups and N images, calibrated where the state can."""

    groups: Groups
    missed: Floats  # (N,) expected number of objects nobody drew
    confidence: Floats  # (G,) object, place at IoU .5 and label right
    confidence_75: Floats  # (G,) object and place at IoU .75 right
    found: Floats  # (N,) chance that all objects are found and nothing else
    labelled: Floats  # (N,) chance that the labels of the kept boxes are right
    edged: Floats  # (N,) chance that the kept boxes meet their objects at IoU .5
    image: Floats  # (N,) chance that the whole image is right
    loss: Floats  # (N,) expected number of wrong boxes and missed objects


def judge(table: Table, state: ReliabilityState, settings: BoxSettings) -> Judgement:
    """Return what `state` says of the groups; every image is judged by its own answers alone."""
    known = _of_known_workers(table, state)
    finding = state.finding.aligned(known.workers)
    existence = expect(known, cells_of(known, state.edges).cell, finding)
    exists = discounted(existence.objects)
    names = name_groups(known, state.naming.aligned(known.workers, ()), settings.label_count)
    placed = place(known, state.noise.aligned(known.workers))
    label = _most_probable(known, names, placed)
    named = names[np.arange(len(label)), label] if len(label) else np.zeros(0)
    groups = Groups(exists, exists > 0.5, label, named, placed, _weights(placed.corners, state, settings))
    return _promises(known, groups, existence.missed, state)


def discounted(chances: Floats) -> Floats:
    """Return chances whose log-odds count by DISCOUNT; certainty stays."""
    inside = (chances > 0) & (chances < 1)
    safe = np.where(inside, chances, 0.5)
    return np.where(inside, 1 / (1 + ((1 - safe) / safe) ** DISCOUNT), chances)


def _weights(corners: Floats, state: ReliabilityState, settings: BoxSettings) -> Floats:
    """Return how much boxes of such sizes decide over an image, for this crowd and this task; (n, 4) gives (n,)."""
    narrow = corners[:, 2] - corners[:, 0] <= settings.ignore_px
    return np.where(narrow, 0.0, state.sharing.weights(sides_of(corners)))


def too_small(corners: Floats, state: ReliabilityState, settings: BoxSettings) -> Mask:
    """Tell which boxes hardly decide over an image: not half as many people share them as large ones."""
    return np.asarray(_weights(corners, state, settings) < HARDLY)


def _of_known_workers(table: Table, state: ReliabilityState) -> Table:
    """Return the table with everybody the state does not know as one stranger: nothing depends on who else is there."""
    workers = tuple(sorted({*state.workers, STRANGER}))
    row = {name: index for index, name in enumerate(workers)}
    at = np.array([row.get(name, row[STRANGER]) for name in table.workers] + [NOBODY], np.intp)
    return replace(table, workers=workers, worker=at[table.worker])


def _most_probable(table: Table, names: Floats, placed: Placed) -> Indices:
    """Return the label of each group among those said; of equals the one whose boxes count most for the place."""
    if names.shape[1] == 0:
        return np.zeros(len(names), np.intp)
    said = np.zeros((len(names), names.shape[1] + 1), bool)
    said[np.arange(len(names))[:, None], table.label] = True  # the last column takes what is not drawn
    names = np.where(said[:, :-1], names, -1.0)
    best = names.argmax(axis=1)
    tied = said[:, :-1] & (names >= names.max(axis=1, keepdims=True) - TOLERANCE)
    for group in np.flatnonzero(tied.sum(axis=1) > 1).tolist():
        weight = {
            index: placed.weights[group][table.label[group] == index].sum() for index in np.flatnonzero(tied[group])
        }
        most = max(weight.values())
        best[group] = min(index for index, value in weight.items() if value >= most - TOLERANCE)
    return np.asarray(best)


def _promises(table: Table, groups: Groups, missed: Floats, state: ReliabilityState) -> Judgement:
    kept, count = groups.kept, len(table.images)
    right = state.box(groups.exists * groups.named * groups.placed.p50)
    found = _product(table, groups, np.where(kept, groups.exists, 1 - groups.exists)) * np.exp(-missed)
    labelled = _product(table, groups, np.where(kept, groups.named, 1.0))
    edged = _product(table, groups, np.where(kept, groups.placed.p50, 1.0))
    wrong = groups.weight * np.where(kept, 1 - right, groups.exists)
    nothing = np.bincount(table.image, minlength=count) == 0
    image = state.image(found * labelled * edged)
    return Judgement(
        groups=groups,
        missed=missed,
        confidence=right,
        confidence_75=state.box_75(groups.exists * groups.placed.p75),
        found=found,
        labelled=labelled,
        edged=edged,
        image=np.where(nothing, np.minimum(image, NEVER_SURER), image),
        loss=missed + np.bincount(table.image, wrong, count),
    )


def _product(table: Table, groups: Groups, chances: Floats) -> Floats:
    """Return the product of the groups' chances by image, each by its weight, (N,)."""
    logs = np.log(np.maximum(1 - groups.weight * (1 - chances), np.finfo(float).tiny))
    return np.asarray(np.exp(np.bincount(table.image, logs, len(table.images))))
