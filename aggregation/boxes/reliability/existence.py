"""Which groups of boxes are objects, and who finds objects: expectation maximisation over a pool.

A group is one of four things. A *plain object* is drawn by worker w with the chance σ(a_w + d_c), where d_c says how
easily objects of the group's cell (size, lie) are seen. A *hard object* is overlooked by all together: the same with
a_w + d_c − HARDER. A *lure* (a poster, a reflection) is drawn by everybody with the chance LURED. A *stray* box is one
worker's own and has no company: people do not invent the same thing at the same place by chance. Objects and lures
come at a rate per image and cell, strays at a rate per answer and worker, so that the same rates say how many
objects nobody has drawn.

Answers cannot tell hard objects from lures: their joint rate is learnt, the share of objects in it is a constant.
HARDER, LURED and OBJECTS are set from the wish that two of five who agree be right in about one case of three and
three of five in about three of four, as in published crowds, with values between 1.5 and 2.5, .2 and .4, .3 and .7
tried on two halves by a hash of the image: no choice among them moves either half by more than two images, so the
round middle values stayed.

Source: Dawid and Skene, 1979, for learning people and truth together; Jaakkola and Jordan, 2000, for the bound that
makes the logistic step a weighted mean which never lowers the likelihood.
"""

from dataclasses import dataclass, replace

import numpy as np

from aggregation.boxes.reliability.cells import CELLS
from aggregation.boxes.reliability.finding import (
    LURED,
    Finding,
)
from aggregation.boxes.reliability.table import NOBODY, Table
from aggregation.core.arrays import Floats, Indices, Mask

PLAIN, HARD, LURE, STRAY = range(4)
ROUNDS, STEPS, STILL = 30, 3, 1e-4


@dataclass(frozen=True, slots=True)
class Existence:
    """What the groups of a table probably are, and what nobody drew."""

    kinds: Floats  # (G, 4) chances of plain, hard, lure, stray
    unseen: Floats  # (N, C, 3) expected plain, hard objects and lures without any box
    likelihood: float  # log-likelihood of all answers

    @property
    def objects(self) -> Floats:
        """Return the chance that a group is an object, (G,)."""
        return np.asarray(self.kinds[:, PLAIN] + self.kinds[:, HARD])

    @property
    def missed(self) -> Floats:
        """Return the expected number of objects nobody drew, (N,)."""
        total = np.zeros(len(self.unseen))
        for cell in range(CELLS):
            total += self.unseen[:, cell, PLAIN] + self.unseen[:, cell, HARD]
        return total


def expect(table: Table, cell: Indices, finding: Finding) -> Existence:
    """Return the chances of all groups given who finds what; `finding` holds exactly the table's workers."""
    logs = _group_logs(table, cell, finding)
    top = logs.max(axis=1)
    shares = np.exp(logs - top[:, None])
    total = shares[:, PLAIN] + shares[:, HARD] + shares[:, LURE] + shares[:, STRAY]
    nobody = _chance_of_nobody(table, finding)
    answers = np.bincount(table.worker[table.worker != NOBODY], minlength=len(table.workers))
    rates = finding.rates
    likelihood = float(
        (top + np.log(total)).sum() - (rates * (1 - nobody)).sum() - (finding.stray_rates * answers).sum()
    )
    return Existence(shares / total[:, None], rates * nobody, likelihood)


def _group_logs(table: Table, cell: Indices, finding: Finding) -> Floats:
    """Return the logarithm of rate times likelihood of each kind, (G, 4)."""
    by, drawn = table.by, table.drawn
    marks = drawn.sum(axis=1)
    rates = np.log(finding.rates)
    logs = np.empty((len(cell), 4))
    for kind in (PLAIN, HARD):
        logs[:, kind] = rates[cell, kind] + _answers_logs(by, drawn, cell, finding.log_odds[:, :, kind])
    misses = (by != NOBODY).sum(axis=1) - marks
    logs[:, LURE] = rates[cell, LURE] + marks * np.log(LURED) + misses * np.log(1 - LURED)
    owner = np.where(marks == 1, by[np.arange(len(cell)), drawn.argmax(axis=1)], 0)
    stray = np.log(finding.stray_rates)[owner] + np.log(finding.stray_shares)[cell] if len(cell) else 0.0
    logs[:, STRAY] = np.where(marks == 1, stray, -np.inf)
    logs[table.real == 1, LURE:] = -np.inf
    logs[table.real == 0, :LURE] = -np.inf
    return logs


def _answers_logs(by: Indices, drawn: Mask, cell: Indices, log_odds: Floats) -> Floats:
    """Return the log-likelihood of who drew the group and who did not, (G,), for one kind of object."""
    workers, cells = log_odds.shape
    both = np.concatenate([_log_logistic(-log_odds).ravel(), _log_logistic(log_odds).ravel()])
    total = np.zeros(len(cell))
    for slot in range(by.shape[1]):
        at = by[:, slot] * cells + cell + drawn[:, slot] * (workers * cells)
        total += np.where(by[:, slot] != NOBODY, both[np.maximum(at, 0)], 0.0)
    return total


def _log_logistic(values: Floats) -> Floats:
    return np.asarray(-np.logaddexp(0.0, -values))


