"""Whether drawn boxes are those of a known answer: one for one, of the same label, well enough in place."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

USUAL_IOU: Final = 0.5

Box = Mapping[str, Any]


def iou(one: Box, other: Box) -> float:
    """Return intersection over union of two boxes {x, y, w, h} in one unit; 0 when neither has an area."""
    width = min(one["x"] + one["w"], other["x"] + other["w"]) - max(one["x"], other["x"])
    height = min(one["y"] + one["h"], other["y"] + other["h"]) - max(one["y"], other["y"])
    shared = max(0.0, width) * max(0.0, height)
    union = one["w"] * one["h"] + other["w"] * other["h"] - shared
    return float(shared / union) if union > 0 else 0.0


def agree(known: Sequence[Box], drawn: Sequence[Box], *, least_iou: float = USUAL_IOU) -> bool:
    """Say whether each known box has a drawn one of its own, with its label and at least this IoU, and none is left.

    Decided by a maximum matching (Hopcroft and Karp 1973), so the order in which boxes were drawn plays no part.
    """
    if len(known) != len(drawn):
        return False
    if not known:
        return True
    fits = [[a["label"] == b["label"] and iou(a, b) >= least_iou for b in drawn] for a in known]
    matched = maximum_bipartite_matching(csr_array(np.array(fits, dtype=np.int8)), perm_type="column")
    return bool((matched >= 0).all())
