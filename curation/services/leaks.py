"""The leakage report: what stands in more than one part of a version, by worker, video, subject, bytes and looks."""

from dataclasses import dataclass

from django.db import connection

from crowd.errors import CrowdError
from curation.models import DatasetItem, DatasetVersion
from curation.preprocessing.join import TooManyPairs
from curation.services.split_rows import lookalike_pairs, rows_of


class TooManyLeaks(CrowdError):
    """More look-alikes than can be listed."""


@dataclass(frozen=True, slots=True)
class Leak:
    """Something that stands in more than one part: what it is, the parts, how many pictures, two of them as proof."""

    kind: str
    splits: tuple[str, ...]
    images: int
    examples: tuple[int, int]


KEYS = {
    "worker": "coalesce('p' || w.person_id, 'w' || coalesce(a.worker_id, pw.worker_id))",
    "video": "a.parent_id::text",
    "same_file": "encode(a.sha256, 'hex')",
    "subject": "unnest(ARRAY(SELECT DISTINCT t.value FROM curation_assettag t JOIN curation_tagrun r ON r.id = t.run_id"
    " WHERE r.is_current AND t.asset_id = a.id AND t.key = 'subject'))",
}


def leak_counts(version: DatasetVersion) -> dict[str, int | None]:
    """Return how many workers, videos, subjects, files and pairs of lookalikes stand in more than one part.

    Lookalikes are None where there are more of them than can be listed.
    """
    counts: dict[str, int | None] = {kind: len(_leaks(version, kind)) for kind in KEYS}
    try:
        counts["lookalike"] = len(_lookalikes_apart(version))
    except TooManyPairs:
        counts["lookalike"] = None
    return counts


def leaks_of(version: DatasetVersion, kind: str) -> list[Leak]:
    """Name everything of one kind that stands in more than one part of a version; nothing where it is not split."""
    if kind != "lookalike":
        return _leaks(version, kind)
    try:
        return _lookalikes_apart(version)
    except TooManyPairs:
        raise TooManyLeaks("Too many pictures look alike to list them; thin them out first.") from None


def _leaks(version: DatasetVersion, kind: str) -> list[Leak]:
    query = f"""
        SELECT array_agg(DISTINCT split ORDER BY split), count(*), (array_agg(asset_id ORDER BY split, asset_id))[1],
               (array_agg(asset_id ORDER BY split DESC, asset_id))[1] FROM (
            SELECT i.split, i.asset_id, {KEYS[kind]} AS key
            FROM curation_datasetitem i JOIN curation_asset a ON a.id = i.asset_id
            LEFT JOIN curation_asset pw ON pw.id = a.parent_id
            LEFT JOIN crowd_worker w ON w.id = coalesce(a.worker_id, pw.worker_id)
            WHERE i.dataset_id = %s AND i.split <> ''
        ) told WHERE key IS NOT NULL GROUP BY key HAVING count(DISTINCT split) > 1 ORDER BY 2 DESC, 3
    """  # noqa: S608  the key is one of ours
    with connection.cursor() as cursor:
        cursor.execute(query, [version.pk])
        return [Leak(kind, tuple(splits), n, (first, last)) for splits, n, first, last in cursor.fetchall()]


def _lookalikes_apart(version: DatasetVersion) -> list[Leak]:
    rows = list(rows_of(version))
    split_of = dict(DatasetItem.objects.filter(dataset=version).exclude(split="").values_list("asset_id", "split"))
    found = []
    for one, other in lookalike_pairs(rows):
        pair = rows[one].asset_id, rows[other].asset_id
        parts = sorted({split_of[asset_id] for asset_id in pair if asset_id in split_of})
        if len(parts) > 1:
            found.append(Leak("lookalike", tuple(parts), 2, pair))
    return found
