"""Pictures that a project must not contain: sets to compare with, and what of them has come in already."""

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet

from crowd.errors import CrowdError
from curation.intake.found import Found, Refused
from curation.intake.sources import open_source
from curation.models import Asset, BulkDrop, DatasetVersion, HeldOutPicture, HeldOutSet, Project, User
from curation.preprocessing.decode import Analysis, analyse
from curation.preprocessing.limits import Unreadable
from curation.preprocessing.pool import shared_pool
from curation.preprocessing.verify import SAME_FILE, SAME_PHOTO, PairVerdict, Sighting, compare
from curation.services import bulk_drops, events, sightings, versions
from curation.services.bulk_drops import Planned

REASON = "held_out"
LONGEST_NAME = 80
A_BATCH = 1000


def sets_of(project: Project) -> QuerySet[HeldOutSet]:
    rows = HeldOutSet.objects.filter(project=project).select_related("dataset__project")
    return rows.annotate(size=Count("pictures"))


@transaction.atomic
def add_version(*, project: Project, name: str, dataset: DatasetVersion, by: User, now: datetime) -> HeldOutSet:
    """Hold the pictures of a frozen version out, of whichever project; what is in here already is taken out.

    `dataset` is one that `by` may see; pictures without measurements are passed over.
    """
    if dataset.frozen_at is None:
        raise CrowdError("Only a frozen version can be held out: another may still change.")
    if dataset.project_id == project.pk:
        raise CrowdError("This version is the project's own: its pictures would be taken out of it.")
    row = _make(project, name, f"{dataset.project.name}, {dataset}", by, dataset)
    measured = Asset.objects.filter(dataset_items__dataset=dataset, hash256__isnull=False, preview__isnull=False)
    copies = (_copy(row, asset) for asset in measured.select_related("preview").order_by("id").iterator(2_000))
    HeldOutPicture.objects.bulk_create(copies, batch_size=A_BATCH, ignore_conflicts=True)
    _take_out(row, by, now)
    return row


def begin(*, project: Project, name: str, by: User, now: datetime) -> HeldOutSet:
    """Make a set that pictures of the project itself are put into, one slice after another."""
    row = _make(project, name, "chosen among the assets", by, None)
    text = f"{by.name} holds pictures out as “{row.name}”."
    events.record(kind="held_out.added", text=text, project=project, subject=row, by=by, now=now)
    return row


def put_into(*, held_out_id: int, assets: Iterable[Asset]) -> None:
    """Copy the measurements of these pictures; who has none, or is there already, is passed over."""
    row = HeldOutSet.objects.get(pk=held_out_id)
    measured = Asset.objects.filter(pk__in=[asset.pk for asset in assets], hash256__isnull=False)
    copies = [_copy(row, asset) for asset in measured.filter(preview__isnull=False).select_related("preview")]
    HeldOutPicture.objects.bulk_create(copies, batch_size=A_BATCH, ignore_conflicts=True)


def _copy(row: HeldOutSet, asset: Asset) -> HeldOutPicture:
    return HeldOutPicture(
        held_out=row,
        name=asset.name,
        sha256=asset.sha256,
        hash256=asset.hash256 or b"",
        hash256_trimmed=asset.hash256_trimmed,
        contrast=asset.contrast or 0.0,
        thumb_key=asset.preview.thumb_key,
        grey_key=asset.preview.grey_key,
    )


def add_source(*, project: Project, name: str, source: str, by: User | None, now: datetime) -> HeldOutSet:
    """Hold the pictures of a folder or an archive out. Only small grey copies of them are kept.

    Raises UnknownSource and CrowdError before anything is read. A failure leaves no set and no copies behind.
    """
    reader = open_source(source)
    _free_name(project, name)
    bulk_drops.must_rest(project=project)
    pictures: dict[bytes, HeldOutPicture] = {}
    try:
        refused = _measure(reader, pictures)
        with transaction.atomic():
            row = _make(project, name, source.rstrip("/").rsplit("/", 1)[-1], by, None)
            row.refused = refused
            row.save(update_fields=["refused"])
            for picture in pictures.values():
                picture.held_out = row
            HeldOutPicture.objects.bulk_create(pictures.values(), batch_size=A_BATCH)
            _take_out(row, by, now)
    except BaseException:  # an interrupt, too, leaves no copies behind
        for picture in pictures.values():
            default_storage.delete(picture.grey_key)
        raise
    return row


