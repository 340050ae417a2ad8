"""Who goes into which split. Pure: what belongs together stays together, and equal seeds give equal splits."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Ids = npt.NDArray[np.int64]

USUAL_SHARES = {"train": 0.8, "val": 0.1, "test": 0.1}
MOST_SPLITS = 10
GIANT_SHARE: Final = 0.05
GIANT_LEAST: Final = 100
"""A group of more than this share of all items, and of at least so many, is not joined by duplicates across owners."""


class BadShares(ValueError):
    """Shares that cannot be; the sentence says what is wrong."""


def checked_shares(shares: Mapping[str, float]) -> dict[str, float]:
    """Return the shares as parts of 1. Raises BadShares."""
    if not 2 <= len(shares) <= MOST_SPLITS:
        raise BadShares(f"A split has 2 to {MOST_SPLITS} parts, not {len(shares)}.")
    for name, share in shares.items():
        if not name.replace("-", "").replace("_", "").isalnum() or len(name) > 10:
            raise BadShares(f"{name!r} is no name of a part: 1 to 10 letters, digits, - and _.")
        if not 0 < share < float("inf"):
            raise BadShares(f"The share of {name} is {share:g}; a number above 0 is expected.")
    whole = sum(shares.values())
    return {name: share / whole for name, share in shares.items()}


# --- what belongs together -------------------------------------------------------------------------------------------
def groups_of(n: int, ties: Iterable[Ids], pairs: Ids) -> Ids:
    """Return for each of n items the first item of its group.

    `ties` say for each item by a number what it shares with others, such as its worker (-1 = nothing); `pairs` (k × 2)
    join two items each.
    """
    rows, columns, nodes = [pairs[:, 0]], [pairs[:, 1]], n
    for tie in ties:
        has = np.flatnonzero(tie >= 0)
        _, number = np.unique(tie[has], return_inverse=True)
        rows.append(has)
        columns.append(number + nodes)
        nodes += int(number.max()) + 1 if len(number) else 0
    row, column = np.concatenate(rows), np.concatenate(columns)
    edges = coo_array((np.ones(len(row), dtype=np.int8), (row, column)), shape=(nodes, nodes))
    _, labels = connected_components(edges, directed=False)
    _, first, number = np.unique(labels[:n], return_index=True, return_inverse=True)
    return first[number].astype(np.int64)


@dataclass(frozen=True, slots=True)
class Grouped:
    """The group of each item, and which items are left out because duplicates would glue everything together."""

    groups: Ids
    left_out: Ids
    largest: int
    """How many items the largest group would have had."""


def grouped(n: int, owners: Iterable[Ids], duplicates: Ids, quality: npt.NDArray[np.float64]) -> Grouped:
    """Group items by their owners (workers, videos, subjects) and by pairs of duplicates.

    Where pairs across owners would make a giant of more than 5 %, owners stay apart: of each such cluster the item of
    the highest `quality` stays and the others are left out.
    """
    owners = list(owners)
    apart = groups_of(n, owners, np.empty((0, 2), dtype=np.int64))
    across = apart[duplicates[:, 0]] != apart[duplicates[:, 1]]
    joined = groups_of(n, [apart], duplicates)
    largest = int(np.bincount(joined).max()) if n else 0
    most_apart = int(np.bincount(apart).max()) if n else 0
    if largest <= max(GIANT_SHARE * n, GIANT_LEAST) or largest == most_apart:
        return Grouped(joined, np.empty(0, dtype=np.int64), largest)
    clusters = groups_of(n, [], duplicates)
    glued = np.isin(clusters, clusters[duplicates[across, 0]])
    places = np.flatnonzero(glued)
    order = places[np.lexsort((places, -quality[places], clusters[places]))]
    is_best = np.ones(len(order), dtype=bool)
    is_best[1:] = clusters[order[1:]] != clusters[order[:-1]]
    within = duplicates[~across]
    return Grouped(groups_of(n, [apart], within), np.sort(order[~is_best]), largest)


# --- who goes where --------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class Dealt:
    """Which group goes where; `moved` groups joined pictures that were in different splits before."""

    splits: dict[int, str] = field(default_factory=dict)
    kept: int = 0
    moved: int = 0
    crowded: list[int] = field(default_factory=list)
    """Groups that are larger than the split they are in should be."""


def deal(
    groups: Sequence[int],
    names: Sequence[str],
    *,
    shares: Mapping[str, float],
    seed: int,
    classes: Sequence[int] = (),
    earlier: Mapping[int, str] | None = None,
    fixed: Mapping[int, str] | None = None,
) -> Dealt:
    """Deal whole groups out so that the shares of items, and of each class, come as near as they can.

    `groups[i]`, `names[i]` and `classes[i]` are the group, the lasting name and the class of item i. `fixed` items
    never move and take their group with them; `earlier` says where items were before: a group goes where most of it
    was. The others are dealt the largest first, each where the sum of squared deviations over what is expected
    (chi-square over splits and classes) grows least.
    """
    size, name = Counter(groups), dict[int, str]()
    for group, one in zip(groups, names, strict=True):
        name[group] = min(one, name.get(group, one))
    table = _Table(groups, classes or [0] * len(groups), shares)
    found = Dealt()
    for group, was in _were(groups, fixed or {}, shares, earlier or {}).items():
        found.splits[group] = max(was, key=lambda split: (was[split], split))
        found.kept += 1
        found.moved += len(was) > 1
        table.put(group, found.splits[group])
    rest = [group for group in size if group not in found.splits]
    for group in sorted(rest, key=lambda one: (-size[one], _drawn(seed, name[one]))):
        found.splits[group] = table.nearest(group)
        table.put(group, found.splits[group])
    room = {split: share * len(groups) for split, share in shares.items()}
    found.crowded = sorted(group for group, split in found.splits.items() if size[group] > max(1, room[split]))
    return found


class _Table:
    """How many items of each class are in each split, and how many should be."""

    def __init__(self, groups: Sequence[int], classes: Sequence[int], shares: Mapping[str, float]) -> None:
        whole = Counter(classes)
        self._of: dict[int, dict[int, int]] = {}
        for group, label in zip(groups, classes, strict=True):
            mine = self._of.setdefault(group, {})
            mine[label] = mine.get(label, 0) + 1
        self._splits = list(shares)
        self._wanted = {split: {label: share * n for label, n in whole.items()} for split, share in shares.items()}
        self._there = {split: dict.fromkeys(whole, 0) for split in shares}

    def put(self, group: int, split: str) -> None:
        there = self._there[split]
        for label, n in self._of[group].items():
            there[label] += n

    def nearest(self, group: int) -> str:
        """Return the split in which chi-square grows least; the first of equals."""
        best, least = self._splits[0], float("inf")
        mine = self._of[group].items()
        for split in self._splits:
            there, wanted = self._there[split], self._wanted[split]
            grows = 0.0
            for label, n in mine:
                grows += n * (2 * (there[label] - wanted[label]) + n) / wanted[label]
            if grows < least:
                best, least = split, grows
        return best


def chi_squares(counts: Mapping[str, Mapping[str, int]], shares: Mapping[str, float]) -> dict[str, float]:
    """Return for each class how far its parts are from the shares: the sum of squared deviations over the expected."""
    found = {}
    for label, parts in counts.items():
        whole = sum(parts.values())
        found[label] = sum(
            (parts.get(split, 0) - share * whole) ** 2 / (share * whole) for split, share in shares.items()
        )
    return found


def _were(
    groups: Sequence[int], fixed: Mapping[int, str], shares: Mapping[str, float], earlier: Mapping[int, str]
) -> dict[int, Counter[str]]:
    """Return where the items of groups were; what is fixed alone counts where a group has some."""
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for item, split in fixed.items():
        if split in shares:
            found[groups[item]][split] += 1
    locked = set(found)
    for item, split in earlier.items():
        if split in shares and groups[item] not in locked:
            found[groups[item]][split] += 1
    return found


def _drawn(seed: int, name: str) -> bytes:
    return blake2b(f"{seed}:{name}".encode(), digest_size=8).digest()
