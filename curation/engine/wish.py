"""What somebody wants rehearsed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be rehearsed: `size` photos accepted over all classes."""

    recipe: str
    seed: int
    size: int
    settings: Mapping[str, Mapping[str, Any]]
