"""What an export holds: the rows of a frozen version, or what differs from an earlier one, as a stream of records."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.db import connection

from curation.datasets.formats.base import About, AttributeValue, BoxRecord, Counts, ImageRecord
from curation.datasets.formats.base import LabelClass as FormatClass
from curation.datasets.formats.registry import WITH_OUTLINES
from curation.models import DatasetVersion
from curation.services.cards import card_of

READ_AT_ONCE = 1_000
ADDED, CHANGED, REMOVED = "added", "changed", "removed"
FROM = """
    FROM curation_datasetitem i
    LEFT JOIN curation_datasetitem o ON o.dataset_id = %(since)s AND o.asset_id = i.asset_id
"""
DIFFERS = """
    i.dataset_id = %(version)s AND (o.id IS NULL OR o.boxes IS DISTINCT FROM i.boxes OR o.split <> i.split
    OR o.answers IS DISTINCT FROM i.answers OR o.label_class_id IS DISTINCT FROM i.label_class_id)
"""
ALL = "i.dataset_id = %(version)s"
READ = """
    SELECT a.public_id::text, a.width, a.height, i.boxes::text, i.split, encode(a.sha256, 'hex'), l.name, c.status,
           c.confidence, c.method = 'person', a.licence, coalesce(s.names, nullif(a.source, '')),
           a.worker_id IS NOT NULL, i.answers::text, o.id IS NULL
    {source}
    JOIN curation_asset a ON a.id = i.asset_id
    LEFT JOIN curation_consensus c ON c.id = i.consensus_id
    LEFT JOIN curation_labelclass l ON l.id = i.label_class_id
    LEFT JOIN LATERAL (
        SELECT string_agg(d.name, '; ' ORDER BY d.name) AS names FROM curation_sourcedpicture p
        JOIN curation_datasource d ON d.id = p.source_id WHERE p.asset_id = a.id
    ) s ON true
    WHERE {which} ORDER BY i.asset_id
"""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is exported: a version, or what differs from `since`; pictures up to `max_side`, or as they were sent."""

    version: DatasetVersion
    since: DatasetVersion | None = None
    max_side: int | None = None

    @property
    def which(self) -> str:
        return ALL if self.since is None else DIFFERS

    @property
    def ids(self) -> dict[str, int]:
        return {"version": self.version.pk, "since": self.since.pk if self.since else 0}


@dataclass(frozen=True, slots=True)
class Row:
    """A record, and whether its picture is new to whoever has the earlier version."""

    record: ImageRecord
    is_new: bool


def classes_of(version: DatasetVersion) -> list[FormatClass]:
    """Category ids count from 1, are the class's own index plus one, and so never move; retired classes stay."""
    rows = version.project.classes.order_by("index").values_list("index", "name")
    return [FormatClass(index + 1, name) for index, name in rows]


def about_of(version: DatasetVersion) -> About:
    """Return what an export is of; nothing in it changes after the version is frozen."""
    created = version.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    name = f"winnow/{version.project.slug}-v{version.number}"
    return About(name=name, created=created, version=f"{version.number}.0.0", card=card_of(version))


def expected(wish: Wish) -> Counts:
    """Count what is to be written, before anything is."""
    if wish.since is None:
        counts = wish.version.counts
        return Counts(images=counts["images"], boxes=counts["boxes"], negatives=counts["negatives"])
    number = "jsonb_array_length(i.boxes)"
    query = f"""
        SELECT count(*), coalesce(sum({number}), 0), count(*) FILTER (WHERE {number} = 0) {FROM} WHERE {DIFFERS}
    """
    with connection.cursor() as cursor:
        cursor.execute(query, wish.ids)
        images, boxes, negatives = cursor.fetchone()
    return Counts(images, int(boxes), negatives)


def outlines_lost(wish: Wish, form: str) -> int:
    """Count the outlines of which a format has room for the boxes only."""
    if form in WITH_OUTLINES:
        return 0
    query = f"SELECT count(*) {FROM}, jsonb_path_query(i.boxes, '$[*].points[0]') WHERE {wish.which}"
    with connection.cursor() as cursor:
        cursor.execute(query, wish.ids)
        return int(cursor.fetchone()[0])


def rows_of(wish: Wish) -> Iterator[Row]:
    """Read the records in the order of their ids, in constant memory."""
    licence = str(wish.version.card.get("licence", ""))
    with connection.chunked_cursor() as cursor:
        cursor.execute(READ.format(source=FROM, which=wish.which), wish.ids)
        while part := cursor.fetchmany(READ_AT_ONCE):
            for row in part:
                yield _row(row, wish.max_side, licence)


def removed_of(wish: Wish) -> Iterator[str]:
    """Yield the names of pictures that the earlier version had and this one has not."""
    if wish.since is None:
        return
    query = """
        SELECT a.public_id::text FROM curation_datasetitem o JOIN curation_asset a ON a.id = o.asset_id
        WHERE o.dataset_id = %(since)s AND NOT EXISTS (
            SELECT FROM curation_datasetitem i WHERE i.dataset_id = %(version)s AND i.asset_id = o.asset_id)
        ORDER BY o.asset_id
    """
    with connection.chunked_cursor() as cursor:
        cursor.execute(query, wish.ids)
        while part := cursor.fetchmany(READ_AT_ONCE):
            yield from (file_name(public_id) for (public_id,) in part)


def file_name(public_id: object) -> str:
    return f"{public_id}.jpg"


def _row(row: tuple[Any, ...], max_side: int | None, licence: str) -> Row:
    public_id, width, height, boxes, split, sha256, *about, is_new = row
    wide, high = _fitted(width or 0, height or 0, max_side)
    record = ImageRecord(
        file_name=file_name(public_id),
        width=wide,
        height=high,
        boxes=() if boxes == "[]" else tuple(_box(box, wide, high) for box in json.loads(boxes)),
        attributes=_attributes(about, licence),
        split=split or None,
        sha256=sha256,
    )
    return Row(record, is_new)


def _fitted(width: int, height: int, max_side: int | None) -> tuple[int, int]:
    """Return the size a picture is exported in, rounded as the copies are; never enlarged."""
    if max_side is None or max(width, height) <= max_side:
        return width, height
    factor = max_side / max(width, height)
    return max(1, round(width * factor)), max(1, round(height * factor))


def _box(box: Mapping[str, Any], width: int, height: int) -> BoxRecord:
    return BoxRecord(
        box["index"] + 1,
        round(box["x"] * width, 3),
        round(box["y"] * height, 3),
        round(box["w"] * width, 3),
        round(box["h"] * height, 3),
        box.get("confidence"),
        tuple((round(x * width, 3), round(y * height, 3)) for x, y in box.get("points", ())),
    )


def _attributes(about: list[Any], card_licence: str) -> dict[str, AttributeValue]:
    """What is known of a picture beside its boxes; never who sent it."""
    label, status, confidence, by_person, licence, source, from_crowd, answers = about
    found: dict[str, AttributeValue] = {} if answers == "{}" else dict(json.loads(answers))
    if label is not None:
        found["class"] = label
    if status is not None:
        found["status"], found["confidence"] = status, confidence
        if by_person:
            found["adjusted"] = True
    if licence or card_licence:
        found["licence"] = licence or card_licence
    if source or from_crowd:
        found["source"] = "crowd" if from_crowd else source
    return found
