"""A page of assets as plain values: what the serializer of a single asset shows, at a fraction of its work.

A model and a serializer for each of thirty assets with its consensus and boxes is most of what a page costs.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from django.db import connection

COLUMNS: Final[Mapping[str, str]] = {
    "id": "public_id",
    "project": "project__public_id",
    "client_key": "client_key",
    "media": "media",
    "name": "name",
    "label_class": "label_class__name",
    "stage": "stage__name",
    "state": "state",
    "reason": "reason",
    "width": "width",
    "height": "height",
    "bytes": "bytes",
    "sha256": "sha256",
    "source": "source",
    "licence": "licence",
    "parent": "parent__public_id",
    "frame_index": "frame_index",
    "frame_ms": "frame_ms",
    "created_at": "created_at",
}
CONSENSUS: Final = "consensus"
STANDING: Final = """
    SELECT c.id, c.asset_id, s.name, c.version, c.method, c.status, c.label, c.confidence, c.lowest_iou, c.n_answers,
           c.created_at
    FROM curation_consensus c JOIN curation_stage s ON s.id = c.stage_id
    WHERE c.asset_id = ANY(%s) AND c.is_current ORDER BY s.position
"""
STANDING_NAMES: Final = (
    "stage", "version", "method", "status", "label", "confidence", "lowest_iou", "n_answers",
)  # fmt: skip
BOXES: Final = """
    SELECT consensus_id, label, x, y, w, h, confidence, points FROM curation_consensusbox
    WHERE consensus_id = ANY(%s) ORDER BY consensus_id, seq
"""
BOX_NAMES: Final = ("label", "x", "y", "w", "h", "confidence")


def columns_of(names: Collection[str]) -> list[str]:
    """Return the columns that the fields of these names are read from."""
    return [column for name, column in COLUMNS.items() if name in names]


def shown(rows: Sequence[Any], names: Collection[str]) -> list[dict[str, Any]]:
    """Return rows of `pk` and `columns_of(names)` as the API shows them."""
    own = [name for name in COLUMNS if name in names]
    standing = _standing([row.pk for row in rows]) if CONSENSUS in names else {}
    found = []
    for pk, *values in rows:
        told = dict(zip(own, values, strict=True))
        if "sha256" in told:
            told["sha256"] = bytes(told["sha256"]).hex()
        if CONSENSUS in names:
            told[CONSENSUS] = standing.get(pk, [])
        found.append(told)
    return found


def _box(values: Sequence[Any]) -> dict[str, Any]:
    *sides, points = values
    return dict(zip(BOX_NAMES, sides, strict=True)) | {"points": json.loads(points)}


def _standing(assets: list[int]) -> Mapping[int, list[dict[str, Any]]]:
    """Return what stands of each asset, by stage, with its boxes."""
    with connection.cursor() as cursor:
        cursor.execute(STANDING, [assets])
        rows = cursor.fetchall()
        cursor.execute(BOXES, [[row[0] for row in rows]])
        boxes: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for consensus, *box in cursor.fetchall():
            boxes[consensus].append(_box(box))
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for pk, asset, *told, created_at in rows:
        named = dict(zip(STANDING_NAMES, told, strict=True))
        found[asset].append(named | {"boxes": boxes.get(pk, []), "created_at": created_at})
    return found
