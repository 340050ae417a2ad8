"""What of a version's pictures decides where they may stand: who sent them, of which video, what they look like."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection

from curation.models import AssetTag, DatasetVersion
from curation.preprocessing.hashes import LOW_CONTRAST
from curation.preprocessing.join import near_pairs

SUBJECT = "subject"  # the key of the tag that says who or what is in the picture
LOOKALIKE_BITS = 16  # of 256: the same scene, shot twice
READ_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Row:
    asset_id: int
    name: str
    worker: int | None
    video: int | None
    sha256: bytes
    hash256: bytes | None
    label: str | None
    quality: float


def rows_of(version: DatasetVersion) -> Iterator[Row]:
    """Read who sent each picture: one person on two accounts is one."""
    query = """
        SELECT a.id, a.public_id::text, coalesce(-w.person_id, a.worker_id, pw.worker_id), a.parent_id, a.sha256,
               CASE WHEN a.contrast >= %s THEN a.hash256 END, coalesce(l.name, i.boxes->0->>'label'),
               coalesce(a.width::float8 * a.height, 0) + atan(coalesce(a.sharpness, 0)) / 2
        FROM curation_datasetitem i JOIN curation_asset a ON a.id = i.asset_id
        LEFT JOIN curation_labelclass l ON l.id = i.label_class_id
        LEFT JOIN curation_asset pw ON pw.id = a.parent_id
        LEFT JOIN crowd_worker w ON w.id = coalesce(a.worker_id, pw.worker_id)
        WHERE i.dataset_id = %s ORDER BY a.id
    """
    with connection.chunked_cursor() as cursor:
        cursor.execute(query, [LOW_CONTRAST, version.pk])
        while part := cursor.fetchmany(READ_AT_ONCE):
            for asset_id, name, worker, video, sha256, hash256, label, quality in part:
                seen = bytes(hash256) if hash256 else None
                yield Row(asset_id, name, worker, video, bytes(sha256), seen, label, quality)


def subjects_of(version: DatasetVersion) -> list[tuple[int, str]]:
    """Return pictures with each of their subjects."""
    tags = AssetTag.objects.filter(project_id=version.project_id, key=SUBJECT, run__is_current=True)
    mine = tags.filter(asset__dataset_items__dataset=version).order_by("asset_id", "value")
    return list(mine.values_list("asset_id", "value"))


def lookalike_pairs(rows: Sequence[Row]) -> Iterator[tuple[int, int]]:
    """Yield the places of pictures that look alike."""
    places = [place for place, row in enumerate(rows) if row.hash256 is not None]
    if len(places) < 2:
        return
    words = np.frombuffer(b"".join(rows[place].hash256 or b"" for place in places), np.uint64).reshape(-1, 4)
    pairs = near_pairs(words, LOOKALIKE_BITS)
    for one, other in zip(pairs.left.tolist(), pairs.right.tolist(), strict=True):
        yield places[one], places[other]


def contents_of(version: DatasetVersion) -> dict[str, Any]:
    """Count what a version holds by its rows: images, boxes, negatives, and both for each class."""
    whole = """
        SELECT count(*), coalesce(sum(jsonb_array_length(boxes)), 0),
               count(*) FILTER (WHERE jsonb_array_length(boxes) = 0)
        FROM curation_datasetitem WHERE dataset_id = %(version)s
    """
    classes = """
        SELECT name, sum(images), sum(boxes) FROM (
            SELECT l.name, 1 AS images, 0 AS boxes FROM curation_datasetitem i
            JOIN curation_labelclass l ON l.id = i.label_class_id WHERE i.dataset_id = %(version)s
            UNION ALL
            SELECT box->>'label', 0, 1 FROM curation_datasetitem i, jsonb_array_elements(i.boxes) box
            WHERE i.dataset_id = %(version)s
        ) told GROUP BY 1 ORDER BY 1
    """
    with connection.cursor() as cursor:
        cursor.execute(whole, {"version": version.pk})
        images, boxes, negatives = map(int, cursor.fetchone())
        cursor.execute(classes, {"version": version.pk})
        found = {name: {"images": int(n), "boxes": int(m)} for name, n, m in cursor.fetchall()}
    return {"images": images, "boxes": boxes, "negatives": negatives, "classes": found}
