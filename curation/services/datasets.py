"""Data set versions are frozen, never changed; exports of them are packed in slices and end with a receipt."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Max, Q

from crowd.errors import CrowdError
from curation.datasets.formats.registry import WRITERS, UnknownFormat
from curation.models import (
    Asset,
    Consensus,
    ConsensusBox,
    DatasetItem,
    DatasetVersion,
    Export,
    LabelClass,
    Project,
    User,
)
from curation.services import events, jobs, versions
from curation.services.exporting import export_to, run_export

__all__ = ["Frozen", "NothingToFreeze", "export_to", "freeze_version", "request_export", "run_export"]

SLICE = 2_000
T = TypeVar("T")


class NothingToFreeze(CrowdError):
    """No asset is published yet."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """What a version holds, as it is kept in `DatasetVersion.counts`."""

    images: int
    boxes: int
    negatives: int
    classes: dict[str, dict[str, int]]

    def as_json(self) -> dict[str, Any]:
        return {"images": self.images, "boxes": self.boxes, "negatives": self.negatives, "classes": self.classes}


# --- freezing -------------------------------------------------------------------------------------------------------
@transaction.atomic
def freeze_version(*, project_id: int, by: User | None, note: str = "", now: datetime) -> DatasetVersion:
    """Freeze every published asset with its current boxes as the next version; images without boxes are kept."""
    project = Project.objects.select_for_update().get(pk=project_id)
    published = _published(project)
    number = (DatasetVersion.objects.filter(project=project).aggregate(n=Max("number"))["n"] or 0) + 1
    version = DatasetVersion.objects.create(
        project=project, number=number, note=note[:300], frozen_at=now, created_by=by, created_at=now
    )
    names, tally = _ClassNames(project), _Tally()
    for assets in _slices(published.order_by("id").iterator(SLICE), SLICE):
        items = _items(version, assets, names)
        tally.add(items)
        DatasetItem.objects.bulk_create(items)
    version.counts = tally.frozen().as_json()
    version.save(update_fields=["counts"])
    text = f"Version {number} was frozen: {tally.images:,} images, {tally.boxes:,} boxes."
    events.record(kind="dataset.frozen", text=text, project=project, subject=version, by=by, now=now)
    versions.bump(project_id=project.pk)
    return version


def _published(project: Project) -> Any:
    published = Asset.objects.filter(project=project, state=Asset.State.PUBLISHED).exclude(media=Asset.Media.VIDEO)
    if not published.exists():
        raise NothingToFreeze(f"{project.name} has no published image yet, so there is nothing to freeze.")
    unmeasured = published.filter(Q(width=None) | Q(height=None)).count()
    if unmeasured:
        raise CrowdError(f"{unmeasured:,} published images were never measured; send them through the checks first.")
    return published


class _ClassNames:
    """Turns the words of a box task into classes of the project.

    Box tasks ask "gesture" or "no gesture" without naming the sign: the first means the class the photo was sent for,
    the second the project's negative class.
    """

    def __init__(self, project: Project) -> None:
        classes = list(LabelClass.objects.filter(project=project))
        self._by_name = {_plain(one.name): one for one in classes}
        self._by_id = {one.pk: one for one in classes}
        self._negative = next((one for one in classes if one.is_negative), None)

    def of_asset(self, asset: Asset) -> LabelClass | None:
        return self._by_id.get(asset.label_class_id or 0)

    def of_box(self, label: str, asset: Asset) -> LabelClass:
        named = self._by_name.get(_plain(label))
        if named is None and _plain(label).startswith(("no_", "none", "negative")):
            named = self._negative
        found = named or self.of_asset(asset)
        if found is None:
            raise CrowdError(f"The box label {label!r} of {asset} is no class of the project.")
        return found


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def _items(version: DatasetVersion, assets: Sequence[Asset], names: _ClassNames) -> list[DatasetItem]:
    agreed = _current_consensus([asset.pk for asset in assets])
    boxes: dict[int, list[ConsensusBox]] = {}
    for box in ConsensusBox.objects.filter(consensus__in=agreed.values()).order_by("consensus_id", "seq"):
        boxes.setdefault(box.consensus_id, []).append(box)
    return [_item(version, asset, agreed.get(asset.pk), boxes, names) for asset in assets]


def _current_consensus(asset_ids: Sequence[int]) -> dict[int, Consensus]:
    """Return for each asset the boxes of the latest stage that has some: the crowd's, or a person's correction."""
    rows = Consensus.objects.current().of_boxes().filter(asset_id__in=asset_ids)
    found: dict[int, Consensus] = {}
    for row in rows:
        found.setdefault(row.asset_id, row)
    return found


def _item(
    version: DatasetVersion,
    asset: Asset,
    consensus: Consensus | None,
    boxes: dict[int, list[ConsensusBox]],
    names: _ClassNames,
) -> DatasetItem:
    drawn = boxes.get(consensus.pk, []) if consensus else []
    return DatasetItem(
        dataset=version,
        asset=asset,
        consensus=consensus,
        label_class=names.of_asset(asset),
        boxes=[_frozen_box(box, names.of_box(box.label, asset)) for box in drawn],
    )


def _frozen_box(box: ConsensusBox, label: LabelClass) -> dict[str, Any]:
    sides = {"x": box.x, "y": box.y, "w": box.w, "h": box.h}
    return {"label": label.name, "index": label.index, **sides, "confidence": box.confidence}


class _Tally:
    def __init__(self) -> None:
        self.images = self.boxes = self.negatives = 0
        self._images_of: Counter[str] = Counter()
        self._boxes_of: Counter[str] = Counter()

    def add(self, items: Iterable[DatasetItem]) -> None:
        for item in items:
            self.images += 1
            self.boxes += len(item.boxes)
            self.negatives += not item.boxes
            if item.label_class is not None:
                self._images_of[item.label_class.name] += 1
            self._boxes_of.update(box["label"] for box in item.boxes)

    def frozen(self) -> Frozen:
        names = sorted(self._images_of | self._boxes_of)
        classes = {name: {"images": self._images_of[name], "boxes": self._boxes_of[name]} for name in names}
        return Frozen(self.images, self.boxes, self.negatives, classes)


def _slices(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    walk = iter(rows)
    while part := list(islice(walk, size)):
        yield part


# --- asking for an export -------------------------------------------------------------------------------------------
@transaction.atomic
def request_export(*, dataset_id: int, format: str, by: User | None, with_images: bool = True, now: datetime) -> Export:
    """Queue an export of a frozen version; the job packs it and writes the receipt."""
    if format not in WRITERS:
        raise UnknownFormat(f"{format!r} is not a format we write; there are: {', '.join(sorted(WRITERS))}.")
    version = DatasetVersion.objects.select_related("project").get(pk=dataset_id)
    if version.frozen_at is None:
        raise CrowdError(f"{version} is not frozen yet.")
    export = Export.objects.create(
        dataset=version, format=format, with_images=with_images, created_by=by, created_at=now
    )
    jobs.enqueue(kind="export", key=str(export.pk), project_id=version.project_id, payload={"export_id": export.pk})
    text = f"An export of {version} as {format} was asked for."
    events.record(kind="export.requested", text=text, project=version.project, subject=export, by=by, now=now)
    versions.bump(project_id=version.project_id)
    return export
