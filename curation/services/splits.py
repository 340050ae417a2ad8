"""Train, val and test without leaks: whoever sent pictures, whatever video they are of, is in one part only."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from django.db import connection, transaction

from crowd.bulk import staged
from crowd.errors import CrowdError
from curation.datasets.splitting import (
    USUAL_SHARES,
    BadShares,
    Dealt,
    Grouped,
    checked_shares,
    chi_squares,
    deal,
    grouped,
    groups_of,
)
from curation.models import DatasetItem, DatasetVersion
from curation.preprocessing.join import TooManyPairs
from curation.services import locked_parts
from curation.services.leaks import Leak as Leak
from curation.services.leaks import leak_counts
from curation.services.leaks import leaks_of as leaks_of
from curation.services.split_rows import Row, contents_of, lookalike_pairs, rows_of, subjects_of

TIES = ("worker", "video", "subject", "lookalike")
USUAL_TIES = ("worker", "video", "subject")
CROSS_SUBJECT = "cross_subject_duplicate"
NO_CLASS = "no class"


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


def assign(*, version: DatasetVersion, plan: SplitPlan) -> None:
    """Deal the pictures of a version that is being frozen out to the parts, and note how in the version."""
    rows = list(rows_of(version))
    if not rows:
        return
    locked = _locked(version, rows)
    if locked:
        plan = _for_locked(plan, locked)
    together = _grouped(version, rows, plan, locked)
    left_out = set(together.left_out.tolist())
    stay = [place for place in range(len(rows)) if place not in left_out]
    groups = together.groups[stay].tolist()
    kept = [rows[place] for place in stay]
    moved_to = {place: at for at, place in enumerate(stay)}
    dealt = deal(
        groups,
        [row.name for row in kept],
        shares=plan.shares,
        seed=plan.seed,
        classes=_numbered(row.label for row in kept),
        earlier=_earlier(version, kept) if plan.keep else {},
        fixed={moved_to[place]: part for place, part in locked.items() if place in moved_to},
    )
    _leave_out(version, [rows[place].asset_id for place in sorted(left_out)])
    _store(version, kept, groups, dealt)
    version.splits = {
        "by": list(plan.by),
        "seed": plan.seed,
        "shares": {name: round(share, 6) for name, share in plan.shares.items()},
        "groups": len(dealt.splits),
        "kept_groups": dealt.kept,
        "moved_groups": dealt.moved,
        "crowded_groups": len(dealt.crowded),
        "left_out": {CROSS_SUBJECT: len(left_out)} if left_out else {},
        "counts": counts_of(version, plan.shares),
        **_by_class(kept, groups, dealt, plan.shares),
    }
    version.splits["leaks"] = leak_counts(version)
    version.save(update_fields=["splits", "counts"])


def _grouped(version: DatasetVersion, rows: Sequence[Row], plan: SplitPlan, locked: Mapping[int, str]) -> Grouped:
    """Group by who, which video and which subject; duplicates join too, unless they would glue a giant together."""
    known: dict[str, list[Any]] = {
        "worker": [row.worker for row in rows],
        "video": [row.video for row in rows],
        "subject": _by_subject(version, rows) if "subject" in plan.by else [],
    }
    owners = [np.array(_numbered(values), dtype=np.int64) for kind, values in known.items() if kind in plan.by]
    pairs = list(_same_bytes(rows))
    if "lookalike" in plan.by:
        pairs += _lookalikes(rows)
    duplicates = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    if not {"worker", "subject"} & set(plan.by):
        return Grouped(groups_of(len(rows), owners, duplicates), np.empty(0, dtype=np.int64), 0)
    quality = np.array([row.quality for row in rows])
    quality[list(locked)] = np.inf
    found = grouped(len(rows), owners, duplicates, quality)
    keep = np.isin(found.left_out, list(locked), invert=True)
    return replace(found, left_out=found.left_out[keep])


def _by_subject(version: DatasetVersion, rows: Sequence[Row]) -> list[int | None]:
    """Return for each picture what it shares with all that have a subject of its in common, None without a subject."""
    place_of = {row.asset_id: place for place, row in enumerate(rows)}
    first: dict[str, int] = {}
    pairs = []
    for asset_id, name in subjects_of(version):
        place = place_of[asset_id]
        pairs.append((first.setdefault(name, place), place))
    joined = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    groups: list[int | None] = [None] * len(rows)
    of_all = groups_of(len(rows), [], joined)
    for _, place in pairs:
        groups[place] = int(of_all[place])
    return groups


def _numbered(values: Iterable[Hashable]) -> list[int]:
    """Return a number for each value, the same for equal ones; -1 for None."""
    numbers: dict[Hashable, int] = {}
    return [-1 if value is None else numbers.setdefault(value, len(numbers)) for value in values]


def _same_bytes(rows: Sequence[Row]) -> Iterator[tuple[int, int]]:
    first: dict[bytes, int] = {}
    for place, row in enumerate(rows):
        other = first.setdefault(row.sha256, place)
        if other != place:
            yield other, place


def _lookalikes(rows: Sequence[Row]) -> list[tuple[int, int]]:
    try:
        return list(lookalike_pairs(rows))
    except TooManyPairs:
        raise BadSplit("Too many pictures look alike to keep them together; thin them out first.") from None


def _locked(version: DatasetVersion, rows: Sequence[Row]) -> dict[int, str]:
    """Return the places of pictures that are in a locked part, and which."""
    parts = locked_parts.places(version.project)
    return {place: parts[row.asset_id] for place, row in enumerate(rows) if row.asset_id in parts} if parts else {}


def _for_locked(plan: SplitPlan, locked: Mapping[int, str]) -> SplitPlan:
    """Return the plan with frames of one video kept together: of a locked one they are all locked.

    Raises BadSplit where a locked part is missing from the shares, so that its pictures would go into others.
    """
    lost = next((part for part in locked.values() if part not in plan.shares), None)
    if lost is not None:
        n = sum(part == lost for part in locked.values())
        raise BadSplit(
            f"{lost} is locked and has {n:,} of these pictures: name it in the shares, or unlock it with a reason."
        )
    return plan if "video" in plan.by else replace(plan, by=(*plan.by, "video"))


def _leave_out(version: DatasetVersion, asset_ids: Sequence[int]) -> None:
    """Take pictures out of the version that is being frozen, and count it anew."""
    if not asset_ids:
        return
    version.items.filter(asset_id__in=asset_ids).delete()
    version.counts = {**version.counts, **contents_of(version)}


def _by_class(rows: Sequence[Row], groups: Sequence[int], dealt: Dealt, shares: Mapping[str, float]) -> dict[str, Any]:
    """Count each class in each part, and say how far that is from the shares."""
    counts: dict[str, dict[str, int]] = {}
    for row, group in zip(rows, groups, strict=True):
        mine = counts.setdefault(row.label or NO_CLASS, {})
        mine[dealt.splits[group]] = mine.get(dealt.splits[group], 0) + 1
    return _of_classes(counts, shares)


def _of_classes(counts: Mapping[str, Mapping[str, int]], shares: Mapping[str, float]) -> dict[str, Any]:
    return {
        "classes": dict(sorted(counts.items())),
        "chi_square": {name: round(value, 4) for name, value in sorted(chi_squares(counts, shares).items())},
    }


def _earlier(version: DatasetVersion, rows: Sequence[Row]) -> dict[int, str]:
    """Return where each picture is in the newest version that was split before and has it, whatever its number."""
    before = DatasetItem.objects.filter(dataset__project_id=version.project_id)
    mine = (
        before.filter(dataset__frozen_at__isnull=False)
        .exclude(split="")
        .filter(asset_id__in=version.items.values("asset_id"))
    )
    newest = mine.order_by("asset_id", "-dataset__number").distinct("asset_id")
    was = dict(newest.values_list("asset_id", "split"))
    return {place: was[row.asset_id] for place, row in enumerate(rows) if row.asset_id in was}


def _store(version: DatasetVersion, rows: Sequence[Row], groups: Sequence[int], dealt: Dealt) -> None:
    pairs = ((row.asset_id, dealt.splits[group]) for row, group in zip(rows, groups, strict=True))
    with transaction.atomic(), staged("dealt", {"asset_id": "bigint", "split": "text"}, pairs) as cursor:
        cursor.execute(
            "UPDATE curation_datasetitem i SET split = dealt.split FROM dealt "
            "WHERE i.dataset_id = %s AND i.asset_id = dealt.asset_id",
            [version.pk],
        )


def parts_now(version: DatasetVersion) -> dict[str, Any]:
    """Return how a version is split, its parts counted anew: some of its pictures were erased."""
    if not version.splits:
        return {}
    shares: dict[str, float] = version.splits["shares"]
    counts: dict[str, dict[str, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(l.name, i.boxes->0->>'label', %s), i.split, count(*) FROM curation_datasetitem i "
            "LEFT JOIN curation_labelclass l ON l.id = i.label_class_id WHERE i.dataset_id = %s GROUP BY 1, 2",
            [NO_CLASS, version.pk],
        )
        for name, split, images in cursor.fetchall():
            counts.setdefault(name, {})[split] = images
    return {**version.splits, "counts": counts_of(version, shares), **_of_classes(counts, shares)}


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
