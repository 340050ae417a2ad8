"""What a look at a folder of pictures found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Member:
    """A file tied to a representative; `orientation` turns the displayed representative into it."""

    file: str
    verdict: str
    distance: int
    orientation: str


@dataclass(frozen=True, slots=True)
class Group:
    """A representative and its relatives, which leave the representative out."""

    representative: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class FoundTemplate:
    """A file that is a copy of a template, what was done to it, and the level of dishonesty (5 or 20)."""

    file: str
    template: str
    transform: str
    level: int
    inliers: int


@dataclass(frozen=True, slots=True)
class Small:
    """A file below the wanted resolution, with its displayed size."""

    file: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Blurred:
    """A file far less sharp than the others of its folder."""

    file: str
    sharpness: float


@dataclass(frozen=True, slots=True)
class Broken:
    """A file that is no picture we take, and why, in words."""

    file: str
    reason: str


Finding = Group | FoundTemplate | Small | Blurred | Broken


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, each list in the order of file names; `images` counts every file looked at."""

    clusters: tuple[Group, ...]
    template_copies: tuple[FoundTemplate, ...]
    low_resolution: tuple[Small, ...]
    blurred: tuple[Blurred, ...]
    unreadable: tuple[Broken, ...]
    images: int
