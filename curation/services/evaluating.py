"""How a model does in each scenario: its predictions against the boxes and classes of the frozen version."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet

from curation.datasets.matching import Hits, LabelledBox, counted, matched_boxes, matched_label
from curation.datasets.scenarios import judged
from curation.models import (
    Asset,
    DatasetItem,
    Job,
    Prediction,
    Predictions,
    Project,
    Scenario,
    ScenarioVerdict,
)
from curation.services import scenarios, versions
from curation.services.asset_query import QueryError, matching, parse
from curation.services.jobs import Again
from curation.services.scenarios import Terms

A_BATCH: Final = 2_000
SECONDS_A_RUN: Final = 40.0
MUCH_OF_ONE: Final = 0.2
"""From this share of images by one person on, they are not independent enough for the interval to hold."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One image of a scenario: what was found of it, what is true and what was said."""

    found: Hits
    truth: Sequence[LabelledBox] = ()
    said: Sequence[LabelledBox] = ()
    asset_id: int = 0
    true_label: str = ""
    said_label: str = ""
    confidence: float | None = None
    subject: object = None


@transaction.atomic
def evaluate(*, predictions: Predictions, scenario: Scenario, now: datetime) -> ScenarioVerdict:
    """Judge a model in a scenario and keep it; the same result again adds nothing. Raises QueryError."""
    Predictions.objects.select_for_update().get(pk=predictions.pk)
    terms = scenarios.terms_of(scenario)
    found, subjects = Hits(), Counter[object]()
    for one in images_of(predictions, terms):
        found += one.found
        if one.subject is not None:
            subjects[one.subject] += 1
    right, n = counted(terms.metric, found)
    outcome = judged(right, n, threshold=terms.tolerated)
    row = ScenarioVerdict(
        predictions=predictions,
        scenario=scenario,
        terms=asdict(terms),
        images=found.images,
        **asdict(outcome),
        largest_subject=max(subjects.values()) / found.images if subjects else 0.0,
        created_at=now,
    )
    there = ScenarioVerdict.objects.filter(predictions=predictions, scenario=scenario, is_current=True).first()
    if there is not None and _told(there) == _told(row):
        return there
    ScenarioVerdict.objects.filter(predictions=predictions, scenario=scenario, is_current=True).update(is_current=False)
    row.save()
    versions.bump(project_id=predictions.project_id)
    return row


def images_of(predictions: Predictions, terms: Terms) -> Iterator[Judged]:
    """Yield the images of a scenario in the part the model was run on; of one it said nothing of, nothing was said."""
    items = _items(predictions, terms.query)
    columns = ("asset_id", "boxes", "label_class__name", "asset__worker_id", "asset__parent__worker_id")
    walk = items.order_by("asset_id").values_list(*columns).iterator(chunk_size=A_BATCH)
    batch: list[tuple[Any, ...]] = []
    for row in walk:
        batch.append(row)
        if len(batch) == A_BATCH:
            yield from _batch(predictions, terms, batch)
            batch = []
    yield from _batch(predictions, terms, batch)


def _items(predictions: Predictions, query: str) -> QuerySet[DatasetItem]:
    meant = matching(parse(query), project=predictions.project) if query else Asset.objects.all()
    items = DatasetItem.objects.filter(dataset=predictions.dataset_id)
    items = items.filter(split=predictions.part) if predictions.part else items
    return items.filter(asset__in=meant.order_by().values("pk")) if query else items


def _batch(predictions: Predictions, terms: Terms, batch: Sequence[tuple[Any, ...]]) -> Iterator[Judged]:
    rows = Prediction.objects.filter(predictions=predictions, asset__in=[row[0] for row in batch])
    said = {row.asset_id: row for row in rows}
    judge = _by_label if predictions.kind == Predictions.Kind.LABELS else _by_boxes
    for asset_id, boxes, label, worker, video_worker in batch:
        one = judge(terms, label or "", boxes, said.get(asset_id))
        yield replace(one, asset_id=asset_id, subject=worker or video_worker)


def _by_label(terms: Terms, label: str, _boxes: Any, row: Prediction | None) -> Judged:
    told = row.label if row and (row.confidence or 0) >= terms.confidence else ""
    sure = row.confidence if row else None
    return Judged(matched_label(label, told), true_label=label, said_label=told, confidence=sure)


def _by_boxes(terms: Terms, label: str, boxes: Any, row: Prediction | None) -> Judged:
    truth, said = _read(boxes, sure=False), _read(row.boxes if row else [], sure=True)
    found = matched_boxes(truth, said, iou=terms.iou, confidence=terms.confidence)
    return Judged(found, truth, said, true_label=label, confidence=row.confidence if row else None)


def _read(told: Sequence[Mapping[str, Any]], *, sure: bool) -> list[LabelledBox]:
    """Read kept boxes; what is true is sure."""
    return [
        LabelledBox(one["label"], one["x"], one["y"], one["w"], one["h"], one["confidence"] if sure else 1.0)
        for one in told
    ]


def _told(row: ScenarioVerdict) -> tuple[Any, ...]:
    return row.terms, row.images, row.right, row.n, row.verdict


# --- all of a project ------------------------------------------------------------------------------------------------
def waiting(project: Project) -> Iterator[tuple[Predictions, Scenario]]:
    """Yield models and scenarios that were not judged by the present terms, the newest model first."""
    asked = scenarios.standing(project)
    current = ScenarioVerdict.objects.filter(scenario__in=asked, is_current=True)
    known = {(row.predictions_id, row.scenario_id): row.terms for row in current}
    mine = Predictions.objects.judged().filter(project=project)
    for predictions in mine.select_related("project", "dataset").order_by("-id"):
        for scenario in asked:
            if known.get((predictions.pk, scenario.pk)) != asdict(scenarios.terms_of(scenario)):
                yield predictions, scenario


def run_evaluate(job: Job, now: datetime) -> Again | None:
    """Job: judge what waits, for some time, then come again."""
    project = Project.objects.filter(pk=job.payload["project_id"]).first()
    if project is None:
        return None
    until = time.monotonic() + SECONDS_A_RUN
    for predictions, scenario in waiting(project):
        try:
            evaluate(predictions=predictions, scenario=scenario, now=now)
        except QueryError:  # a class or worker of the query is gone: the page says that it was not judged
            continue
        if time.monotonic() > until:
            return Again()
    return None
