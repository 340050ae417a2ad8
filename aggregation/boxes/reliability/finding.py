"""What is known of who finds objects and who invents them, as the posterior of all that was seen so far."""

from dataclasses import dataclass, replace

import numpy as np

from aggregation.boxes.reliability.cells import CELLS
from aggregation.core.arrays import Floats, Indices

HARDER, LURED, OBJECTS = 2.0, 0.3, 0.5  # see existence.py
OFFSETS = np.array([0.0, -HARDER])

START_FOUND = 1.7346  # logit of .85
FOUND_WEIGHT = 1.275  # what ten objects say about a worker who finds 85 of 100
CELL_WEIGHT = 0.5
START_STRAY, STRAY_ANSWERS = 0.05, 10.0  # strays an answer, pseudo-answers of a worker
POOL_IMAGES = 20.0  # pseudo-images of the pool: how strongly START_RATES hold
START_RATES = np.array([0.9, 0.1])  # plain; hard objects and lures; per image, over all cells


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known of the finding of W workers, as the posterior of what was seen so far; C cells."""

    workers: tuple[str, ...]  # (W,) sorted
    found: Floats  # (W,) a_w, log-odds of finding an object
    found_weight: Floats  # (W,) its precision
    strays: Floats  # (W,) boxes of no object
    answers: Floats  # (W,)
    objects: Floats  # (W,) objects that were there to be found
    drawn: Floats  # (W,) of these, drawn
    ease: Floats  # (C,) d_c
    ease_weight: Floats  # (C,)
    counts: Floats  # (C, 2) plain objects; hard objects and lures
    stray_cells: Floats  # (C,) strays by cell
    images: float

    @classmethod
    def of(cls, workers: tuple[str, ...]) -> "Finding":
        """Return what is thought of workers before anything was seen."""
        strays, answers, objects, drawn = (np.zeros(len(workers)) for _ in range(4))
        return cls(
            workers=workers,
            found=np.full(len(workers), START_FOUND),
            found_weight=np.full(len(workers), FOUND_WEIGHT),
            strays=strays,
            answers=answers,
            objects=objects,
            drawn=drawn,
            ease=np.zeros(CELLS),
            ease_weight=np.full(CELLS, CELL_WEIGHT),
            counts=np.zeros((CELLS, 2)),
            stray_cells=np.zeros(CELLS),
            images=0.0,
        )

    @property
    def rates(self) -> Floats:
        """Return plain objects, hard objects and lures an image, (C, 3)."""
        pooled = (self.counts + POOL_IMAGES * START_RATES / CELLS) / (self.images + POOL_IMAGES)
        return np.stack([pooled[:, 0], OBJECTS * pooled[:, 1], (1 - OBJECTS) * pooled[:, 1]], axis=1)

    @property
    def stray_rates(self) -> Floats:
        """Return the strays an answer of each worker, (W,)."""
        return np.asarray((self.strays + START_STRAY * STRAY_ANSWERS) / (self.answers + STRAY_ANSWERS))

    @property
    def stray_shares(self) -> Floats:
        """Return how strays spread over the cells, (C,)."""
        counts = self.stray_cells + 1.0
        return np.asarray(counts / counts.sum())

    @property
    def log_odds(self) -> Floats:
        """Return the log-odds of drawing plain and hard objects by worker and cell, (W, C, 2)."""
        return np.asarray(self.found[:, None, None] + self.ease[None, :, None] + OFFSETS)

    def aligned(self, workers: tuple[str, ...]) -> "Finding":
        """Return the same for exactly these workers; those not known yet are as everybody at first."""
        fresh = Finding.of(workers)
        row = {name: index for index, name in enumerate(self.workers)}
        pairs = [(index, row[name]) for index, name in enumerate(workers) if name in row]
        here, there = (np.array(side, np.intp) for side in zip(*pairs, strict=True)) if pairs else (_NONE, _NONE)
        for name in ("found", "found_weight", "strays", "answers", "objects", "drawn"):
            getattr(fresh, name)[here] = getattr(self, name)[there]
        pool = {name: getattr(self, name) for name in ("ease", "ease_weight", "counts", "stray_cells", "images")}
        return replace(fresh, **pool)


_NONE: Indices = np.zeros(0, np.intp)
