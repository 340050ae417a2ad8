"""Which of several pictures that are one photo is the photo, and which are its disguises?

Each trace of a disguise costs: fewer pixels of the scene, a flat border, coarse JPEG tables, no colours where others
have them, and whatever a picture has alone (its turn, its light, its sharpness, a mark), because disguises differ in
their own ways while the photo agrees with each of them. The cheapest picture represents the others.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median

from .colours import Traits
from .judging import Verdicts
from .pictures import Pictures
from .verify import SAME_SCENE

ENOUGH_TO_AGREE = 3
LIGHT_STEP = 10.0
CONTRAST_STEP = 0.12
SHARPNESS_STEP = math.log(1.7)
NOISY_TIMES = 2.5
NOISY = 30.0
QUALITY_STEP = 12.0
GREY_SATURATION, COLOURED_SATURATION = 3.0, 8.0
TINT_STEP = 8.0
TURNED_DEGREES = 1.0
SAME_PIXELS = 0.03
CAMERA, SENT_TWICE, MARKED, UNUSUAL_SHAPE = 0.2, 0.5, 0.3, 0.15


@dataclass(slots=True)
class _Ties:
    """What the pairs of one picture say of it."""

    near: set[int] = field(default_factory=set)
    upright: int = 0
    turned: int = 0
    marked: bool = False
    hidden: list[float] = field(default_factory=list)
    differences: list[float] = field(default_factory=list)


def components(verdicts: Verdicts) -> list[list[int]]:
    """Return groups of pictures that strong ties connect, each in order of position."""
    parent: dict[int, int] = {}

    def root(key: int) -> int:
        while parent.setdefault(key, key) != key:
            parent[key] = key = parent[parent[key]]
        return key

    for (earlier, new), verdict in verdicts.items():
        if verdict.verdict != SAME_SCENE:
            parent[root(new)] = root(earlier)
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for key in sorted(parent):
        groups[root(key)].append(key)
    return [group for group in groups.values() if len(group) > 1]


def by_likelihood(
    group: Sequence[int], pictures: Pictures, traits: Mapping[int, Traits], verdicts: Verdicts, *, wide: bool
) -> list[int]:
    """Order the pictures of one photo, the least disguised first. `wide`: most pictures of the folder are."""
    ties = _ties(group, verdicts)
    costs = {key: _of_ties(ties[key], len(group)) for key in group}
    seen = {key: traits[key] for key in group if key in traits}
    for key, extra in _of_traits(seen, pictures).items():
        costs[key] += extra
    sizes = {key: (pictures.at(key).width, pictures.at(key).height) for key in group}
    for key, (width, height) in sizes.items():
        costs[key] += UNUSUAL_SHAPE * ((width >= height) != wide)
        costs[key] -= SENT_TWICE * (pictures.at(key).copies > 1)
    return sorted(group, key=lambda key: (costs[key], -sizes[key][0] * sizes[key][1], str(key)))


def _ties(group: Iterable[int], verdicts: Verdicts) -> dict[int, _Ties]:
    ties = {key: _Ties() for key in group}
    for pair, verdict in verdicts.items():
        if verdict.verdict == SAME_SCENE or pair[0] not in ties:
            continue
        sides = ((pair[0], pair[1], verdict.seen, verdict.common), (pair[1], pair[0], verdict.common, verdict.seen))
        if verdict.marked:
            ties[pair[verdict.marked == "new"]].marked = True
        for key, other, own, others in sides:
            one = ties[key]
            one.near.add(other)
            one.upright += verdict.orientation == "none"
            one.turned += abs(verdict.degrees) > TURNED_DEGREES
            one.differences.append(verdict.block_difference)
            one.hidden.append(1 - others if own > 1 - SAME_PIXELS else 0.0)
    return ties


def _of_ties(ties: _Ties, size: int) -> float:
    count = max(1, len(ties.near))
    missing = 1 - len(ties.near) / max(1, size - 1)
    cropped = 2 * max(ties.hidden, default=0.0) + MARKED * ties.marked
    if size < ENOUGH_TO_AGREE:
        return cropped
    return missing / 2 + cropped + (1 - ties.upright / count) + ties.turned / count + fmean(ties.differences or [0.0])


def _of_traits(traits: Mapping[int, Traits], pictures: Pictures) -> dict[int, float]:
    if not traits:
        return {}
    known = [
        one for key, one in traits.items() for _ in range(pictures.at(key).copies)
    ]  # what was sent twice has two voices
    most = max(one.content_pixels for one in known)
    finest = max(one.quality for one in known)
    coloured = any(one.saturation > COLOURED_SATURATION for one in known)
    barest = min(one.border for one in known)
    cornered = not all(one.empty_corners for one in known)
    some_camera = any(one.camera for one in known)
    clipped = min(one.clipped for one in known)
    costs = _of_sharpness(traits, pictures)
    for key, one in traits.items():
        lost = 1 - one.content_pixels / most
        costs[key] += lost if lost > SAME_PIXELS else 0.0
        costs[key] += max(0.0, finest - one.quality - QUALITY_STEP) / 25
        costs[key] += coloured and one.saturation < GREY_SATURATION
        costs[key] += 0.7 * (one.border > barest + SAME_PIXELS) + (cornered and one.empty_corners)
        costs[key] += CAMERA * (some_camera and not one.camera)
        costs[key] += min(1.0, 10 * (one.clipped - clipped))
        costs[key] += _of_light(one, known)
    return costs


def _of_sharpness(traits: Mapping[int, Traits], pictures: Pictures) -> dict[int, float]:
    """Charge the blurred, and those whose sharpness is noise."""
    logs = {key: math.log(max(1e-6, pictures.at(key).sharpness)) for key in traits}
    noises = [one.noise for one in traits.values()]
    if len(traits) >= ENOUGH_TO_AGREE:
        usual, limit = median(logs.values()), NOISY_TIMES * median(noises)
    else:
        usual, limit = max(logs.values()), max(NOISY, NOISY_TIMES * min(noises))
    noisy = {key for key, one in traits.items() if one.noise > limit}
    return {
        key: float(key in noisy) + min(1.5, max(0.0, abs(value - usual) - SHARPNESS_STEP))
        for key, value in logs.items()
    }


def _of_light(one: Traits, known: Sequence[Traits]) -> float:
    if len(known) < ENOUGH_TO_AGREE:
        return 0.0
    brightness = abs(one.brightness - median(other.brightness for other in known))
    contrast = abs(math.log((one.contrast + 1) / (median(other.contrast for other in known) + 1)))
    tints = max(abs(one.tints[i] - median(other.tints[i] for other in known)) for i in range(4))
    return (
        min(1.0, max(0.0, brightness - LIGHT_STEP) / 20)
        + min(1.0, max(0.0, contrast - CONTRAST_STEP) * 3)
        + min(1.0, max(0.0, tints - TINT_STEP) / 10)
    )
