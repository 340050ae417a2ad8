"""Candidates that no hash of the whole picture finds: pictures that share many corner descriptors."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .features import Features

TABLES = 3
KEY_BITS = 24
STRONGEST = 150
FULL_BUCKET = 12
MIN_VOTES = 6
_SEED = 20_240_256

Keys = npt.NDArray[np.uint32]
"""Shape (3, n): one 24-bit key per table and feature."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stored picture with enough votes; `mirrored` when the mirror image got more of them."""

    id: int
    votes: int
    mirrored: bool


_POSITIONS = np.stack([np.random.default_rng(_SEED + t).choice(256, KEY_BITS, replace=False) for t in range(TABLES)])
_WEIGHTS = (1 << np.arange(KEY_BITS)).astype(np.uint32)


def keys_of(features: Features) -> Keys:
    """Return the keys of the 150 strongest features: 24 fixed bits of the 256 per table."""
    bits = np.unpackbits(features.descriptors[:STRONGEST], axis=1)
    return np.stack([bits[:, positions].astype(np.uint32) @ _WEIGHTS for positions in _POSITIONS]).astype(np.uint32)


class VoteIndex:
    """Postings key -> pictures; buckets of more than 12 entries say nothing and are skipped."""

    def __init__(self) -> None:
        self._buckets: list[dict[int, list[int]]] = [{} for _ in range(TABLES)]

    def add(self, id: int, keys: Keys) -> None:
        for table, row in zip(self._buckets, keys.tolist(), strict=True):
            for key in row:
                bucket = table.setdefault(key, [])
                if len(bucket) <= FULL_BUCKET:
                    bucket.append(id)

    def candidates(self, plain: Keys, mirrored: Keys, *, votes: int = MIN_VOTES) -> list[Candidate]:
        """Return pictures that share at least `votes` keys with a picture or its mirror image, by id."""
        straight, turned = self._count(plain), self._count(mirrored)
        found = [
            Candidate(id_, max(straight[id_], turned[id_]), turned[id_] > straight[id_])
            for id_ in straight.keys() | turned.keys()
        ]
        return sorted((one for one in found if one.votes >= votes), key=lambda one: one.id)

    def _count(self, keys: Keys) -> Counter[int]:
        counts: Counter[int] = Counter()
        for table, row in zip(self._buckets, keys.tolist(), strict=True):
            for key in row:
                bucket = table.get(key, ())
                if len(bucket) <= FULL_BUCKET:
                    counts.update(bucket)
        return counts
