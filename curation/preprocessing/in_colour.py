"""A second comparison of two laid-over pictures, channel by channel: for hues that were turned and tones that clip."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import cv2
import numpy as np
import numpy.typing as npt

from .colours import Hues
from .difference import SIDE, Difference, Mask, Overlay, measured, same_frame, warped
from .features import Registration, register
from .hashes import Box
from .pixels import Grey, turned
from .preview import Preview
from .verify import (
    MIN_COMMON,
    MIN_INLIERS,
    MIRRORED_TURNS,
    RADIUS,
    SAME_PHOTO,
    SAME_SCENE,
    PairVerdict,
    Sighting,
    near_frames,
)

FINE = 2 * SIDE
CLOSER, LONELY_TIMES = 0.35, 8.0
"""Asked for here: all channels agree in a copy, hardly ever those of another object."""
TINT_DISTANCE = 6.0
COLOURS_MAY_TELL = 1.0
"""Grey pictures of one photo differ by more than this only where its hues were turned."""
COLOURLESS = 3.0
MIN_CHROMA = 24
MIN_COLOURED = 0.02
SMALL_TURN = 6.0
_DEGREES = 2.0
"""OpenCV's 8-bit hues count two degrees each."""

Colours = npt.NDArray[np.uint8]
"""Shape (h, w, 3): red, green, blue."""
Lay = Callable[[Grey, Grey, int], Overlay | None]
"""Lays one channel of the earlier picture over one of the new at a size."""


def colours_may_tell(verdict: PairVerdict, one: Hues, other: Hues) -> bool:
    """Tell whether two pictures that are alike in grey, without a proof, are worth a look in colour."""
    if verdict.verdict != SAME_SCENE or min(one.saturation, other.saturation) <= COLOURLESS:
        return False
    apart = max(abs(a - b) for a, b in zip(one.tints, other.tints, strict=True))
    return verdict.block_difference <= COLOURS_MAY_TELL or apart > TINT_DISTANCE


def compare_in_colour(
    new: Sighting,
    earlier: Sighting,
    colours: tuple[Colours, Colours],
    verdict: PairVerdict,
    *,
    radius: int = RADIUS,
    threshold: float = CLOSER,
) -> PairVerdict:
    """Judge a pair again that is alike in grey but not proven; `colours`: the previews of new and earlier in colour."""
    shown, own = (_sized(one, seen.preview) for one, seen in zip(colours, (new, earlier), strict=True))
    for way in _ways(new, earlier, verdict, radius):
        found = colour_difference(way.lay, _cut(own, way.earlier), _cut(shown, way.new), min(threshold, CLOSER))
        if found is not None and found[0].proves(min(threshold, CLOSER), LONELY_TIMES) and found[1] >= MIN_COMMON:
            return replace(verdict, verdict=SAME_PHOTO, block_difference=found[0].largest, common=found[1])
    return verdict


@dataclass(frozen=True, slots=True)
class _Way:
    """How a part of the earlier picture is laid over a part of the new one."""

    lay: Lay
    new: Box
    earlier: Box


def _sized(colours: Colours, preview: Preview) -> Colours:
    if colours.shape[:2] == preview.grey.shape:
        return colours
    size = (preview.width, preview.height)
    return np.asarray(cv2.resize(colours, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _cut(colours: Colours, box: Box) -> Colours:
    return colours[box.top : box.bottom, box.left : box.right]


def _ways(new: Sighting, earlier: Sighting, verdict: PairVerdict, radius: int) -> Iterator[_Way]:
    """Give the ways the two were laid over each other in grey."""
    for frame in near_frames(new, earlier, radius):
        yield _Way(partial(_straight, frame.turn), frame.new, frame.earlier)
    mirrored = verdict.orientation in MIRRORED_TURNS
    if verdict.inliers >= MIN_INLIERS:
        source = earlier.preview.mirrored_features if mirrored else earlier.preview.features
        found = register(source, new.preview.features, mirrored=mirrored)
        if found is not None:
            yield _Way(partial(_registered, found), new.preview.trim, earlier.preview.trim)


def _straight(turn: str, moving: Grey, fixed: Grey, side: int) -> Overlay:
    return same_frame(turned(moving, turn), fixed, side)


def _registered(found: Registration, moving: Grey, fixed: Grey, side: int) -> Overlay | None:
    return warped(turned(moving, "mirror" if found.mirrored else "none"), fixed, found.matrix, side)


def colour_difference(lay: Lay, earlier: Colours, new: Colours, most: float) -> tuple[Difference, float] | None:
    """Return how much the worst channel differs after hues and tones are matched, and the share both have in common.

    A tone curve on all channels, clipped where a channel ends, is a curve on each but none on the grey picture; so is
    a turn of all hues by one angle no curve at all, and is undone first. Another object is neither. None where the
    pictures have no room in common, or a channel differs by more than `most`.
    """
    channels = [lay(earlier[..., one], new[..., one], FINE) for one in range(3)]
    laid = [one for one in channels if one is not None]
    if len(laid) < len(channels):
        return None
    mask, fixed = laid[0].mask, [one.fixed for one in laid]
    ways = chain([[one.moving for one in laid]], _hue_matched(laid, mask))
    judged = [found for way in ways if (found := _worst(way, fixed, mask, most)) is not None]
    return min(((one, laid[0].common) for one in judged), key=lambda one: one[0].largest, default=None)


def _worst(moving: list[Grey], fixed: list[Grey], mask: Mask, most: float) -> Difference | None:
    found = []
    for own, other in zip(moving, fixed, strict=True):
        found.append(measured(Overlay(own, other, mask)))
        if found[-1].largest > most:
            return None
    return Difference(
        largest=max(one.largest for one in found),
        usual=max(one.usual for one in found),
        most=max(one.most for one in found),
    )


def _hue_matched(laid: list[Overlay], mask: Mask) -> Iterator[list[Grey]]:
    """Give the earlier picture with its hues turned as the new one's are, if they are turned."""
    moving, fixed = (
        cv2.cvtColor(np.dstack([getattr(one, side) for one in laid]), cv2.COLOR_RGB2HSV) for side in ("moving", "fixed")
    )
    degrees = _hue_turn(np.asarray(moving, np.uint8), np.asarray(fixed, np.uint8), mask)
    if abs(degrees) >= SMALL_TURN:
        moving[..., 0] = (moving[..., 0].astype(np.int16) + round(degrees / _DEGREES)) % 180
        turned_hues = np.asarray(cv2.cvtColor(moving, cv2.COLOR_HSV2RGB), np.uint8)
        yield [np.ascontiguousarray(turned_hues[..., one]) for one in range(3)]


def _hue_turn(moving: Colours, fixed: Colours, mask: Mask) -> float:
    """Return by how many degrees the hues are turned where both have a colour; 0 where hardly anything has."""
    chroma = [one[..., 1].astype(np.float32) * one[..., 2] / 255 for one in (moving, fixed)]
    weight = np.where(mask, np.minimum(*chroma), 0)
    weight[weight < MIN_CHROMA] = 0
    if (weight > 0).mean() < MIN_COLOURED:
        return 0.0
    turns = np.radians(_DEGREES * (fixed[..., 0].astype(np.float32) - moving[..., 0]))
    return float(np.degrees(np.angle(np.sum(weight * np.exp(1j * turns)))))
