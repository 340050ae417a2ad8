"""Train, val and test without leaks: whoever sent pictures, whatever video they are of, is in one part only."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection, transaction

from crowd.bulk import staged
from crowd.errors import CrowdError
from curation.datasets.splitting import USUAL_SHARES, BadShares, Dealt, Together, checked_shares, deal
from curation.models import AssetTag, DatasetItem, DatasetVersion, User
from curation.preprocessing.hashes import LOW_CONTRAST
from curation.preprocessing.join import TooManyPairs, near_pairs
from curation.services import events, versions
from curation.services.turns import take_turns

TIES = ("worker", "video", "subject", "lookalike")
USUAL_TIES = ("worker", "video", "subject")
SUBJECT = "subject"  # the key of the tag that says who or what is in the picture
LOOKALIKE_BITS = 16  # of 256: the same scene, shot twice
READ_AT_ONCE = 5_000


class BadSplit(CrowdError):
    """A split that cannot be made as it was asked for."""


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """How to split. Pictures of the same bytes stay together whatever `by` says."""

    by: tuple[str, ...] = USUAL_TIES
    shares: Mapping[str, float] = field(default_factory=lambda: dict(USUAL_SHARES))
    seed: int = 0
    keep: bool = True  # what an earlier version had in a part stays in it

    def __post_init__(self) -> None:
        unknown = [tie for tie in self.by if tie not in TIES]
        if unknown:
            raise BadSplit(f"{unknown[0]!r} is nothing pictures are kept together by; there are: {', '.join(TIES)}.")
        try:
            object.__setattr__(self, "shares", checked_shares(self.shares))
        except BadShares as error:
            raise BadSplit(str(error)) from None


@dataclass(frozen=True, slots=True)
class Leak:
    """Something that stands in more than one part: what it is, the parts, how many pictures, two of them as proof."""

    kind: str
    splits: tuple[str, ...]
    images: int
    examples: tuple[int, int]


@transaction.atomic
def split_version(*, dataset_id: int, plan: SplitPlan, by: User | None, now: datetime) -> DatasetVersion:
    """Freeze the next version: the pictures and boxes of this one, dealt out to the parts. This one stays as it is."""
    whole = DatasetVersion.objects.select_related("project").get(pk=dataset_id)
    project = whole.project
    take_turns(project=project, what="versions")
    newest = DatasetVersion.objects.filter(project=project).order_by("-number").first()
    version = DatasetVersion.objects.create(
        project=project,
        number=newest.number + 1 if newest else 1,
        note=f"{whole}, split by {', '.join(plan.by) or 'picture'}",
        query=whole.query,
        counts=whole.counts,
        card=whole.card,
        frozen_at=now,
        created_by=by,
        created_at=now,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO curation_datasetitem (dataset_id, asset_id, consensus_id, label_class_id, boxes, split) "
            "SELECT %s, asset_id, consensus_id, label_class_id, boxes, '' FROM curation_datasetitem "
            "WHERE dataset_id = %s ORDER BY asset_id",
            [version.pk, whole.pk],
        )
    assign(version=version, plan=plan)
    text = f"Version {version.number} was frozen: {whole}, split into {', '.join(plan.shares)}."
    events.record(kind="dataset.frozen", text=text, project=project, subject=version, by=by, now=now)
    versions.bump(project_id=project.pk)
    return version


def assign(*, version: DatasetVersion, plan: SplitPlan) -> None:
    """Deal the pictures of a version that is being frozen out to the parts, and note how in the version."""
    rows = list(_rows(version))
    if not rows:
        return
    together = Together()
    subjects = _subjects(version) if "subject" in plan.by else {}
    for row in rows:
        together.add(_ties(row, plan.by, subjects))
    if "lookalike" in plan.by:
        _join_lookalikes(together, rows)
    groups = [together.group_of(number) for number in range(len(rows))]
    earlier = _earlier(version, rows) if plan.keep else {}
    dealt = deal(groups, [row.name for row in rows], shares=plan.shares, seed=plan.seed, earlier=earlier)
    _store(version, rows, groups, dealt)
    version.splits = {
        "by": list(plan.by),
        "seed": plan.seed,
        "shares": {name: round(share, 6) for name, share in plan.shares.items()},
        "groups": len(dealt.splits),
        "kept_groups": dealt.kept,
        "moved_groups": dealt.moved,
        "counts": counts_of(version, plan.shares),
    }
    version.splits["leaks"] = leak_counts(version)
    version.save(update_fields=["splits"])


def _join_lookalikes(together: Together, rows: Sequence["_Row"]) -> None:
    try:
        for one, other in lookalike_pairs(rows):
            together.join(one, other)
    except TooManyPairs:
        raise BadSplit("Too many pictures look alike to keep them together; thin them out first.") from None


@dataclass(frozen=True, slots=True)
class _Row:
    asset_id: int
    name: str
    worker: int | None
    video: int | None
    sha256: bytes
    hash256: bytes | None


def _rows(version: DatasetVersion) -> Iterator[_Row]:
    """Read who sent each picture: one person on two accounts is one."""
    query = """
        SELECT a.id, a.public_id, coalesce(-w.person_id, a.worker_id, pw.worker_id), a.parent_id, a.sha256,
               CASE WHEN a.contrast >= %s THEN a.hash256 END
        FROM curation_datasetitem i JOIN curation_asset a ON a.id = i.asset_id
        LEFT JOIN curation_asset pw ON pw.id = a.parent_id
        LEFT JOIN crowd_worker w ON w.id = coalesce(a.worker_id, pw.worker_id)
        WHERE i.dataset_id = %s ORDER BY a.id
    """
    with connection.chunked_cursor() as cursor:
        cursor.execute(query, [LOW_CONTRAST, version.pk])
        while part := cursor.fetchmany(READ_AT_ONCE):
            for asset_id, name, worker, video, sha256, hash256 in part:
                yield _Row(asset_id, str(name), worker, video, bytes(sha256), bytes(hash256) if hash256 else None)


def _subjects(version: DatasetVersion) -> dict[int, str]:
    tags = AssetTag.objects.filter(project_id=version.project_id, key=SUBJECT, run__is_current=True)
    return dict(tags.filter(asset__dataset_items__dataset=version).values_list("asset_id", "value"))


def _ties(row: _Row, by: Sequence[str], subjects: Mapping[int, str]) -> Iterator[tuple[str, Any]]:
    yield "bytes", row.sha256
    for kind, value in (("worker", row.worker), ("video", row.video), ("subject", subjects.get(row.asset_id))):
        if kind in by and value is not None:
            yield kind, value


def lookalike_pairs(rows: Sequence[_Row]) -> Iterator[tuple[int, int]]:
    """Yield the places of pictures that look alike."""
    places = [place for place, row in enumerate(rows) if row.hash256 is not None]
    if len(places) < 2:
        return
    words = np.frombuffer(b"".join(rows[place].hash256 or b"" for place in places), np.uint64).reshape(-1, 4)
    pairs = near_pairs(words, LOOKALIKE_BITS)
    for one, other in zip(pairs.left.tolist(), pairs.right.tolist(), strict=True):
        yield places[one], places[other]


def _earlier(version: DatasetVersion, rows: Sequence[_Row]) -> dict[int, str]:
    """Return where each picture was in the newest version before this one that was split and has it."""
    before = DatasetItem.objects.filter(dataset__project_id=version.project_id, dataset__number__lt=version.number)
    mine = before.exclude(split="").filter(asset_id__in=version.items.values("asset_id"))
    newest = mine.order_by("asset_id", "-dataset__number").distinct("asset_id")
    was = dict(newest.values_list("asset_id", "split"))
    return {place: was[row.asset_id] for place, row in enumerate(rows) if row.asset_id in was}


def _store(version: DatasetVersion, rows: Sequence[_Row], groups: Sequence[int], dealt: Dealt) -> None:
    pairs = ((row.asset_id, dealt.splits[group]) for row, group in zip(rows, groups, strict=True))
    with transaction.atomic(), staged("dealt", {"asset_id": "bigint", "split": "text"}, pairs) as cursor:
        cursor.execute(
            "UPDATE curation_datasetitem i SET split = dealt.split FROM dealt "
            "WHERE i.dataset_id = %s AND i.asset_id = dealt.asset_id",
            [version.pk],
        )


def counts_of(version: DatasetVersion, names: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Count pictures and boxes of each part."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT split, count(*), sum(jsonb_array_length(boxes)) FROM curation_datasetitem "
            "WHERE dataset_id = %s GROUP BY 1",
            [version.pk],
        )
        found = {split: {"images": images, "boxes": int(boxes)} for split, images, boxes in cursor.fetchall()}
    return {name: found.get(name, {"images": 0, "boxes": 0}) for name in names}


# --- the report --------------------------------------------------------------------------------------------------
KEYS = {
    "worker": "coalesce('p' || w.person_id, 'w' || coalesce(a.worker_id, pw.worker_id))",
    "video": "a.parent_id::text",
    "same_file": "encode(a.sha256, 'hex')",
    "subject": "(SELECT min(t.value) FROM curation_assettag t JOIN curation_tagrun r ON r.id = t.run_id"
    " WHERE r.is_current AND t.asset_id = a.id AND t.key = 'subject')",
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
        raise BadSplit("Too many pictures look alike to list them; thin them out first.") from None


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
    rows = list(_rows(version))
    split_of = dict(DatasetItem.objects.filter(dataset=version).exclude(split="").values_list("asset_id", "split"))
    found = []
    for one, other in lookalike_pairs(rows):
        pair = rows[one].asset_id, rows[other].asset_id
        parts = sorted({split_of[asset_id] for asset_id in pair if asset_id in split_of})
        if len(parts) > 1:
            found.append(Leak("lookalike", tuple(parts), 2, pair))
    return found
