"""What somebody wants rehearsed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

USUAL_VISITS = 6


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be rehearsed: `size` photos accepted over all classes.

    `platform` is our own market, or `toloka`: through the adapter, against an emulator with the same people in it.
    After `visits_a_turn` visits all the machine work that follows is done.
    """

    recipe: str
    seed: int
    size: int
    settings: Mapping[str, Mapping[str, Any]]
    platform: str = "rehearsal"
    visits_a_turn: int = USUAL_VISITS
