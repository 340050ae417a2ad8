"""Predictions of models that others train are taken in for a frozen version: all of a file, or nothing of it."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from crowd.bulk import UNSTORABLE
from crowd.errors import CrowdError
from curation.datasets import predicted
from curation.datasets.predicted import BadPredictions, Said
from curation.models import DatasetItem, DatasetVersion, Prediction, Predictions, User
from curation.services import embeddings, events, jobs, versions
from curation.services.embeddings import Vector
from curation.services.turns import PREDICTIONS, take_turns

LONGEST_NAME: Final = {"model": 60, "version": 40}
A_BATCH: Final = 2_000


@dataclass(frozen=True, slots=True)
class ModelName:
    """A model and which of its versions; `trained_on` is the version of the data set it learnt from, if known."""

    model: str
    version: str
    trained_on: DatasetVersion | None = None


@dataclass(frozen=True, slots=True)
class _Image:
    asset_id: int
    public_id: str
    name: str
    width: int
    height: int


def take_in(
    *, dataset: DatasetVersion, name: ModelName, data: bytes, part: str = "", by: User | None, now: datetime
) -> Predictions:
    """Keep what a model says of a version or one part of it. The same file again changes nothing. Raises CrowdError.

    The file is read before the transaction begins: that takes minutes for a large one.
    """
    if dataset.frozen_at is None:
        raise CrowdError(f"{dataset} is not frozen yet.")
    model, version = _named(name.model, "model"), _named(name.version, "version")
    _known_part(dataset, part)
    row = Predictions(
        project=dataset.project,
        dataset=dataset,
        part=part,
        model=model,
        model_version=version,
        trained_on=name.trained_on,
        sha256=hashlib.sha256(part.encode() + b"\0" + data).hexdigest(),
        created_by=by,
        created_at=now,
    )
    there = _there(row)
    if there is not None:
        return there
    images = _images(dataset, part)
    said = _read(dataset, part, data, images)
    row.kind, row.images, row.boxes = _kind(said), len(said), sum(len(one.boxes) for one in said)
    kept = _judged(row, said, _finder(images))
    return _added(row, kept, of=len(images), now=now)


@transaction.atomic
def _added(row: Predictions, kept: "_Kept", *, of: int, now: datetime) -> Predictions:
    dataset = row.dataset
    take_turns(project=dataset.project, what=PREDICTIONS)
    there = _there(row)
    if there is not None:
        return there
    if _items(dataset, row.part).count() != of:
        raise CrowdError(f"Images of {dataset} were erased while the file was read; send it again.")
    row.save()
    row.refresh_from_db(fields=["public_id"])
    Prediction.objects.bulk_create(kept.rows, batch_size=A_BATCH)
    embeddings.keep(project=row.project, space=str(row)[: embeddings.LONGEST_SPACE], vectors=kept.vectors)
    text = f"Predictions of {row} for {dataset}: {row.images:,} images, {row.boxes:,} boxes."
    events.record(kind="predictions.added", text=text, project=dataset.project, subject=row, by=row.created_by, now=now)
    jobs.wake(
        kind="evaluate",
        key=str(dataset.project_id),
        project_id=dataset.project_id,
        payload={"project_id": dataset.project_id},
    )
    versions.bump(project_id=dataset.project_id)
    return row


def _there(row: Predictions) -> Predictions | None:
    """Return what this file was kept as before. Raises CrowdError when another one is here in its place."""
    mine = Predictions.objects.filter(dataset=row.dataset, model=row.model, model_version=row.model_version)
    there = mine.first()
    if there is not None and there.sha256 != row.sha256:
        raise CrowdError(
            f"Other predictions of {there} for {row.dataset} are here already; give this model a new version."
        )
    return there


def _named(text: str, what: str) -> str:
    text = text.strip()
    if not text or len(text) > LONGEST_NAME[what] or UNSTORABLE.search(text):
        raise CrowdError(f"The {what} of predictions has 1 to {LONGEST_NAME[what]} characters.")
    return text


def _known_part(dataset: DatasetVersion, part: str) -> None:
    known = dataset.splits.get("counts", {})
    if part and part not in known:
        told = ", ".join(known) or "none, it is not split"
        raise CrowdError(f"{dataset} has no part {part[:20]!r}; parts are {told}.")


def _items(dataset: DatasetVersion, part: str) -> QuerySet[DatasetItem]:
    items = DatasetItem.objects.filter(dataset=dataset)
    return items.filter(split=part) if part else items


def _images(dataset: DatasetVersion, part: str) -> list[_Image]:
    """Return the images in the order in which our exports number them."""
    items = _items(dataset, part).order_by("asset_id")
    columns = ("asset_id", "asset__public_id", "asset__name", "asset__width", "asset__height")
    rows = items.values_list(*columns).iterator(chunk_size=A_BATCH)
    return [_Image(pk, str(public_id), name, wide or 0, high or 0) for pk, public_id, name, wide, high in rows]


def _read(dataset: DatasetVersion, part: str, data: bytes, images: Sequence[_Image]) -> list[Said]:
    """COCO's numbers are those of our export: categories count from 1 by index, images by their order in a file."""
    categories = {index + 1: name for index, name in dataset.project.classes.values_list("index", "name")}
    numbered = _unclear(dataset, part) or {number: one.public_id for number, one in enumerate(images, 1)}
    try:
        return predicted.read(data, categories=categories, images=numbered)
    except BadPredictions as wrong:
        raise CrowdError(str(wrong)) from None


