"""Leader (star) clustering: every member is proven against its own leader, nothing chains."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Tie(Generic[Key]):
    """A judged pair: `strong` = the same file or photo; otherwise the same scene at most."""

    left: Key
    right: Key
    strong: bool
    difference: float


@dataclass(slots=True)
class Cluster(Generic[Key]):
    """A leader, its proven members, and leaders of the same scene listed under it."""

    leader: Key
    members: list[Key] = field(default_factory=list)
    scenes: list[Key] = field(default_factory=list)


_Near = Mapping[Key, Sequence[tuple[Key, float]]]


def cluster(order: Iterable[Key], ties: Iterable[Tie[Key]]) -> list[Cluster[Key]]:
    """Group keys in the given order of precedence; singletons are included.

    Each key joins the nearest leader it has a strong tie with, else becomes a leader; a leader with a weak tie
    to an earlier leader is listed under the nearest such one and keeps its own members.
    """
    strong, weak = _neighbours(ties)
    clusters: dict[Key, Cluster[Key]] = {}
    for key in order:
        leader = _nearest_leader(strong.get(key, ()), clusters)
        if leader is not None:
            clusters[leader].members.append(key)
            continue
        scene = _nearest_leader(weak.get(key, ()), clusters)
        clusters[key] = Cluster(key)
        if scene is not None:
            clusters[scene].scenes.append(key)
    return list(clusters.values())


def _neighbours(ties: Iterable[Tie[Key]]) -> tuple[_Near[Key], _Near[Key]]:
    strong: defaultdict[Key, list[tuple[Key, float]]] = defaultdict(list)
    weak: defaultdict[Key, list[tuple[Key, float]]] = defaultdict(list)
    for tie in ties:
        side = strong if tie.strong else weak
        side[tie.left].append((tie.right, tie.difference))
        side[tie.right].append((tie.left, tie.difference))
    return strong, weak


def _nearest_leader(near: Iterable[tuple[Key, float]], leaders: Mapping[Key, Cluster[Key]]) -> Key | None:
    found = [(difference, str(key), key) for key, difference in near if key in leaders]
    return min(found, key=lambda item: item[:2])[2] if found else None
