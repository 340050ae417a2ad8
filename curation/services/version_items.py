"""What a version freezes: which pictures a query means, and of each its class and its current boxes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from crowd.errors import CrowdError
from curation.models import Asset, Consensus, ConsensusBox, DatasetItem, DatasetVersion, LabelClass, Project
from curation.services import locked_parts, publish_filters
from curation.services.asset_query import matching, parse
from curation.services.item_answers import answers_of


class NothingToFreeze(CrowdError):
    """No asset is published yet."""


def meant_by(project: Project, text: str) -> QuerySet[Asset]:
    """Return the assets that a query means for a version: published ones unless it names a state. Raises QueryError."""
    query = parse(text)
    meant = matching(query, project=project).exclude(media=Asset.Media.VIDEO)
    if any(term.field == "state" for term in query.terms):
        return meant
    return meant.filter(state=Asset.State.PUBLISHED)


def require_fit(project: Project, text: str) -> None:
    """Raise when there is nothing to freeze, or something that must not be frozen, or not together."""
    meant = meant_by(project, text)
    if not meant.exists():
        what = f"image that matches “{text.strip()}”" if text.strip() else "published image yet"
        raise NothingToFreeze(f"{project.name} has no {what}, so there is nothing to freeze.")
    require_allowed(project, meant, whole=not text.strip())


def require_allowed(project: Project, wanted: QuerySet[Asset], *, whole: bool) -> None:
    """Raise when some of these images must not be frozen, or not together."""
    publish_filters.require_decided(wanted, project.pk)
    locked_parts.refuse_mixed(project=project, wanted=wanted, whole=whole)


class ClassNames:
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


def items_of(version: DatasetVersion, assets: Sequence[Asset], names: ClassNames) -> list[DatasetItem]:
    """Return what the version will hold of these pictures. Raises CrowdError for a box that is of no class."""
    agreed = _current_consensus([asset.pk for asset in assets])
    boxes: dict[int, list[ConsensusBox]] = {}
    for box in ConsensusBox.objects.filter(consensus__in=agreed.values()).order_by("consensus_id", "seq"):
        boxes.setdefault(box.consensus_id, []).append(box)
    said = answers_of(version.project, [asset.pk for asset in assets])
    items = [_item(version, asset, agreed.get(asset.pk), boxes, names) for asset in assets]
    for item in items:
        item.answers = said.get(item.asset_id, {})
    return items


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
    boxes: Mapping[int, Sequence[ConsensusBox]],
    names: ClassNames,
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
    outline = {"points": box.points} if box.points else {}
    return {"label": label.name, "index": label.index, **sides, "confidence": box.confidence, **outline}


class Tally:
    """Counts what a version holds, as `DatasetVersion.counts` keeps it, and goes on counting from there."""

    def __init__(self, counts: Mapping[str, Any] | None = None) -> None:
        counts = counts or {}
        classes = counts.get("classes", {})
        self.images, self.boxes, self.negatives = (counts.get(name, 0) for name in ("images", "boxes", "negatives"))
        self._images_of = Counter({name: one["images"] for name, one in classes.items()})
        self._boxes_of = Counter({name: one["boxes"] for name, one in classes.items()})

    def add(self, items: Iterable[DatasetItem]) -> None:
        for item in items:
            self.images += 1
            self.boxes += len(item.boxes)
            self.negatives += not item.boxes
            if item.label_class is not None:
                self._images_of[item.label_class.name] += 1
            self._boxes_of.update(box["label"] for box in item.boxes)

    def as_json(self) -> dict[str, Any]:
        names = sorted(self._images_of | self._boxes_of)
        classes = {name: {"images": self._images_of[name], "boxes": self._boxes_of[name]} for name in names}
        return {"images": self.images, "boxes": self.boxes, "negatives": self.negatives, "classes": classes}