def _unclear(dataset: DatasetVersion, part: str) -> str:
    """Return why nobody can say which image of an export a number means; empty where it is clear."""
    if dataset.splits.get("counts") and not part:
        return f"every part of {dataset} counts from 1; name the part, or images by their file names."
    if dataset.erased_items.exists():
        return f"{dataset} lost erased images, and exports of before count others; name images by their file names."
    return ""


def _kind(said: Sequence[Said]) -> str:
    labels = sum(one.label is not None for one in said)
    if labels and any(one.boxes for one in said):
        raise CrowdError("The file has labels of whole images and boxes; send them as two versions of the model.")
    if all(one.is_vector_alone for one in said):
        return Predictions.Kind.VECTORS
    return Predictions.Kind.LABELS if labels else Predictions.Kind.BOXES


def _finder(images: Sequence[_Image]) -> Mapping[str, _Image]:
    """Return images by what files call them: our id, or the name they came with where no other has it."""
    by_name: dict[str, _Image | None] = {}
    for one in images:
        name = predicted.stem(one.name)
        by_name[name] = None if name in by_name else one
    found = {name: one for name, one in by_name.items() if one is not None and name}
    return found | {one.public_id: one for one in images}


@dataclass(frozen=True, slots=True)
class _Kept:
    """What of a file is kept."""

    rows: list[Prediction] = field(default_factory=list)
    vectors: list[Vector] = field(default_factory=list)


def _judged(row: Predictions, said: Sequence[Said], images: Mapping[str, _Image]) -> _Kept:
    classes = {label.name for label in row.project.classes.all()}
    kept = _Kept()
    seen: set[int] = set()
    for one in said:
        image = images.get(one.image)
        if image is None:
            where = f"{row.part} of {row.dataset}" if row.part else str(row.dataset)
            raise CrowdError(f"{one.where}: {one.image[:80]!r} is no image of {where}.")
        if image.asset_id in seen:
            raise CrowdError(f"{one.where}: {one.image[:80]!r} was there before under its other name.")
        seen.add(image.asset_id)
        kept.rows.append(_row(row, one, image, classes))
        kept.vectors.extend(_vectors(one, image, kept.rows[-1]))
    return kept


def _row(row: Predictions, said: Said, image: _Image, classes: set[str]) -> Prediction:
    for label in [*(box.label for box in said.boxes), *([said.label] if said.label else [])]:
        if label not in classes:
            raise CrowdError(f"{said.where}: {label[:60]!r} is no class of the project.")
    try:
        boxes = [box.fitted(image.width, image.height, said.where) for box in said.boxes]
    except BadPredictions as wrong:
        raise CrowdError(str(wrong)) from None
    return Prediction(
        predictions=row, asset_id=image.asset_id, boxes=boxes, label=said.label or "", confidence=said.lowest
    )


def _vectors(said: Said, image: _Image, row: Prediction) -> Iterator[Vector]:
    if said.vector:
        yield Vector(image.asset_id, 0, said.vector)
    for number, (box, kept) in enumerate(zip(said.boxes, row.boxes, strict=True), 1):
        if box.vector:
            yield Vector(image.asset_id, number, box.vector, {side: kept[side] for side in "xywh"})
