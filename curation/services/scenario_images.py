"""Which images a scenario means now: looked up once for all models on one version, and no longer than agreed."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Count, DecimalField, F, QuerySet, Sum

from curation.models import Asset, DatasetItem, Predictions, ScenarioVerdict
from curation.services import shared_cache
from curation.services.asset_query import QueryError, matching, parse
from curation.services.patience import in_time

MEANT: Final = "meant"
"""In the terms of a verdict: which images were meant, see `meant_by`."""
PAGE_SECONDS: Final = 2.0
"""So long a page looks for what has moved, all its verdicts together."""
COSTLY: Final = 0.1
KEPT_SECONDS: Final = 300.0
UNKNOWN: Final[list[str]] = []


@dataclass(frozen=True, slots=True)
class Moves:
    """Keys of verdicts: those about other images than the scenario means now, and those of which nobody knows."""

    moved: set[int] = field(default_factory=set)
    unknown: set[int] = field(default_factory=set)


def items(predictions: Predictions, query: str) -> QuerySet[DatasetItem]:
    """Return what a query means in the part the model was run on. Raises QueryError."""
    meant = matching(parse(query), project=predictions.project) if query else Asset.objects.all()
    rows = DatasetItem.objects.filter(dataset=predictions.dataset_id)
    rows = rows.filter(split=predictions.part) if predictions.part else rows
    return rows.filter(asset__in=meant.order_by().values("pk")) if query else rows


def meant_by(predictions: Predictions, query: str) -> list[str]:
    """Return how many images a scenario means and two sums over them, which tell whether they are still the same."""
    squares = Sum(F("asset_id") * F("asset_id"), output_field=DecimalField(max_digits=60, decimal_places=0))
    found = items(predictions, query).aggregate(n=Count("pk"), ids=Sum("asset_id"), squares=squares)
    return [str(found[name] or 0) for name in ("n", "ids", "squares")]


def has_moved(verdict: ScenarioVerdict, meant: Sequence[str]) -> bool:
    then = verdict.terms.get(MEANT)
    return then is not None and then != list(meant)


def is_same(predictions: Predictions, query: str) -> tuple[Any, ...]:
    """Return what models share that are judged on the same images."""
    return predictions.dataset_id, predictions.part, query


def moves(verdicts: Sequence[ScenarioVerdict]) -> Moves:
    """Say which verdicts are about other images than the scenario means now, as far as that is known in time."""
    keys = {verdict.pk: _key(verdict.predictions, verdict.scenario.query) for verdict in verdicts}
    known: dict[str, Any] = shared_cache.found(set(keys.values()))
    until, found = time.monotonic() + PAGE_SECONDS, Moves()
    for verdict in verdicts:
        key = keys[verdict.pk]
        if known.get(key) is None:
            known[key] = _looked_up(verdict, key, until - time.monotonic())
        if known[key] == UNKNOWN:
            found.unknown.add(verdict.pk)
        elif has_moved(verdict, known[key]):
            found.moved.add(verdict.pk)
    return found


def _looked_up(verdict: ScenarioVerdict, key: str, seconds: float) -> list[str]:
    """Look up what is meant in so many seconds; what is costly, or can never be had in time, is kept for a while."""
    if seconds <= 0:
        return UNKNOWN
    predictions, query = verdict.predictions, verdict.scenario.query
    began = time.monotonic()
    try:
        meant = in_time(lambda: meant_by(predictions, query), milliseconds=max(1, int(seconds * 1000)))
    except QueryError:  # a class or worker of the query is gone: the page of the scenario says so
        return list(verdict.terms.get(MEANT) or UNKNOWN)
    cost = time.monotonic() - began
    if cost > COSTLY and (meant is not None or seconds > PAGE_SECONDS * 0.9):
        shared_cache.keep(key, meant or UNKNOWN, KEPT_SECONDS)
    return meant or UNKNOWN


def note(predictions: Predictions, query: str, meant: Sequence[str]) -> None:
    """Let pages that keep an older look know what is meant now."""
    key = _key(predictions, query)
    if shared_cache.found([key]).get(key) is not None:
        shared_cache.keep(key, list(meant), KEPT_SECONDS)


def _key(predictions: Predictions, query: str) -> str:
    told = repr(is_same(predictions, query))
    return f"scenario-images:{predictions.project_id}:{hashlib.sha256(told.encode()).hexdigest()[:32]}"
