"""Parts of versions that nobody may use before the end, such as the final test set: locked, refused, unlocked."""

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from crowd.errors import CrowdError
from curation.models import Asset, DatasetItem, DatasetVersion, LockedPart, Project, User
from curation.services import events, versions


def of(project: Project | int) -> QuerySet[LockedPart]:
    """Return the parts of a project that are locked now."""
    return LockedPart.objects.filter(project=project, unlocked_at=None).select_related("dataset").order_by("id")


def among(rows: QuerySet[Asset], project: Project | int) -> QuerySet[Asset]:
    """Return those of these assets that are locked: in a locked part, of the same bytes, or cut from its videos."""
    locked = _items(project)
    if locked is None:
        return rows.none()
    mine = locked.filter(asset=OuterRef("pk"))
    same_bytes = locked.filter(asset__sha256=OuterRef("sha256"))
    same_video = locked.filter(asset__parent=OuterRef("parent"))
    video_itself = locked.filter(asset__parent=OuterRef("pk"))
    return rows.filter(
        Exists(mine) | Exists(same_bytes) | (Q(parent__isnull=False) & Exists(same_video)) | Exists(video_itself)
    )


def without(rows: QuerySet[Asset], project: Project | int) -> QuerySet[Asset]:
    """Leave out what is locked; nothing is asked where nothing is."""
    if _items(project) is None:
        return rows
    return rows.exclude(pk__in=among(Asset.objects.filter(project=project), project).values("pk"))


def refuse(*, project: Project | int, asset_ids: Iterable[int], what: str) -> None:
    """Raise CrowdError when one of these assets is locked. `what` says what it was wanted for."""
    if _items(project) is None:
        return
    found = among(Asset.objects.filter(pk__in=list(asset_ids)), project).count()
    if found:
        raise CrowdError(f"{_counted(found)} of the locked {_names(project)} cannot be used {what}.")


def refuse_mixed(*, project: Project, wanted: QuerySet[Asset], whole: bool) -> None:
    """Refuse to freeze or export a part of the project that mixes locked images with others.

    All that is published (`whole`) may hold them: there they stay in their part.
    """
    if whole or _items(project) is None:
        return
    found = among(wanted, project).count()
    if found and found != wanted.count():
        raise CrowdError(
            f"{_counted(found)} of the locked {_names(project)} would be among the others; "
            "leave them out of the query, or unlock the part with a reason."
        )


@transaction.atomic
def lock(*, version: DatasetVersion, split: str, by: User | None, now: datetime) -> LockedPart:
    """Lock a part of a version: no sample, control task, example or other part may have its images from now on."""
    if split not in version.splits.get("counts", {}):
        known = ", ".join(version.splits.get("counts", {})) or "none: it is not split"
        raise CrowdError(f"{version} has no part {split[:20]!r}; parts are {known}.")
    leaks = {kind: n for kind, n in version.splits.get("leaks", {}).items() if n and kind != "lookalike"}
    if leaks:
        told = ", ".join(f"{n:,} {kind.replace('_', ' ')}" for kind, n in leaks.items())
        raise CrowdError(f"{version} leaks ({told} in more than one part); split it again before a part is locked.")
    try:
        with transaction.atomic():
            row = LockedPart.objects.create(
                project=version.project, dataset=version, split=split, locked_by=by, locked_at=now
            )
    except IntegrityError:
        raise CrowdError(f"{split} of {version} is locked already.") from None
    text = f"{_who(by)} locked {split} of {version}: {version.splits['counts'][split]['images']:,} images."
    events.record(kind="dataset.locked", text=text, project=version.project, subject=version, by=by, now=now)
    versions.bump(project_id=version.project_id)
    return row


@transaction.atomic
def unlock(*, part: LockedPart, reason: str, by: User | None, now: datetime) -> None:
    """Unlock a part; the reason stays in the record."""
    row = LockedPart.objects.select_for_update().get(pk=part.pk)
    reason = reason.strip()[:300]
    if not reason:
        raise CrowdError("Say why the part is unlocked: it is no proof any more for what is trained from now on.")
    if row.unlocked_at is not None:
        return
    row.unlocked_at, row.unlocked_by, row.reason = now, by, reason
    row.save(update_fields=["unlocked_at", "unlocked_by", "reason"])
    text = f"{_who(by)} unlocked {row.split} of {part.dataset}: {reason}"
    events.record(kind="dataset.unlocked", text=text, project=part.project, subject=part.dataset, by=by, now=now)
    versions.bump(project_id=row.project_id)


def places(project: Project) -> dict[int, str]:
    """Return the part of each locked image, by which a new split keeps it where it is."""
    locked = _items(project)
    return dict(locked.values_list("asset_id", "split")) if locked is not None else {}


def _items(project: Project | int) -> QuerySet[DatasetItem] | None:
    parts = list(of(project).values_list("dataset_id", "split"))
    if not parts:
        return None
    test = Q()
    for dataset_id, split in parts:
        test |= Q(dataset=dataset_id, split=split)
    return DatasetItem.objects.filter(test)


def _names(project: Project | int) -> str:
    return " and ".join(f"{one.split} of {one.dataset}" for one in of(project))


def _counted(n: int) -> str:
    return "1 image" if n == 1 else f"{n:,} images"


def _who(by: User | None) -> str:
    return by.name if by else "The command line"
