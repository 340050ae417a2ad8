"""What differs between two versions of one project's data set: counts by SQL, boxes as a stream, lists by page."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from crowd.errors import CrowdError
from curation.datasets.changes import Match, image_iou, matches
from curation.models import DatasetVersion, LabelClass

A_PAGE = 50
READ_AT_ONCE = 2_000


class Kind(StrEnum):
    """How a picture differs; one picture may be changed, reclassed and resplit at once."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"  # its boxes
    RECLASSED = "reclassed"  # the class it was made for
    ANSWERED = "answered"  # what people chose or wrote
    RESPLIT = "resplit"  # train, val, test


WHERE = {
    Kind.ADDED: "o.asset_id IS NULL",
    Kind.REMOVED: "n.asset_id IS NULL",
    Kind.CHANGED: "o.boxes IS DISTINCT FROM n.boxes AND o.asset_id IS NOT NULL AND n.asset_id IS NOT NULL",
    Kind.RECLASSED: "o.label_class_id IS DISTINCT FROM n.label_class_id"
    " AND o.asset_id IS NOT NULL AND n.asset_id IS NOT NULL",
    Kind.ANSWERED: "o.answers IS DISTINCT FROM n.answers AND o.asset_id IS NOT NULL AND n.asset_id IS NOT NULL",
    Kind.RESPLIT: "o.split <> n.split",
}
PAIRS = """
FROM (SELECT * FROM curation_datasetitem WHERE dataset_id = %(old)s) o
FULL JOIN (SELECT * FROM curation_datasetitem WHERE dataset_id = %(new)s) n ON n.asset_id = o.asset_id
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """How many pictures differ, and how."""

    old_images: int
    new_images: int
    added: int
    removed: int
    changed: int
    reclassed: int
    answered: int
    resplit: int

    @property
    def is_empty(self) -> bool:
        return not any(getattr(self, kind) for kind in Kind)


@dataclass(slots=True)
class BoxChanges:
    """What became of the boxes of the changed pictures; `mean_iou` is the mean of these pictures' IoU."""

    added: int = 0
    removed: int = 0
    moved: int = 0
    relabelled: Counter[tuple[str, str]] = field(default_factory=Counter)
    images: int = 0
    iou_sum: float = 0.0

    @property
    def mean_iou(self) -> float | None:
        return self.iou_sum / self.images if self.images else None

    def add(self, found: Sequence[Match], before: Sequence[Any], after: Sequence[Any]) -> None:
        self.images += 1
        self.iou_sum += image_iou(found)
        for match in found:
            self.added += match.before is None
            self.removed += match.after is None
            self.moved += match.moved
            if match.relabelled and match.before is not None and match.after is not None:
                self.relabelled[before[match.before]["label"], after[match.after]["label"]] += 1


@dataclass(frozen=True, slots=True)
class Changed:
    """One picture that differs. Boxes are as frozen: label, x, y, w, h in shares of the picture, confidence."""

    asset_id: int
    public_id: UUID
    before: list[dict[str, Any]] | None
    after: list[dict[str, Any]] | None
    class_before: str | None
    class_after: str | None
    answers_before: dict[str, str] | None
    answers_after: dict[str, str] | None
    split_before: str | None
    split_after: str | None
    matches: list[Match]

    @property
    def iou(self) -> float:
        return image_iou(self.matches)


def compare(*, old: DatasetVersion, new: DatasetVersion) -> Difference:
    """Count the pictures that differ, in one statement."""
    _require_one_project(old, new)
    counts = ", ".join(f"count(*) FILTER (WHERE {WHERE[kind]})" for kind in Kind)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(o.asset_id), count(n.asset_id), {counts} {PAIRS}", _ids(old, new))
        return Difference(*cursor.fetchone())


def box_changes(*, old: DatasetVersion, new: DatasetVersion, most: int | None = None) -> BoxChanges:
    """Count what became of the boxes; reads every changed picture once, in constant memory.

    With `most` only the first so many changed pictures are read, so that a page never waits; `images` says how many.
    """
    _require_one_project(old, new)
    found = BoxChanges()
    for before, after in _changed_boxes(old, new, most):
        found.add(matches(before, after), before, after)
    return found


def page(*, old: DatasetVersion, new: DatasetVersion, kind: str, after: int = 0, limit: int = A_PAGE) -> list[Changed]:
    """Return the pictures that differ in this way, in the order of their ids, beginning after an `asset_id`."""
    _require_one_project(old, new)
    query = f"""
        SELECT coalesce(o.asset_id, n.asset_id) AS asset_id, a.public_id, o.boxes, n.boxes, o.answers, n.answers,
               o.label_class_id, n.label_class_id, o.split, n.split
        FROM (SELECT * FROM curation_datasetitem WHERE dataset_id = %(old)s AND asset_id > %(after)s) o
        FULL JOIN (SELECT * FROM curation_datasetitem WHERE dataset_id = %(new)s AND asset_id > %(after)s) n
             ON n.asset_id = o.asset_id
        JOIN curation_asset a ON a.id = coalesce(o.asset_id, n.asset_id)
        WHERE {WHERE[Kind(kind)]} ORDER BY 1 LIMIT %(limit)s
    """  # noqa: S608  the condition is one of ours
    names = dict(LabelClass.objects.filter(project=new.project_id).values_list("pk", "name"))
    with connection.cursor() as cursor:
        cursor.execute(query, {**_ids(old, new), "after": after, "limit": limit})
        return [_one(row, names) for row in cursor.fetchall()]


def each(*, old: DatasetVersion, new: DatasetVersion, kind: str) -> Iterator[Changed]:
    """Yield all of them, page after page."""
    after = 0
    while found := page(old=old, new=new, kind=kind, after=after, limit=READ_AT_ONCE):
        yield from found
        after = found[-1].asset_id


def _one(row: tuple[Any, ...], names: dict[int, str]) -> Changed:
    asset_id, public_id, *frozen, class_before, class_after, split_before, split_after = row
    before, after, said_before, said_after = (None if one is None else _read(one) for one in frozen)
    found = matches(before or [], after or [])
    told = names.get(class_before), names.get(class_after), said_before, said_after
    return Changed(asset_id, public_id, before, after, *told, split_before, split_after, found)


def _changed_boxes(old: DatasetVersion, new: DatasetVersion, most: int | None) -> Iterator[tuple[list[Any], list[Any]]]:
    query = f"SELECT o.boxes, n.boxes {PAIRS} WHERE {WHERE[Kind.CHANGED]} ORDER BY o.asset_id LIMIT %(most)s"
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(query, {**_ids(old, new), "most": most})
        while rows := cursor.fetchmany(READ_AT_ONCE):
            for before, after in rows:
                yield _read(before), _read(after)


def _read(frozen: Any) -> Any:
    """JSON comes as text where Django has not unpacked it."""
    return json.loads(frozen) if isinstance(frozen, str) else frozen


def _ids(old: DatasetVersion, new: DatasetVersion) -> dict[str, int]:
    return {"old": old.pk, "new": new.pk}


def _require_one_project(old: DatasetVersion, new: DatasetVersion) -> None:
    if old.project_id != new.project_id:
        raise CrowdError(f"{old} and {new} are of different projects; only versions of one can be compared.")
