"""The inner loop of `join`, in the part of Python that numba compiles; uncompiled it gives the same, very slowly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]
Kernel = Callable[..., int]

_ONE = np.uint64(1)
_TWO, _FOUR, _TOP = np.uint64(2), np.uint64(4), np.uint64(56)
_PAIRS = np.uint64(0x5555555555555555)
_QUARTERS = np.uint64(0x3333333333333333)
_BYTES = np.uint64(0x0F0F0F0F0F0F0F0F)
_SUM = np.uint64(0x0101010101010101)


def set_bits(word: np.uint64) -> np.uint64:
    """Count the set bits of one word; compilers know the form and use the processor's own instruction."""
    word = word - ((word >> _ONE) & _PAIRS)
    word = (word & _QUARTERS) + ((word >> _TWO) & _QUARTERS)
    word = (word + (word >> _FOUR)) & _BYTES
    return (word * _SUM) >> _TOP


def pairs_of_band(  # noqa: C901, PLR0917 - one loop nest, kept together for the compiler
    count_bits: Callable[[np.uint64], np.uint64],
    hashes: Words,
    starts: Numbers,
    masks: Numbers,
    earlier: Words,
    radius: int,
    left: Numbers,
    right: Numbers,
    distance: Numbers,
) -> int:
    """Find the pairs whose keys differ by one of `masks`, and which no earlier band has found.

    `hashes` uint64[n, w] is sorted by key, rows of key k are `starts[k]` to `starts[k + 1]`; `earlier` uint64[b, 3]
    holds word, mask of its bits, and flips of each earlier band. Writes positions and distance of as many pairs as
    fit and returns how many there are.
    """
    found, room, words = 0, len(left), hashes.shape[1]
    for mask in masks:
        for key in range(len(starts) - 1):
            other = key ^ mask
            if other < key:
                continue
            for one in range(starts[key], starts[key + 1]):
                first = one + 1 if other == key else starts[other]
                for two in range(first, starts[other + 1]):
                    bits = 0
                    for word in range(words):
                        bits += int(count_bits(hashes[one, word] ^ hashes[two, word]))
                        if bits > radius:
                            break
                    if bits > radius:
                        continue
                    is_new = True
                    for band in range(len(earlier)):
                        differing = hashes[one, earlier[band, 0]] ^ hashes[two, earlier[band, 0]]
                        if count_bits(differing & earlier[band, 1]) <= earlier[band, 2]:
                            is_new = False
                            break
                    if not is_new:
                        continue
                    if found < room:
                        left[found], right[found], distance[found] = one, two, bits
                    found += 1
    return found