def _measure(reader: Iterable[Found | Refused], pictures: dict[bytes, HeldOutPicture]) -> dict[str, int]:
    """Add each picture by its digest, its small copy stored; return how many files are none, by reason."""
    refused: Counter[str] = Counter()
    for item in reader:
        if isinstance(item, Refused):
            refused[item.reason] += 1
            continue
        try:
            seen = shared_pool().run(analyse, item.data())
        except Unreadable as refusal:
            refused[refusal.reason_code] += 1
            continue
        if seen.sha256 not in pictures:
            pictures[seen.sha256] = _picture(item.name, seen)
    return dict(sorted(refused.items()))


def _picture(name: str, seen: Analysis) -> HeldOutPicture:
    grey_key = default_storage.save(f"grey/{uuid.uuid4().hex}.jpg", ContentFile(seen.preview.to_jpeg()))
    return HeldOutPicture(
        name=name[-255:],
        sha256=seen.sha256,
        hash256=seen.hash256,
        hash256_trimmed=seen.hash256_trimmed,
        contrast=seen.contrast,
        thumb_key=grey_key,
        grey_key=grey_key,
    )


def _free_name(project: Project, name: str) -> str:
    name = name.strip()
    if not name or len(name) > LONGEST_NAME:
        raise CrowdError(f"The name of a held-out set has 1 to {LONGEST_NAME} characters, not {len(name)}.")
    if HeldOutSet.objects.filter(project=project, name=name).exists():
        raise _taken(name)
    return name


def _taken(name: str) -> CrowdError:
    return CrowdError(f"There is a held-out set “{name}” already; give this one another name.")


def _make(project: Project, name: str, source: str, by: User | None, dataset: DatasetVersion | None) -> HeldOutSet:
    name = _free_name(project, name)
    try:
        with transaction.atomic():
            return HeldOutSet.objects.create(project=project, name=name, source=source[:200], by=by, dataset=dataset)
    except IntegrityError:  # somebody was quicker while this one was read
        raise _taken(name) from None


def _take_out(row: HeldOutSet, by: User | None, now: datetime) -> None:
    size = row.pictures.count()
    if not size:
        raise CrowdError("There is no picture in it that could be compared.")
    text = f"{by.name if by else 'The command line'} holds {size:,} pictures of “{row.name}” out."
    events.record(kind="held_out.added", text=text, project=row.project, subject=row, by=by, now=now)
    settings = {"held_out_id": row.pk, "name": row.name}
    bulk_drops.start(project=row.project, kind="held_out", settings=settings, by=by, now=now)
    versions.bump(project_id=row.project_id)


@transaction.atomic
def retire(*, held_out: HeldOutSet, by: User, now: datetime) -> None:
    """Compare with this set no more; what was dropped because of it can be restored."""
    row = HeldOutSet.objects.select_for_update().get(pk=held_out.pk)
    if row.retired_at is not None:
        return
    row.retired_at = now
    row.save(update_fields=["retired_at"])
    text = f"{by.name} no longer holds “{row.name}” out."
    events.record(kind="held_out.retired", text=text, project=row.project, subject=row, by=by, now=now)
    versions.bump(project_id=row.project_id)


def plan(drop: BulkDrop) -> Iterator[Planned]:
    """Name the project's pictures that are one of the set: proven on the pixels, both ways round."""
    pictures = HeldOutPicture.objects.filter(held_out_id=drop.settings["held_out_id"]).order_by("id")
    live = Asset.objects.filter(project=drop.project, preview__isnull=False).exclude(state=Asset.State.DROPPED)
    index = sightings.Index()
    index.read_on(live.filter(hash256__isnull=False))
    named: set[int] = set()
    for picture in pictures.iterator(1_000):
        held = sightings.of_held_out(picture)
        near = [] if held is None else [one.id for one in index.near(held)]
        candidates = live.filter(Q(pk__in=near) | Q(sha256=picture.sha256)).select_related("preview")
        for asset in candidates.exclude(pk__in=named).order_by("id"):
            pair = _pair(asset, picture, held)
            if pair is not None and pair.verdict in {SAME_FILE, SAME_PHOTO}:
                named.add(asset.pk)
                yield Planned(asset.pk, REASON, evidence=sightings.evidence(pair, picture, str(drop.settings["name"])))


def _pair(asset: Asset, picture: HeldOutPicture, held: Sighting | None) -> PairVerdict | None:
    """Compare the two; bytes are enough where a small copy is lost."""
    if bytes(asset.sha256) == bytes(picture.sha256):
        return sightings.IDENTICAL
    seen = sightings.of_asset(asset)
    return None if seen is None or held is None else compare(seen, held)
