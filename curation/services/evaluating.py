"""How a model does in each scenario: its predictions against the boxes and classes of the frozen version."""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final, cast

from django.db import transaction
from django.db.models import QuerySet

from curation.datasets.matching import Hits, LabelledBox, counted, matched_boxes, matched_label
from curation.datasets.scenarios import judged
from curation.models import (
    Job,
    Prediction,
    Predictions,
    Project,
    Scenario,
    ScenarioVerdict,
)
from curation.services import jobs, scenarios, shared_cache, versions
from curation.services.asset_query import QueryError
from curation.services.jobs import Again
from curation.services.patience import in_time
from curation.services.scenario_images import MEANT, has_moved, is_same, items, meant_by, note
from curation.services.scenarios import Terms

A_BATCH: Final = 2_000
SECONDS_A_RUN: Final = 40.0
KEPT_SECONDS: Final = 30 * 24 * 3600
MOST_WRONG: Final = 2_400
MOST_AT_ONCE: Final = 2_000
"""So many images are judged while a person waits."""
LOOK_MS: Final = 60_000
"""So long the job looks which images one scenario means now."""
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
    meant = meant_by(predictions, terms.query)
    found, subjects = _looked_at(predictions, terms, meant)
    right, n = counted(terms.metric, found)
    outcome = judged(right, n, threshold=terms.tolerated)
    row = ScenarioVerdict(
        predictions=predictions,
        scenario=scenario,
        terms={**asdict(terms), MEANT: meant},
        images=found.images,
        **asdict(outcome),
        largest_subject=max(subjects.values()) / found.images if subjects else 0.0,
        created_at=now,
    )
    note(predictions, terms.query, meant)
    there = ScenarioVerdict.objects.filter(predictions=predictions, scenario=scenario, is_current=True).first()
    if there is not None and _told(there) == _told(row):
        return there
    ScenarioVerdict.objects.filter(predictions=predictions, scenario=scenario, is_current=True).update(is_current=False)
    row.save()
    versions.bump(project_id=predictions.project_id)
    return row


def _looked_at(predictions: Predictions, terms: Terms, meant: Sequence[str]) -> tuple[Hits, Counter[object]]:
    """Return what was found in all images and how many each person sent; keep which are not right."""
    found, subjects, wrong = Hits(), Counter[object](), list[tuple[int, int]]()
    for one in images_of(predictions, terms):
        found += one.found
        if not one.found.right_images:
            wrong.append((-(one.found.alarms + one.found.misses), one.asset_id))
        if one.subject is not None:
            subjects[one.subject] += 1
    worst = [asset_id for _, asset_id in sorted(wrong)[:MOST_WRONG]]
    shared_cache.keep(_wrong_key(predictions, terms, meant), Wrong(len(wrong), worst), KEPT_SECONDS)
    return found, subjects


def images_of(predictions: Predictions, terms: Terms, *, among: Sequence[int] | None = None) -> Iterator[Judged]:
    """Yield the images of a scenario in the part the model was run on; of one it said nothing of, nothing was said.

    `among`: of these assets only.
    """
    rows = items(predictions, terms.query)
    rows = rows if among is None else rows.filter(asset__in=among)
    columns = ("asset_id", "boxes", "label_class__name", "asset__worker_id", "asset__parent__worker_id")
    walk = rows.order_by("asset_id").values_list(*columns).iterator(chunk_size=A_BATCH)
    batch: list[tuple[Any, ...]] = []
    for row in walk:
        batch.append(row)
        if len(batch) == A_BATCH:
            yield from _batch(predictions, terms, batch)
            batch = []
    yield from _batch(predictions, terms, batch)


@dataclass(frozen=True, slots=True)
class Wrong:
    """The images of a scenario that are not right, the worst first; `n` counts those too that are not among them."""

    n: int
    asset_ids: Sequence[int]


