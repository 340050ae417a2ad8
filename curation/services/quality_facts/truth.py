"""What counts as right for each image of a stage: a person's boxes where there are any, else the consensus."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from django.db.models import Q, QuerySet

from curation.models import Annotation, Consensus, Stage
from curation.services.quality_facts.comparing import Labelled

AGREED = (Consensus.Status.HARD, Consensus.Status.SOFT)
LEAST_ANSWERS = 3
DRAWN: Final = ("boxes__x", "boxes__y", "boxes__w", "boxes__h", "boxes__label")


def agreed(stage: Stage) -> QuerySet[Consensus]:
    """Return the current results at least three answers, or a person, stand behind."""
    rows = Consensus.objects.filter(stage=stage, is_current=True, status__in=AGREED)
    return rows.filter(Q(n_answers__gte=LEAST_ANSWERS) | Q(method="person"))


def agreed_boxes(rows: QuerySet[Consensus]) -> dict[int, list[Labelled]]:
    """Return the boxes of agreed results by asset, in fractions.

    The current consensus is meant, and a person's fix is one. At least three answers, or a person, stand behind it.
    """
    found: dict[int, list[Labelled]] = defaultdict(list)
    for asset_id, *box in rows.order_by("asset_id", "boxes__seq").values_list("asset_id", *DRAWN):
        found[asset_id] += labelled(*box)
    return found


Answer = tuple[int, int, int, list[Labelled]]


def answers_to(source: Stage, asset_ids: Sequence[int]) -> list[Answer]:
    """Return (annotation, asset, worker, boxes) of the answers that count, in order of arrival."""
    return _with_boxes(_counting(source).filter(asset_id__in=asset_ids))


def answers_by(source: Stage, worker_ids: Sequence[int], most: int) -> list[Answer]:
    """Return the latest answers of each of these workers."""
    given = _counting(source).order_by("-id").values("pk")
    latest = [given.filter(worker_id=worker_id)[:most] for worker_id in worker_ids]
    return _with_boxes(Annotation.objects.filter(pk__in=latest[0].union(*latest[1:], all=True)))


def _counting(source: Stage) -> QuerySet[Annotation]:
    return Annotation.objects.filter(stage=source, discarded_at__isnull=True)


def _with_boxes(rows: QuerySet[Annotation]) -> list[Answer]:
    found: dict[int, Answer] = {}
    columns = ("pk", "asset_id", "worker_id", *DRAWN)
    for pk, asset_id, worker_id, *box in rows.order_by("id", "boxes__seq").values_list(*columns):
        found.setdefault(pk, (pk, asset_id, worker_id, []))[3].extend(labelled(*box))
    return list(found.values())


def labelled(x: float | None, y: float, w: float, h: float, label: str) -> list[Labelled]:
    """Return the box of a joined row, if it has one."""
    return [] if x is None else [((x, y, x + w, y + h), label)]
