"""Who leads whom, at each distance, as arrays in the storage: a hundred thousand pictures are two megabytes."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

STOPS = (2, 4, 8, 12, 16, 24, 32, 48)
"""Distances in bits of 256 at which pictures are grouped; unrelated ones are never nearer than 86."""

Ids = npt.NDArray[np.int64]
Leaders = npt.NDArray[np.int32]
Distances = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False, slots=True)
class Pictures:
    """The pictures of one search in order of precedence, and the class of each (0 = none): int64[n] both."""

    ids: Ids
    classes: Ids


@dataclass(frozen=True, eq=False, slots=True)
class Grouping:
    """For each picture the place of its leader and the bits between them: int32[n], uint8[n]."""

    leaders: Leaders
    distances: Distances


def store_pictures(prefix: str, pictures: Pictures) -> None:
    _store(f"{prefix}/pictures.npz", ids=pictures.ids, classes=pictures.classes)


def store_grouping(prefix: str, stop: int, grouping: Grouping) -> None:
    _store(f"{prefix}/{stop}.npz", leaders=grouping.leaders, distances=grouping.distances)


def _store(name: str, **arrays: npt.NDArray[np.generic]) -> None:
    if default_storage.exists(name):  # an earlier run of the same slice died after it
        default_storage.delete(name)
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]
    default_storage.save(name, ContentFile(file.getvalue()))


@lru_cache(maxsize=8)
def pictures_of(prefix: str) -> Pictures:
    found = _read(f"{prefix}/pictures.npz")
    return Pictures(found["ids"], found["classes"])


@lru_cache(maxsize=32)
def grouping_of(prefix: str, stop: int) -> Grouping:
    found = _read(f"{prefix}/{stop}.npz")
    return Grouping(found["leaders"], found["distances"])


def _read(name: str) -> dict[str, Any]:
    with default_storage.open(name, "rb") as file:
        found = np.load(io.BytesIO(file.read()), allow_pickle=False)
        return {key: found[key] for key in found.files}


def delete(prefix: str) -> None:
    for name in ("pictures", *STOPS):
        default_storage.delete(f"{prefix}/{name}.npz")