def _chance_of_nobody(table: Table, finding: Finding) -> Floats:
    """Return the chance that an object of each cell and kind is drawn by nobody of an image's people, (N, C, 3).

    Where the truth is known nothing is missing: 0.
    """
    count, width = table.worker.shape
    logs = np.zeros((count, CELLS, 3))
    missing = np.full((len(table.workers), CELLS, 3), np.log(1 - LURED))
    missing[:, :, :LURE] = _log_logistic(-finding.log_odds)
    for slot in range(width):
        who = table.worker[:, slot]
        logs += np.where((who != NOBODY)[:, None, None], missing[who] if len(missing) else 0.0, 0.0)
    nobody = np.exp(logs)
    nobody[table.image[table.known]] = 0.0
    return nobody


def learn(table: Table, cell: Indices, prior: Finding) -> tuple[Finding, Existence]:
    """Return what the table says of its workers on top of `prior` (which holds exactly these), and its groups.

    At most ROUNDS rounds, fewer when no chance moves by STILL any more.
    """
    finding = prior
    existence = expect(table, cell, finding)
    for _ in range(ROUNDS):
        finding = maximise(table, cell, existence, finding, prior)
        before, existence = existence, expect(table, cell, finding)
        if np.abs(existence.objects - before.objects).max(initial=0.0) < STILL:
            break
    return finding, existence


def maximise(table: Table, cell: Indices, existence: Existence, start: Finding, prior: Finding) -> Finding:
    """Return the finding that the expected objects speak for, never less likely than `start`."""
    seen = np.stack([np.bincount(cell, existence.kinds[:, kind], CELLS) for kind in range(4)], axis=1)
    counts = seen[:, :STRAY] + existence.unseen.sum(axis=0)
    by = table.by[np.arange(len(cell)), table.drawn.argmax(axis=1)]
    objects, drawn = _exposure(table, cell, existence)
    rates = replace(
        start,
        counts=prior.counts + np.stack([counts[:, PLAIN], counts[:, HARD] + counts[:, LURE]], axis=1),
        images=prior.images + len(table.images),
        strays=prior.strays + np.bincount(np.maximum(by, 0), existence.kinds[:, STRAY], len(prior.workers)),
        answers=prior.answers + np.bincount(table.worker[table.worker != NOBODY], minlength=len(prior.workers)),
        stray_cells=prior.stray_cells + seen[:, STRAY],
        objects=prior.objects + objects.sum(axis=(1, 2)),
        drawn=prior.drawn + drawn.sum(axis=(1, 2)),
    )
    return _fit_log_odds(rates, prior, objects, drawn)


def _exposure(table: Table, cell: Indices, existence: Existence) -> tuple[Floats, Floats]:
    """Return how many objects each worker could have drawn and did draw, by cell and kind, twice (W, C, 2)."""
    shape = (len(table.workers), CELLS)
    size = shape[0] * CELLS
    objects, drawn = np.zeros((*shape, 2)), np.zeros((*shape, 2))
    group, slot = np.nonzero(table.by != NOBODY)
    at = table.by[group, slot] * CELLS + cell[group]
    marked = table.drawn[group, slot]
    image, place = np.nonzero(table.worker != NOBODY)
    who = table.worker[image, place]
    for kind in (PLAIN, HARD):
        weights = existence.kinds[group, kind]
        objects[:, :, kind] = np.bincount(at, weights, size).reshape(shape)
        drawn[:, :, kind] = np.bincount(at[marked], weights[marked], size).reshape(shape)
        for number in range(CELLS):
            objects[:, number, kind] += np.bincount(who, existence.unseen[image, number, kind], shape[0])
    return objects, drawn


def _fit_log_odds(start: Finding, prior: Finding, objects: Floats, drawn: Floats) -> Finding:
    """Fit the logistic model by weighted means under a quadratic bound, workers and cells in turn."""
    finding, excess = start, drawn - objects / 2
    for _ in range(STEPS):
        pull = objects * _curvature(finding.log_odds)
        rest = finding.log_odds - finding.found[:, None, None]
        found = (prior.found_weight * prior.found + (excess - pull * rest).sum(axis=(1, 2))) / (
            prior.found_weight + pull.sum(axis=(1, 2))
        )
        finding = replace(finding, found=found)
        pull = objects * _curvature(finding.log_odds)
        rest = finding.log_odds - finding.ease[None, :, None]
        ease = (prior.ease_weight * prior.ease + (excess - pull * rest).sum(axis=(0, 2))) / (
            prior.ease_weight + pull.sum(axis=(0, 2))
        )
        finding = replace(finding, ease=ease)
    chance = 1 / (1 + np.exp(-finding.log_odds))
    certainty = objects * chance * (1 - chance)
    return replace(
        finding,
        found_weight=prior.found_weight + certainty.sum(axis=(1, 2)),
        ease_weight=prior.ease_weight + certainty.sum(axis=(0, 2)),
    )


def _curvature(values: Floats) -> Floats:
    """Return tanh(x/2) / 2x, the weight of the tightest quadratic bound of the logistic function at x."""
    safe = np.where(np.abs(values) < 1e-6, 1.0, values)
    return np.where(np.abs(values) < 1e-6, 0.25, np.tanh(safe / 2) / (2 * safe))
