"""Stored annotations as the library takes them: many images in four queries, people by their pseudonyms."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Func, QuerySet

from aggregation import Box, BoxAnswer, ImageAnswers
from crowd.models import Worker
from curation.models import Annotation, Asset, Stage
from curation.models import Box as DrawnBox

IMAGES_A_SLICE = 500


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that counts about one image. `named` gives each annotator the name that screens show: letter, pseudonym."""

    asset_id: int
    image: ImageAnswers
    inputs: tuple[int, ...]
    named: Mapping[str, str]


def answered(source: Stage) -> list[int]:
    """Return the assets with an answer that counts."""
    rows = Annotation.objects.filter(stage=source, discarded_at__isnull=True).order_by("asset_id")
    return list(rows.values_list("asset_id", flat=True).distinct())


def sample(ids: Sequence[int], limit: int) -> list[int]:
    """Choose by a digest of the id: a larger sample contains the smaller one."""
    return sorted(sorted(ids, key=lambda one: hashlib.sha256(b"sample %d" % one).digest())[:limit])


def sample_of(rows: QuerySet[Any], column: str, limit: int) -> list[int]:
    """Choose as `sample` does from a column of ids, in the database: of a million of them only `limit` are read."""
    digest = Func(column, template="sha256(convert_to('sample ' || %(expressions)s, 'UTF8'))")
    return sorted(rows.order_by(digest).values_list(column, flat=True)[:limit])


def sliced(ids: Sequence[int], size: int = IMAGES_A_SLICE) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def sheets(source: Stage, asset_ids: Sequence[int]) -> list[Sheet]:
    """Return the answers to these images in the order of the ids; without an answer an image has an empty sheet."""
    said = _said(source, asset_ids)
    boxes = _boxes([row for rows in said.values() for row in rows])
    names = {worker.pk: worker for worker in Worker.objects.filter(pk__in={row[2] for r in said.values() for row in r})}
    sizes = Asset.objects.filter(pk__in=asset_ids).values_list("pk", "public_id", "width", "height")
    size_of = {pk: (str(public_id), float(width or 1), float(height or 1)) for pk, public_id, width, height in sizes}
    return [_sheet(pk, size_of[pk], said.get(pk, []), boxes, names) for pk in asset_ids if pk in size_of]


def inputs(source: Stage, asset_ids: Sequence[int]) -> dict[int, list[int]]:
    """Return the ids of the answers that count about each image, as a sheet of it names them."""
    return {asset_id: [row[0] for row in _latest_of_each(rows)] for asset_id, rows in _said(source, asset_ids).items()}


_Said = tuple[int, int, int, list[str]]


def _said(source: Stage, asset_ids: Sequence[int]) -> dict[int, list[_Said]]:
    """Return (annotation, asset, worker, flags) by asset, in order of arrival."""
    rows = Annotation.objects.filter(stage=source, asset_id__in=asset_ids, discarded_at__isnull=True).order_by("id")
    found: dict[int, list[_Said]] = defaultdict(list)
    for row in rows.values_list("pk", "asset_id", "worker_id", "flags"):
        found[row[1]].append(row)
    return found


_Drawn = tuple[float, float, float, float, str, list[list[float]]]


def _boxes(rows: Sequence[_Said]) -> dict[int, list[_Drawn]]:
    drawn = DrawnBox.objects.filter(annotation_id__in=[row[0] for row in rows]).order_by("annotation_id", "seq")
    found: dict[int, list[_Drawn]] = defaultdict(list)
    for annotation_id, *one in drawn.values_list("annotation_id", "x", "y", "w", "h", "label", "points"):
        found[annotation_id].append((one[0], one[1], one[2], one[3], one[4], one[5]))
    return found


def _sheet(
    asset_id: int,
    size: tuple[str, float, float],
    said: Sequence[_Said],
    boxes: Mapping[int, Sequence[_Drawn]],
    workers: Mapping[int, Worker],
) -> Sheet:
    image, width, height = size
    said = _latest_of_each(said)
    names = _names([workers[worker_id] for _, _, worker_id, _ in said])
    given = tuple(
        BoxAnswer(
            annotator=name,
            boxes=tuple(
                Box(
                    x * width,
                    y * height,
                    w * width,
                    h * height,
                    label,
                    tuple((a * width, b * height) for a, b in points),
                )
                for x, y, w, h, label, points in boxes.get(row[0], ())
            ),
            flags=tuple(row[3]),
        )
        for name, row in zip(names, said, strict=True)
    )
    answers = ImageAnswers(image=image, annotations=given, width=width, height=height)
    named = {name: f"{chr(ord('A') + number % 26)} {name}" for number, name in enumerate(names)}
    return Sheet(asset_id, answers, tuple(row[0] for row in said), named)


def _latest_of_each(said: Sequence[_Said]) -> list[_Said]:
    """Of somebody asked again only the later answer counts."""
    return list({row[2]: row for row in said}.values())


def _names(workers: Sequence[Worker]) -> list[str]:
    """Return the pseudonym of each worker; two that share one on the same image get longer ones."""
    short = [worker.short_id for worker in workers]
    return [
        name if short.count(name) == 1 else f"w_{bytes(worker.ext_digest).hex()}"
        for name, worker in zip(short, workers, strict=True)
    ]
