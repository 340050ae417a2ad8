"""Are two laid-over pictures one: alike, alike once the sharper is blurred, or alike under one translucent layer?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .difference import SIDE, Overlay, in_focus, measured, unevenness
from .layer import FIXED, layered

LAYER_SIDE = 3 * SIDE
LAYER_USUAL, LAYER_LARGEST = 0.4, 0.12
REFINABLE_USUAL = 0.5
BLURRED_USUAL, FOCUSED, CLOSER = 0.07, 0.7, 0.25
UNFOCUSED_USUAL, UNEVEN = 0.15, 1.6

Lay = Callable[[int], Overlay | None]
"""Lays one picture over the other at a size; None when hardly anything is in common."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What the pixels of an overlay say; `marked`: which of the two bears a layer ("new", "earlier")."""

    proven: bool
    difference: float
    usual: float
    common: float
    marked: str

    @property
    def may_be_refined(self) -> bool:
        return not self.proven and self.usual <= REFINABLE_USUAL


def proof_of(lay: Lay, threshold: float) -> Proof | None:
    """Judge two pictures by a way to lay one over the other; None when hardly anything is in common."""
    overlay = lay(SIDE)
    if overlay is None:
        return None
    found = measured(overlay)
    proven, marked = found.proves(threshold), ""
    if BLURRED_USUAL < found.usual <= REFINABLE_USUAL:
        focused = in_focus(overlay, found)
        if focused.usual < FOCUSED * found.usual:
            proven = focused.proves(min(threshold, CLOSER))
        elif found.usual > UNFOCUSED_USUAL and unevenness(overlay) > UNEVEN:
            proven = False  # one is far blurrier, and yet blur is not what sets them apart: another photo of the room
    if threshold > 0 and found.usual <= LAYER_USUAL and found.largest > LAYER_LARGEST:
        marked = _marked(lay)
    return Proof(proven or bool(marked), found.largest, found.usual, overlay.common, marked)


def _marked(lay: Lay) -> str:
    fine = lay(LAYER_SIDE)
    side = None if fine is None else layered(fine.moving, fine.fixed, fine.mask)
    return "" if side is None else "new" if side == FIXED else "earlier"
