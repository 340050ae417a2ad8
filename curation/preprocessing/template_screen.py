"""Which of many templates a photo may be a copy of: a cheap look at all of them before the dear look at few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .features import Features
from .hashes import Turns
from .neighbours import WORDS, Words

WAYS = 2
"""A template and its mirror image."""
TABLES, VALUES = 8, 1 << 16
NEARLY_EQUAL = 24
FEWEST = 3
FEW_IN_PHOTO = 200

_Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Likely:
    """Whether corners of a template, and of its mirror image, are in the photo, and the bits between their hashes."""

    plain: bool
    mirrored: bool
    distance: int


class Screen:
    """The corners and hashes of many templates, each with those of its mirror image.

    Corners are nearly equal when at most 24 of the 256 bits of their descriptors differ; those that share one of eight
    words of 16 bits are compared, which are nearly all of these and few others. Of 600 corners three are asked for,
    each with one of its own: copies whose hash is not near have five and more, however they are disguised; of drawn
    faces with other signs, which share more than strangers do, one in forty has three. Where a photo has few corners,
    comparing all of them costs little, and nothing is screened.
    """

    def __init__(self, ways: Sequence[tuple[Features, Features]], hashes: Sequence[Sequence[bytes]]) -> None:
        """Take the features of each template and of its mirror image, and the hashes it is known by."""
        self._size = len(ways)
        each = [features for pair in ways for features in pair]
        self._owners = np.repeat(np.arange(len(each)), [len(one) for one in each])
        descriptors = np.concatenate([one.descriptors for one in each])
        self._bits = descriptors.view(np.uint64)
        words = _words(descriptors)
        order = np.argsort(words, axis=None, kind="stable")
        self._corners = order // TABLES
        self._starts = np.searchsorted(words.ravel()[order], np.arange(TABLES * VALUES + 1))
        self._hash_owners = np.repeat(np.arange(self._size), [len(own) for own in hashes])
        self._hashes = _joined([one for own in hashes for one in own])

    def look(self, photo: Features, turns: Sequence[Turns]) -> list[Likely]:
        """Tell of each template how likely the photo is to be a copy of it; `turns`: the photo's turned hashes."""
        corners = self._corners_in(photo) >= FEWEST
        return [
            Likely(bool(corners[0, number]), bool(corners[1, number]), distance)
            for number, distance in enumerate(self._distances(turns).tolist())
        ]

    def _corners_in(self, photo: Features) -> _Rows:
        """Return of each template, and of its mirror image, how many corners are nearly equal to one of the photo."""
        if len(photo) < FEW_IN_PHOTO:
            return np.full((WAYS, self._size), FEWEST)
        words = _words(photo.descriptors).ravel()
        first = self._starts[words]
        sizes = self._starts[words + 1] - first
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        theirs = self._corners[np.repeat(first, sizes) + within]
        mine = np.repeat(np.arange(len(words)) // TABLES, sizes)
        apart = _bits_apart(photo.descriptors.view(np.uint64).take(mine, axis=0), self._bits.take(theirs, axis=0))
        near = apart <= NEARLY_EQUAL
        pairs = _nearest_of_each(theirs[near], mine[near], apart[near])
        met = np.unique(np.stack([self._owners[pairs[0]], pairs[1]]), axis=1)
        return np.bincount(met[0], minlength=WAYS * self._size).reshape(-1, WAYS).T

    def _distances(self, turns: Sequence[Turns]) -> _Rows:
        """Return the bits between the photo, in any turn, and each template."""
        mine = _joined([hash_ for part in turns for hash_ in part])
        apart = np.bitwise_count(self._hashes[:, None] ^ mine[None]).sum(axis=2).min(axis=1)
        nearest = np.full(self._size, 64 * WORDS, np.int64)
        np.minimum.at(nearest, self._hash_owners, apart)
        return nearest


def _bits_apart(one: Words, other: Words) -> _Rows:
    """Count the bits in which rows differ; as a product, since numpy is slow to sum rows of so few numbers."""
    apart: _Rows = np.bitwise_count(one ^ other) @ np.ones(WORDS, np.int64)
    return apart


def _nearest_of_each(theirs: _Rows, mine: _Rows, apart: _Rows) -> tuple[_Rows, _Rows]:
    """Return each of their corners once, with the nearest of mine."""
    order = np.lexsort((apart, theirs))
    theirs, mine = theirs[order], mine[order]
    first = np.append(True, theirs[1:] != theirs[:-1])[: len(theirs)]
    return theirs[first], mine[first]


def _words(descriptors: npt.NDArray[np.uint8]) -> _Rows:
    """Return eight of the sixteen words of each descriptor, those of each table behind those of the one before."""
    return descriptors.view(np.uint16)[:, ::2].astype(np.int64) + VALUES * np.arange(TABLES)


def _joined(hashes: Sequence[bytes]) -> Words:
    return np.frombuffer(b"".join(hashes), np.uint64).reshape(-1, WORDS)
