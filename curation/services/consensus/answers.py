"""Stored annotations as the library takes them: many images in one statement, people by their pseudonyms."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from django.db.models import FilteredRelation, Func, Model, OuterRef, Q, QuerySet, Subquery

from aggregation import Box, BoxAnswer, ImageAnswers
from crowd.models import Worker
from crowd.models.worker import pseudonym
from curation.models import Annotation, Asset, Stage

T = TypeVar("T", bound=Model)
IMAGES_A_SLICE = 500
DRAWN: Final = ("x", "y", "w", "h", "label", "points")


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that counts about one image.

    `named` gives each annotator the name that screens show (letter, pseudonym), `workers` who it is.
    """

    asset_id: int
    image: ImageAnswers
    inputs: tuple[int, ...]
    named: Mapping[str, str]
    workers: Mapping[str, int]


def answered(source: Stage) -> list[int]:
    """Return the assets with an answer that counts."""
    rows = Annotation.objects.filter(stage=source, discarded_at__isnull=True).order_by("asset_id")
    return list(rows.values_list("asset_id", flat=True).distinct())


def sample(ids: Sequence[int], limit: int) -> list[int]:
    """Choose by a digest of the id: a larger sample contains the smaller one."""
    return sorted(sorted(ids, key=lambda one: hashlib.sha256(b"sample %d" % one).digest())[:limit])


def sample_of(rows: QuerySet[T], column: str, limit: int) -> QuerySet[T]:
    """Choose as `sample` does by a column of ids, in the database: of a million of them only `limit` are read."""
    digest = Func(column, template="sha256(convert_to('sample ' || %(expressions)s, 'UTF8'))")
    return rows.order_by(digest)[:limit]


def sliced(ids: Sequence[int], size: int = IMAGES_A_SLICE) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def sheets(source: Stage, asset_ids: Sequence[int]) -> list[Sheet]:
    """Return the answers to these images in the order of the ids; without an answer an image has an empty sheet."""
    images: dict[int, _Image] = {}
    for row in _rows(source, asset_ids):
        size = float(row["width"] or 1), float(row["height"] or 1)
        image = images.setdefault(row["pk"], _Image(str(row["public_id"]), *size))
        if row["said__id"] is not None:
            image.add(row)
    return [_sheet(pk, images[pk]) for pk in asset_ids if pk in images]


def inputs(source: Stage, asset_ids: Sequence[int]) -> dict[int, list[int]]:
    """Return the ids of the answers that count about each image, as a sheet of it names them."""
    rows = Annotation.objects.filter(stage=source, asset_id__in=asset_ids, discarded_at__isnull=True).order_by("id")
    latest: dict[int, dict[int, int]] = defaultdict(dict)
    for pk, asset_id, worker_id in rows.values_list("pk", "asset_id", "worker_id"):
        latest[asset_id][worker_id] = pk
    return {asset_id: list(of_worker.values()) for asset_id, of_worker in latest.items()}


def _rows(source: Stage, asset_ids: Sequence[int]) -> Iterable[Mapping[str, Any]]:
    """Return every image with every box of every answer that counts about it, in order of arrival."""
    counts = Q(annotations__stage=source, annotations__discarded_at=None)
    digest = Worker.objects.filter(pk=OuterRef("said__worker_id")).values("ext_digest")
    rows = Asset.objects.filter(pk__in=asset_ids).annotate(said=FilteredRelation("annotations", condition=counts))
    columns = ["pk", "public_id", "width", "height", "digest", "said__id", "said__worker_id", "said__flags"]
    columns += [f"said__boxes__{name}" for name in DRAWN]
    ordered: QuerySet[Any, Any] = rows.annotate(digest=Subquery(digest)).order_by("said__id", "said__boxes__seq")
    return ordered.values(*columns)


@dataclass(slots=True)
class _Said:
    """One answer: who gave it, what was ticked and what was drawn, in pixels."""

    pk: int
    digest: bytes
    flags: list[str]
    boxes: list[Box] = field(default_factory=list)


@dataclass(slots=True)
class _Image:
    """An image and the latest answer of each worker: of somebody asked again only that one counts."""

    name: str
    width: float
    height: float
    said: dict[int, _Said] = field(default_factory=dict)

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a box of an answer, or an answer without any."""
        said = self.said.get(row["said__worker_id"])
        if said is None or said.pk != row["said__id"]:
            said = self.said[row["said__worker_id"]] = _Said(row["said__id"], row["digest"], row["said__flags"])
        if row["said__boxes__x"] is not None:
            said.boxes.append(self._drawn(row))

    def _drawn(self, row: Mapping[str, Any]) -> Box:
        across, down = self.width, self.height
        x, y, w, h, label, points = (row[f"said__boxes__{name}"] for name in DRAWN)
        outline = tuple((a * across, b * down) for a, b in points)
        return Box(x * across, y * down, w * across, h * down, label, outline)


def _sheet(asset_id: int, image: _Image) -> Sheet:
    names = _names([said.digest for said in image.said.values()])
    given = tuple(
        BoxAnswer(annotator=name, boxes=tuple(said.boxes), flags=tuple(said.flags))
        for name, said in zip(names, image.said.values(), strict=True)
    )
    return Sheet(
        asset_id,
        ImageAnswers(image=image.name, annotations=given, width=image.width, height=image.height),
        inputs=tuple(said.pk for said in image.said.values()),
        named={name: f"{chr(ord('A') + number % 26)} {name}" for number, name in enumerate(names)},
        workers=dict(zip(names, image.said, strict=True)),
    )


def _names(digests: Sequence[bytes]) -> list[str]:
    """Return the pseudonym of each worker; two that share one on the same image get longer ones."""
    short = [pseudonym(digest) for digest in digests]
    return [
        name if short.count(name) == 1 else f"w_{bytes(digest).hex()}"
        for name, digest in zip(short, digests, strict=True)
    ]