def wrong_images(predictions: Predictions, scenario: Scenario, meant: Sequence[str]) -> Wrong | None:
    """Return what a model got wrong, judged once as long as the scenario means the same images. Raises QueryError.

    `meant`: see `scenario_images.meant_by`. None = these are many images: a job is at it.
    """
    terms = scenarios.terms_of(scenario)
    key = _wrong_key(predictions, terms, meant)
    kept: Wrong | None = shared_cache.found([key]).get(key)
    if kept is not None:
        return kept
    if int(meant[0]) > MOST_AT_ONCE:
        payload = {"predictions_id": predictions.pk, "scenario_id": scenario.pk}
        name = f"{predictions.pk}:{scenario.pk}"
        jobs.wake(kind="judge_scenario", key=name, project_id=predictions.project_id, payload=payload)
        return None
    _looked_at(predictions, terms, meant)
    return cast("Wrong | None", shared_cache.found([key]).get(key))


def run_judge(job: Job, now: datetime) -> Again | None:
    """Job: judge one model in one scenario, for who looks at what it got wrong."""
    rows = Predictions.objects.select_related("project").filter(pk=job.payload["predictions_id"])
    predictions, scenario = rows.first(), Scenario.objects.filter(pk=job.payload["scenario_id"]).first()
    if predictions is not None and scenario is not None:
        with suppress(QueryError):
            evaluate(predictions=predictions, scenario=scenario, now=now)
    return None


def _wrong_key(predictions: Predictions, terms: Terms, meant: Sequence[str]) -> str:
    told = json.dumps([asdict(terms), meant], sort_keys=True)
    return f"wrong-images:{predictions.pk}:{hashlib.sha256(told.encode()).hexdigest()[:32]}"


def is_by(verdict: ScenarioVerdict, terms: Terms) -> bool:
    """Whether a verdict was made by these terms."""
    return {key: value for key, value in verdict.terms.items() if key != MEANT} == asdict(terms)


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
    """Yield models and scenarios not judged by the present terms, the newest model first."""
    asked = scenarios.standing(project)
    known = {(row.predictions_id, row.scenario_id): row for row in _standing(asked)}
    mine = Predictions.objects.judged().filter(project=project)
    for predictions in mine.select_related("project", "dataset").order_by("-id"):
        for scenario in asked:
            verdict = known.get((predictions.pk, scenario.pk))
            if verdict is None or not is_by(verdict, scenarios.terms_of(scenario)):
                yield predictions, scenario


def _standing(asked: Sequence[Scenario]) -> QuerySet[ScenarioVerdict]:
    rows = ScenarioVerdict.objects.filter(scenario__in=asked, is_current=True)
    return rows.select_related("scenario", "predictions__project", "predictions__dataset").order_by("-id")


def run_evaluate(job: Job, now: datetime) -> Again | None:
    """Job: judge what waits, then what is about other images than are meant now; for some time, then come again."""
    project = Project.objects.filter(pk=job.payload["project_id"]).first()
    if project is None:
        return None
    until = time.monotonic() + SECONDS_A_RUN
    for predictions, scenario in waiting(project):
        with suppress(QueryError):  # a class or worker of the query is gone: the page says that it was not judged
            evaluate(predictions=predictions, scenario=scenario, now=now)
        if time.monotonic() > until:
            return Again(cursor=job.cursor)
    return _judge_moved(project, before=job.cursor.get("before"), until=until, now=now)


def _judge_moved(project: Project, *, before: int | None, until: float, now: datetime) -> Again | None:
    """Go through the verdicts from the newest on, or from where an earlier run stopped."""
    rows = _standing(scenarios.standing(project))
    looked: dict[tuple[Any, ...], list[str] | None] = {}
    for verdict in rows.filter(id__lt=before) if before else rows:
        predictions, query = verdict.predictions, verdict.scenario.query
        with suppress(QueryError):
            key = is_same(predictions, query)
            if key not in looked:
                looked[key] = in_time(partial(meant_by, predictions, query), milliseconds=LOOK_MS)
            meant = looked[key]
            if meant is not None and has_moved(verdict, meant):
                evaluate(predictions=predictions, scenario=verdict.scenario, now=now)
        if time.monotonic() > until:
            return Again(cursor={"before": verdict.pk})
    return None
