"""Which assets to take so that several attributes have wanted shares at once. Pure: equal input, equal choice.

Shares are reached by raking (iterative proportional fitting; Deming and Stephan 1940) with the number of assets there
are as a cap on each cell; what is too few is said as a deficit and never made up by chance. Under-sampling needs no
shares: no value may outweigh the others. Within a cell chance decides, or how unlike the assets look.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]
Hashes = npt.NDArray[np.uint64]
Looks = npt.NDArray[np.uint8]
Mode = Literal["fill", "strict"]

ROUNDS: Final = 200
CLOSE_ENOUGH: Final = 1e-7
"""Part of the wanted number by which a marginal may be off when raking stops."""


MOST_LOOKED_AT: Final = 4_000
"""Assets of a cell, the first by seed, among which unlike ones are looked for."""


class BadTarget(ValueError):
    """Wanted shares that cannot be; the sentence says what is wrong."""


@dataclass(frozen=True, slots=True)
class Deficit:
    """A value of an attribute of which there are too few: collect `missing` more."""

    attribute: str
    value: str
    wanted: int
    available: int

    @property
    def missing(self) -> int:
        return self.wanted - self.available


@dataclass(frozen=True, slots=True)
class Wish:
    """An attribute and the share of each of its values, in percent or any other weights above zero.

    Assets with another value are not taken.
    """

    attribute: str
    shares: Mapping[str, float]

    def __post_init__(self) -> None:
        if not self.shares:
            raise BadTarget(f"“{self.attribute}” has no values to choose from.")
        for value, share in self.shares.items():
            if not 0 < share < float("inf"):
                raise BadTarget(f"The share of {self.attribute} {value} is {share:g}; a number above 0 is expected.")


@dataclass(frozen=True, slots=True)
class Sampled:
    """`chosen` are places in the input, in its order; `deficits` what there is too little of."""

    chosen: Ints
    deficits: tuple[Deficit, ...]


def sample(
    codes: Sequence[Ints],
    ids: Hashes,
    wishes: Sequence[Wish],
    *,
    size: int,
    seed: int,
    mode: Mode = "fill",
    looks: Looks | None = None,
) -> Sampled:
    """Choose `size` of n assets, or fewer where there are not enough.

    `codes[j][i]` is the place of asset i's value among the shares of `wishes[j]`, -1 = another value; `ids` (n × 2) is
    its lasting name in two words of 64 bits. `fill` hands what one value lacks to the other values of its attribute,
    `strict` takes fewer of all so that the shares stay. Within a cell of equal values chance decides, by seed and id
    alone; with `looks` (n × bytes of a hash) those that are furthest from each other. Raises BadTarget.
    """
    if size < 1:
        raise BadTarget(f"A sample of {size} is none; a number from 1 is expected.")
    if not wishes:
        raise BadTarget("No shares are wanted: name at least one attribute.")
    eligible = np.flatnonzero(np.all([code >= 0 for code in codes], axis=0))
    cells, cell_of = _cells([code[eligible] for code in codes], wishes)
    available = np.bincount(cell_of, minlength=len(cells))
    wanted = [_wanted(wish, size) for wish in wishes]
    there = [_summed(cells[:, j], available, len(one.shares)) for j, one in enumerate(wishes)]
    counts = quotas(cells, available, wanted, mode=mode)
    chosen = _chosen(eligible, cell_of, counts, _order(ids[eligible], seed), looks)
    return Sampled(chosen, tuple(_deficits(wishes, wanted, there)))


def under_sample(
    code: Ints, ids: Hashes, *, values: int, seed: int, keep_smallest: bool = False, looks: Looks | None = None
) -> Ints:
    """Choose as many of each value as of the rarest; `code[i]` is the value of asset i, -1 = another one.

    With `keep_smallest` all of the rarest are taken, and the next rarest is the limit of the others.
    """
    eligible = np.flatnonzero(code >= 0)
    available = np.bincount(code[eligible], minlength=values)
    counts = np.array(under_sampled(available.tolist(), keep_smallest=keep_smallest), dtype=np.intp)
    return _chosen(eligible, code[eligible], counts, _order(ids[eligible], seed), looks)


def under_sampled(counts: Sequence[int], *, keep_smallest: bool = False) -> list[int]:
    """Return how many to keep of each so that none outweighs the others; what there is none of has no say."""
    filled = sorted(n for n in counts if n > 0)
    if not filled:
        return list(counts)
    limit = filled[1] if keep_smallest and len(filled) > 1 else filled[0]
    return [min(n, limit) for n in counts]


def _chosen(eligible: Ints, cell_of: Ints, counts: Ints, order: Hashes, looks: Looks | None) -> Ints:
    if looks is None:
        return np.sort(eligible[_drawn(cell_of, counts, order)])
    return np.sort(eligible[_spread(cell_of, counts, order, looks[eligible])])


def quotas(cells: Ints, available: Ints, wanted: Sequence[Floats], *, mode: Mode = "fill") -> Ints:
    """Return how many to take of each cell.

    `cells` (cells × attributes) are the codes of its values, `available` (cells) how many there are, `wanted[j]` how
    many of each value of attribute j; each attribute sums to the same whole.
    """
    if not len(cells):
        return np.zeros(0, np.intp)
    there = [_summed(cells[:, j], available, len(one)) for j, one in enumerate(wanted)]
    feasible = _filled(wanted, there) if mode == "fill" else _scaled(wanted, there)
    return _whole(_raked(cells, available, feasible), available, round(float(feasible[0].sum())))


def _filled(wanted: Sequence[Floats], there: Sequence[Floats]) -> list[Floats]:
    """Cut each target to what there is and hand the rest to the other values, in proportion, while they have room."""
    whole = min(float(wanted[0].sum()), *(float(have.sum()) for have in there))
    return [_handed_on(target * whole / target.sum(), have) for target, have in zip(wanted, there, strict=True)]


def _handed_on(target: Floats, have: Floats) -> Floats:
    found = np.minimum(target, have)
    for _ in range(len(target)):
        missing = target.sum() - found.sum()
        open_to = np.where(have - found > 0, target, 0.0)
        if missing <= 0 or not open_to.any():
            break
        found = np.minimum(found + missing * open_to / open_to.sum(), have)
    return found


def _scaled(wanted: Sequence[Floats], there: Sequence[Floats]) -> list[Floats]:
    """Take fewer of all: the attribute that lacks most says how many there can be."""
    least = [np.minimum(target, have) for target, have in zip(wanted, there, strict=True)]
    whole = min(float(one.sum()) for one in least)
    return [one * (whole / one.sum()) if whole else one * 0 for one in least]


def _raked(cells: Ints, available: Ints, wanted: Sequence[Floats]) -> Floats:
    whole = float(wanted[0].sum())
    found = np.minimum(available, whole / len(cells)).astype(np.float64)
    for _ in range(ROUNDS):
        furthest = 0.0
        for j, target in enumerate(wanted):
            code = cells[:, j]
            have = _summed(code, found, len(target))
            furthest = max(furthest, float(np.abs(have - target).max()))
            factor = np.divide(target, have, out=np.zeros_like(target), where=have > 0)
            found = np.minimum(available, found * factor[code])
        if furthest <= CLOSE_ENOUGH * whole:
            break
    return found


def _summed(code: Ints, weights: Ints | Floats, n: int) -> Floats:
    return np.bincount(code, weights=weights, minlength=n).astype(np.float64)


def _whole(found: Floats, available: Ints, size: int) -> Ints:
    """Round down, then add one by the largest remainder where there is room (ties: the first cell)."""
    counts = np.floor(found + CLOSE_ENOUGH).astype(np.intp)
    remainder = found - counts
    while (missing := size - int(counts.sum())) > 0:
        room = np.flatnonzero(counts < available)
        if not len(room):
            break
        counts[room[np.argsort(-remainder[room], kind="stable")[:missing]]] += 1
    return counts


def _cells(codes: Sequence[Ints], wishes: Sequence[Wish]) -> tuple[Ints, Ints]:
    """Return the cells that hold anything (cells × attributes), and the cell of each asset."""
    shape = tuple(len(wish.shares) for wish in wishes)
    if float(np.prod(np.array(shape, dtype=np.float64))) > np.iinfo(np.intp).max:
        raise BadTarget("There are too many combinations of values; wish for fewer attributes at once.")
    keys, cell_of = np.unique(np.ravel_multi_index(tuple(codes), shape), return_inverse=True)
    return np.stack(np.unravel_index(keys, shape), axis=1).astype(np.intp), cell_of.astype(np.intp)


def _wanted(wish: Wish, size: int) -> Floats:
    shares = np.array(list(wish.shares.values()), dtype=np.float64)
    return np.asarray(shares * (size / shares.sum()), dtype=np.float64)


def _deficits(wishes: Sequence[Wish], wanted: Sequence[Floats], there: Sequence[Floats]) -> list[Deficit]:
    return [
        Deficit(wish.attribute, value, wanted=round(float(much)), available=int(have))
        for wish, target, stock in zip(wishes, wanted, there, strict=True)
        for value, much, have in zip(wish.shares, target, stock, strict=True)
        if have < round(float(much))
    ]


def _drawn(cell_of: Ints, counts: Ints, order: Hashes) -> Ints:
    """Return the first `counts[c]` of each cell c by `order`."""
    if not len(cell_of):
        return np.zeros(0, np.intp)
    sorted_places = np.lexsort((order, cell_of))
    cells = cell_of[sorted_places]
    starts = np.searchsorted(cells, np.arange(len(counts)))
    rank = np.arange(len(cells)) - starts[cells]
    return sorted_places[rank < counts[cells]]


def _order(ids: Hashes, seed: int) -> Hashes:
    """Return a number for each id that only its bits and the seed decide (finaliser of SplitMix64, Steele 2014)."""
    mixed = np.full(len(ids), seed % 2**64, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for word in (ids[:, 0], ids[:, 1]):
            mixed = (mixed ^ word) + np.uint64(0x9E3779B97F4A7C15)
            mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            mixed ^= mixed >> np.uint64(31)
    return mixed


def _spread(cell_of: Ints, counts: Ints, order: Hashes, looks: Looks) -> Ints:
    """Return of each cell c those `counts[c]` that look most unlike, beginning with the first by `order`."""
    places = np.lexsort((order, cell_of))
    ends = np.searchsorted(cell_of[places], np.arange(len(counts) + 1))
    found = [np.zeros(0, np.intp)]
    for cell, n in enumerate(counts):
        mine = places[ends[cell] : ends[cell + 1]][: max(n, MOST_LOOKED_AT)]
        found.append(mine if n >= len(mine) else mine[diverse(_signs(looks[mine]), n=n)[0]])
    return np.concatenate(found)


def _signs(looks: Looks) -> npt.NDArray[np.float32]:
    """Return the bits of hashes as -1 and 1: their cosine is 1 - 2 × the share of bits that differ."""
    return np.unpackbits(looks, axis=1).astype(np.float32) * 2 - 1


def diverse(rows: npt.ArrayLike, *, n: int, start: int = 0) -> tuple[Ints, float]:
    """Choose n rows (m × d) far from each other, and how far the furthest of the others is from the nearest chosen.

    Greedy k-center (Gonzalez 1985) on rows scaled to length 1; distance 1 - cosine, ties go to the lowest place.
    """
    points = np.asarray(rows, dtype=np.float32)
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    points = np.divide(points, lengths, out=np.zeros_like(points), where=lengths > 0)
    if n < 1:
        return np.zeros(0, np.intp), 0.0
    chosen, nearest = [start], 1 - points @ points[start]
    for _ in range(min(n, len(points)) - 1):
        chosen.append(int(np.argmax(nearest)))
        nearest = np.minimum(nearest, 1 - points @ points[chosen[-1]])
    return np.array(chosen, dtype=np.intp), float(max(nearest.max(), 0.0))
