"""Data set versions are frozen, never changed; exports of them are packed in slices and end with a receipt."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Max, Q, QuerySet

from crowd.errors import CrowdError
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
from curation.services import events, locked_parts, publish_filters, splits, versions
from curation.services.asset_query import matching, parse
from curation.services.cards import frozen_card
from curation.services.export_requests import cancel_export, request_export, require_format
from curation.services.exporting import export_to, run_export
from curation.services.splits import SplitPlan, split_version
from curation.services.turns import take_turns

__all__ = [
    "Frozen",
    "NothingToFreeze",
    "cancel_export",
    "export_query",
    "export_to",
    "freeze_version",
    "request_export",
    "run_export",
    "split_version",
]

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
def freeze_version(
    *,
    project_id: int,
    by: User | None,
    note: str = "",
    query: str = "",
    split: SplitPlan | None = None,
    now: datetime,
) -> DatasetVersion:
    """Freeze assets with their current boxes as the next version; images without boxes are kept.

    Which ones `query` says, in the language of saved views; published ones are meant unless it names a state.
    Raises QueryError.
    """
    project = Project.objects.get(pk=project_id)
    take_turns(project=project, what="versions")
    published = _published(project, query)
    number = (DatasetVersion.objects.filter(project=project).aggregate(n=Max("number"))["n"] or 0) + 1
    version = DatasetVersion.objects.create(
        project=project,
        number=number,
        note=note[:300],
        query=query.strip(),
        card=frozen_card(project),
        frozen_at=now,
        created_by=by,
        created_at=now,
    )
    names, tally = _ClassNames(project), _Tally()
    for assets in _slices(published.order_by("id").iterator(SLICE), SLICE):
        items = _items(version, assets, names)
        tally.add(items)
        DatasetItem.objects.bulk_create(items)
    version.counts = tally.frozen().as_json()
    version.save(update_fields=["counts"])
    if split is not None:
        splits.assign(version=version, plan=split)
    text = f"Version {number} was frozen: {tally.images:,} images, {tally.boxes:,} boxes."
    events.record(kind="dataset.frozen", text=text, project=project, subject=version, by=by, now=now)
    versions.bump(project_id=project.pk)
    return version


def _published(project: Project, text: str) -> QuerySet[Asset]:
    query = parse(text)
    meant = matching(query, project=project).exclude(media=Asset.Media.VIDEO)
    if not any(term.field == "state" for term in query.terms):
        meant = meant.filter(state=Asset.State.PUBLISHED)
    if not meant.exists():
        what = f"image that matches “{text.strip()}”" if text.strip() else "published image yet"
        raise NothingToFreeze(f"{project.name} has no {what}, so there is nothing to freeze.")
    unmeasured = meant.filter(Q(width=None) | Q(height=None)).count()
    if unmeasured:
        raise CrowdError(f"{unmeasured:,} of these images were never measured; send them through the checks first.")
    publish_filters.require_decided(meant, project.pk)
    locked_parts.refuse_mixed(project=project, wanted=meant, whole=not text.strip())
    return meant


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
def export_query(
    *,
    project_id: int,
    query: str,
    format: str,
    by: User | None,
    with_images: bool = True,
    max_side: int | None = None,
    now: datetime,
) -> Export:
    """Freeze what a query means and queue an export of it. Raises QueryError."""
    require_format(format)
    version = freeze_version(project_id=project_id, by=by, note="For an export of a query", query=query, now=now)
    return request_export(
        dataset_id=version.pk, format=format, by=by, with_images=with_images, max_side=max_side, now=now
    )
