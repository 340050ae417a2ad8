"""Who goes into which split. Pure: what belongs together stays together, and equal seeds give equal splits."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

USUAL_SHARES = {"train": 0.8, "val": 0.1, "test": 0.1}
MOST_SPLITS = 10


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


class Together:
    """Groups of items that share something: a worker, a video, the same bytes (union-find)."""

    def __init__(self) -> None:
        self._parent: list[int] = []
        self._first: dict[tuple[str, Hashable], int] = {}

    def add(self, ties: Iterable[tuple[str, Hashable]]) -> int:
        """Add the next item with what ties it to others; return its number."""
        number = len(self._parent)
        self._parent.append(number)
        for tie in ties:
            self.join(number, self._first.setdefault(tie, number))
        return number

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self.group_of(one), self.group_of(other)))
        self._parent[high] = low

    def group_of(self, number: int) -> int:
        """Return the first item of the group."""
        parent = self._parent
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number


@dataclass(slots=True)
class Dealt:
    """Which group goes where; `moved` groups joined pictures that were in different splits before."""

    splits: dict[int, str] = field(default_factory=dict)
    kept: int = 0
    moved: int = 0


def deal(
    groups: Sequence[int],
    names: Sequence[str],
    *,
    shares: Mapping[str, float],
    seed: int,
    earlier: Mapping[int, str] | None = None,
) -> Dealt:
    """Deal whole groups out so that the shares of items come as near as they can.

    `groups[i]` and `names[i]` are the group and the lasting name of item i; `earlier` says where items were before: a
    group goes where most of it was. The others are dealt the largest first, each to the split that lacks most.
    """
    size, name = Counter(groups), dict[int, str]()
    for group, one in zip(groups, names, strict=True):
        name[group] = min(one, name.get(group, one))
    found = Dealt()
    room = {split: share * len(groups) for split, share in shares.items()}
    for group, was in _were(groups, earlier or {}, shares).items():
        found.splits[group] = max(was, key=lambda split: (was[split], split))
        found.kept += 1
        found.moved += len(was) > 1
        room[found.splits[group]] -= size[group]
    rest = [group for group in size if group not in found.splits]
    for group in sorted(rest, key=lambda one: (-size[one], _drawn(seed, name[one]))):
        split = max(room, key=lambda one: (room[one], shares[one], one))
        found.splits[group] = split
        room[split] -= size[group]
    return found


def _were(groups: Sequence[int], earlier: Mapping[int, str], shares: Mapping[str, float]) -> dict[int, Counter[str]]:
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for item, split in earlier.items():
        if split in shares:
            found[groups[item]][split] += 1
    return found


def _drawn(seed: int, name: str) -> bytes:
    return blake2b(f"{seed}:{name}".encode(), digest_size=8).digest()
