"""Vectors that models made of images and boxes, and what is most alike: by pgvector where it is, else in numpy."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction

from crowd.errors import CrowdError
from curation.models import Asset, Embedding, Project
from curation.preprocessing.hashes import LOW_CONTRAST

LONGEST_SPACE: Final = 60
MOST: Final = 200
A_BATCH: Final = 1_000
HASH_BITS: Final = 256
HASHES: Final = ""
"""The space of our own perceptual hashes, which every measured image has."""


@dataclass(frozen=True, slots=True)
class Vector:
    """One vector: of the whole image (`box` 0) or of a box at `place`."""

    asset_id: int
    box: int
    numbers: Sequence[float]
    place: Mapping[str, float] | None = field(default=None)


@dataclass(frozen=True, slots=True)
class Alike:
    """An image like another; `likeness` is 1 for the same direction (or hash), `box` the number of the box, 0 = all."""

    asset_id: int
    box: int
    likeness: float
    place: Mapping[str, float] | None = None


@transaction.atomic
def keep(*, project: Project, space: str, vectors: Sequence[Vector]) -> int:
    """Keep vectors; one that is there already is replaced. All of a space have the same length."""
    if not vectors:
        return 0
    lengths = {len(one.numbers) for one in vectors}
    kept = Embedding.objects.filter(project=project, space=space).values_list("vector__len", flat=True).first()
    if len(lengths | ({kept} if kept else set())) > 1:
        told = ", ".join(map(str, sorted(lengths | ({kept} if kept else set()))))
        raise CrowdError(f"The embeddings of {space} must have one length; these have {told}.")
    rows = [
        Embedding(
            project=project,
            space=space,
            asset_id=one.asset_id,
            box=one.box,
            place=dict(one.place) if one.place else None,
            vector=list(one.numbers),
        )
        for one in vectors
    ]
    Embedding.objects.bulk_create(
        rows,
        batch_size=A_BATCH,
        update_conflicts=True,
        unique_fields=["asset", "space", "box"],
        update_fields=["place", "vector"],
    )
    return len(rows)


def spaces(project: Project) -> list[str]:
    """Return whose vectors there are, by name."""
    return list(Embedding.objects.filter(project=project).order_by("space").values_list("space", flat=True).distinct())


@cache
def has_pgvector() -> bool:
    """Say whether the database compares vectors itself; asked once a process."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'vector')")
        return bool(cursor.fetchone()[0])


def alike(*, asset: Asset, space: str = HASHES, box: int = 0, most: int = 24) -> list[Alike]:
    """Return what is most like an image, or like one of its boxes (compared with boxes). Raises CrowdError."""
    most = max(1, min(most, MOST))
    if space == HASHES:
        if box:
            raise CrowdError("Boxes have no hashes of their own; choose embeddings that were sent with boxes.")
        return _by_hash(asset, most)
    mine = Embedding.objects.filter(asset=asset, space=space, box=box).first()
    if mine is None:
        what = f"box {box}" if box else "it"
        raise CrowdError(f"{space[:60]} sent no embedding of {what}.")
    search = _in_database if has_pgvector() else _in_numpy
    return search(mine, most)


def _in_database(mine: Embedding, most: int) -> list[Alike]:
    """Compare exactly, in the database: a sequential scan of the space, no approximate index."""
    query = """
        SELECT asset_id, box, 1 - (vector::vector <=> %(mine)s::real[]::vector) AS likeness, place
        FROM curation_embedding
        WHERE project_id = %(project)s AND space = %(space)s AND (box > 0) = %(boxes)s AND asset_id <> %(asset)s
        ORDER BY 3 DESC, asset_id, box LIMIT %(most)s
    """
    told: dict[str, Any] = {
        "mine": list(mine.vector),
        "project": mine.project_id,
        "space": mine.space,
        "boxes": mine.box > 0,
        "asset": mine.asset_id,
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(query, told)
        return [Alike(asset_id, box, float(near), _place(place)) for asset_id, box, near, place in cursor.fetchall()]


def _place(told: Any) -> Mapping[str, float] | None:
    """Return a column of JSON as Django reads it: a raw cursor gives text."""
    found: Mapping[str, float] | None = json.loads(told) if isinstance(told, str) else told
    return found


def _in_numpy(mine: Embedding, most: int) -> list[Alike]:
    rows = Embedding.objects.filter(project=mine.project_id, space=mine.space).exclude(asset=mine.asset_id)
    rows = rows.filter(box__gt=0) if mine.box else rows.filter(box=0)
    found = list(rows.order_by("asset_id", "box").values_list("asset_id", "box", "place", "vector").iterator(5_000))
    if not found:
        return []
    table = _directions(np.array([row[3] for row in found], dtype=np.float32))
    near = table @ _directions(np.array([mine.vector], dtype=np.float32))[0]
    best = np.argsort(-near, kind="stable")[:most]
    return [Alike(found[at][0], found[at][1], float(near[at]), found[at][2]) for at in best.tolist()]


def _directions(table: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    lengths: npt.NDArray[np.float32] = np.linalg.norm(table, axis=1, keepdims=True).astype(np.float32)
    return (table / lengths).astype(np.float32)


def _by_hash(asset: Asset, most: int) -> list[Alike]:
    if asset.hash256 is None or (asset.contrast or 0) < LOW_CONTRAST:
        raise CrowdError(
            "This image has no hash that could be compared: it was not measured, or is nearly of one tone."
        )
    query = """
        SELECT id, bit_count(substring(hash256::text FROM 2)::bit(256) # %(mine)s::bit(256)) FROM curation_asset
        WHERE project_id = %(project)s AND id <> %(asset)s AND hash256 IS NOT NULL AND contrast >= %(least)s
        ORDER BY 2, id LIMIT %(most)s
    """
    told: dict[str, Any] = {
        "mine": "x" + bytes(asset.hash256).hex(),
        "project": asset.project_id,
        "asset": asset.pk,
        "least": LOW_CONTRAST,
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(query, told)
        return [Alike(pk, 0, 1 - bits / HASH_BITS) for pk, bits in cursor.fetchall()]
