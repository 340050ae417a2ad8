"""What counts as right for each image of a stage: a person's boxes where there are any, else the consensus."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Q, QuerySet

from curation.models import Annotation, Box, Consensus, ConsensusBox, Stage
from curation.services.quality_facts.comparing import Labelled

AGREED = (Consensus.Status.HARD, Consensus.Status.SOFT)
LEAST_ANSWERS = 3


def agreed(stage: Stage) -> QuerySet[Consensus]:
    """Return the current results at least three answers, or a person, stand behind."""
    rows = Consensus.objects.filter(stage=stage, is_current=True, status__in=AGREED)
    return rows.filter(Q(n_answers__gte=LEAST_ANSWERS) | Q(method="person"))


def agreed_boxes(stage: Stage, asset_ids: Iterable[int] | None = None) -> dict[int, list[Labelled]]:
    """Return the agreed boxes of each image by asset, in fractions; images without agreement are left out.

    The current consensus is meant, and a person's fix is one. At least three answers, or a person, stand behind it.
    """
    rows = agreed(stage) if asset_ids is None else agreed(stage).filter(asset_id__in=asset_ids)
    owners = dict(rows.values_list("pk", "asset_id"))
    found: dict[int, list[Labelled]] = {asset_id: [] for asset_id in owners.values()}
    boxes = ConsensusBox.objects.filter(consensus_id__in=list(owners)).order_by("consensus_id", "seq")
    for row in boxes.values_list("consensus_id", "x", "y", "w", "h", "label"):
        found[owners[row[0]]].append(labelled(row[1:]))
    return found


Answer = tuple[int, int, int, list[Labelled]]


def answers_to(source: Stage, asset_ids: Sequence[int]) -> list[Answer]:
    """Return (annotation, asset, worker, boxes) of the answers that count, in order of arrival."""
    return _with_boxes(_counting(source).filter(asset_id__in=asset_ids).order_by("id"))


def answers_by(source: Stage, worker_id: int, most: int) -> list[Answer]:
    """Return a worker's latest answers."""
    latest = _counting(source).filter(worker_id=worker_id).order_by("-id")[:most]
    return _with_boxes(Annotation.objects.filter(pk__in=list(latest.values_list("pk", flat=True))).order_by("id"))


def _counting(source: Stage) -> QuerySet[Annotation]:
    return Annotation.objects.filter(stage=source, discarded_at__isnull=True)


def _with_boxes(rows: QuerySet[Annotation]) -> list[Answer]:
    drawn: dict[int, list[Labelled]] = defaultdict(list)
    boxes = Box.objects.filter(annotation__in=rows.order_by().values("pk")).order_by("annotation_id", "seq")
    for row in boxes.values_list("annotation_id", "x", "y", "w", "h", "label"):
        drawn[row[0]].append(labelled(row[1:]))
    return [(pk, asset, worker, drawn[pk]) for pk, asset, worker in rows.values_list("pk", "asset_id", "worker_id")]


def labelled(row: Sequence[Any]) -> Labelled:
    x, y, w, h, label = row
    return (x, y, x + w, y + h), label
