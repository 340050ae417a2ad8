"""Which frames of a clip are worth keeping: not blurred, one per group of look-alikes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from . import quality
from .clusters import Tie, cluster
from .decode import analyse
from .neighbours import HashIndex
from .video import Frame

LOOK_ALIKE_BITS = 31
KEPT, BLURRED, DUPLICATE = "kept", "blurred", "duplicate"


@dataclass(frozen=True, slots=True)
class Shot:
    """What is remembered of a frame whose picture has been written away; without a hash it resembles no other."""

    index: int
    time_seconds: float
    sharpness: float
    hash256: bytes | None = None


def shot_of(frame: Frame, *, hashed: bool = True) -> Shot:
    """Remember a frame; its JPEG may be let go afterwards. A flat picture has no hash that means anything."""
    seen = analyse(frame.jpeg, compat=False) if hashed else None
    meaningful = seen is not None and not seen.low_information
    return Shot(frame.index, frame.time_seconds, frame.sharpness, seen.hash256 if seen and meaningful else None)


def choose(shots: Sequence[Shot], *, skip_blurred: bool, distinct: bool) -> dict[int, str]:
    """Return kept, blurred or duplicate for each frame index; of look-alikes the sharpest is kept."""
    threshold = quality.folder_threshold([shot.sharpness for shot in shots]) if skip_blurred else 0.0
    verdicts = {shot.index: BLURRED if shot.sharpness < threshold else KEPT for shot in shots}
    if distinct:
        sharp = [shot for shot in shots if verdicts[shot.index] == KEPT]
        verdicts |= dict.fromkeys(_look_alikes(sharp), DUPLICATE)
    return verdicts


def _look_alikes(shots: Sequence[Shot]) -> set[int]:
    index = HashIndex()
    ties: list[Tie[int]] = []
    for shot in shots:
        if shot.hash256 is None:
            continue
        near = index.near((shot.hash256,), radius=LOOK_ALIKE_BITS)
        ties += [Tie(one.id, shot.index, strong=True, difference=one.distance) for one in near]
        index.add(shot.index, shot.hash256)
    sharpest_first = [shot.index for shot in sorted(shots, key=lambda shot: (-shot.sharpness, shot.index))]
    return {member for group in cluster(sharpest_first, ties) for member in group.members}
