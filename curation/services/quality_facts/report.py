"""All that the quality page shows, computed together and kept while nothing changes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from django.db.models import Count, Q

from curation.models import Consensus, Project, ReviewControl, Stage
from curation.services.quality_facts.agreement import (
    BoxFigures,
    LabelFigures,
    agreement_of_boxes,
    agreement_of_labels,
)
from curation.services.quality_facts.error_rate import ErrorRate, error_rates, passed_images
from curation.services.quality_facts.estimates import Calibration, Prediction, Share, calibration, jeffreys
from curation.services.quality_facts.keeping import kept
from curation.services.quality_facts.people import BIG, Care, Crowd, care_in
from curation.services.quality_facts.verdicts import KINDS, LOOSE, SAMPLE, Judged, judged

STATUSES = ("hard", "soft", "drop")


@dataclass(frozen=True, slots=True)
class Reviewer:
    """One person's verdicts. `seconds` is the median time of a decision, where the browser measured it.

    `controls` = on how many images whose answer was known the person said the same.
    """

    name: str
    judged: int
    seconds: float | None
    wrong: Share
    controls: Share

    @property
    def per_hour(self) -> int | None:
        return round(3600 / self.seconds) if self.seconds else None


@dataclass(frozen=True, slots=True)
class WorkerLine:
    """One annotator: agreement with the others, and with what was agreed in the end."""

    worker_id: int
    name: str
    answers: int
    mean_iou: float | None
    label_agreement: float | None
    care: Care | None

    @property
    def right(self) -> float | None:
        return self.care.right.share if self.care else None

    @property
    def missed(self) -> float | None:
        return self.care.missed.share if self.care else None

    @property
    def false(self) -> float | None:
        return self.care.false.share if self.care else None


@dataclass(frozen=True, slots=True)
class Quality:
    errors: ErrorRate
    by_class: Sequence[ErrorRate]
    by_month: Sequence[ErrorRate]
    kinds: Sequence[tuple[str, str, int]]
    calibration: Calibration | None
    statuses: Sequence[tuple[str, int]]
    boxes: BoxFigures | None
    labels: Sequence[LabelFigures]
    workers: Sequence[WorkerLine]
    crowd: Crowd | None
    reviewers: Sequence[Reviewer]

    @property
    def judged(self) -> int:
        return self.errors.sample.n + self.errors.doubtful.n

    @property
    def is_empty(self) -> bool:
        return not self.judged and self.boxes is None and not self.labels

    @property
    def is_big(self) -> bool:
        return self.boxes is not None and self.boxes.images > BIG


def quality_of(project: Project, stage: Stage | None) -> Quality:
    """Return the figures, computed once for the project's version."""
    return kept("quality", project, stage, lambda: compute(project, stage), lambda quality: quality.is_big)


def compute(project: Project, stage: Stage | None) -> Quality:
    rows = judged(project)
    errors, by_class, by_month = error_rates(passed_images(project), rows)
    boxes = agreement_of_boxes(stage) if stage else None
    crowd = care_in(project, stage) if stage and boxes else None
    return Quality(
        errors=errors,
        by_class=by_class,
        by_month=by_month,
        kinds=_kinds(rows),
        calibration=calibration(_predictions(rows, errors)),
        statuses=_statuses(stage) if stage else (),
        boxes=boxes,
        labels=agreement_of_labels(project),
        workers=_workers(boxes, crowd),
        crowd=crowd,
        reviewers=_reviewers(project, rows),
    )


def _predictions(rows: Sequence[Judged], errors: ErrorRate) -> list[Prediction]:
    """Each judged image of the sample stands for its share of the sure ones, a doubtful one for itself."""
    stands_for = {SAMPLE: (errors.unseen + errors.sample.n) / max(1, errors.sample.n)}
    return [
        Prediction(row.confidence, not row.is_wrong, stands_for.get(row.part, 1.0))
        for row in rows
        if row.confidence is not None
    ]


def _kinds(rows: Sequence[Judged]) -> list[tuple[str, str, int]]:
    counts = Counter(kind for row in rows for kind in row.kinds if row.is_wrong or kind == LOOSE)
    return [(kind, KINDS.get(kind, kind.replace("_", " ").capitalize()), n) for kind, n in counts.most_common()]


def _statuses(stage: Stage) -> list[tuple[str, int]]:
    rows = Consensus.objects.filter(stage=stage, is_current=True, status__in=STATUSES).order_by().values("status")
    counts = {row["status"]: row["n"] for row in rows.annotate(n=Count("id"))}
    return [(status, counts.get(status, 0)) for status in STATUSES]


def _workers(boxes: BoxFigures | None, crowd: Crowd | None) -> list[WorkerLine]:
    if boxes is None:
        return []
    found = [(name, boxes.workers[name], figures) for name, figures in boxes.report.per_worker.items()]
    return [
        WorkerLine(
            worker_id=worker_id,
            name=name,
            answers=int(figures["n"] or 0),
            mean_iou=figures.get("mean_iou"),
            label_agreement=figures.get("label_agreement"),
            care=crowd.workers.get(worker_id) if crowd else None,
        )
        for name, worker_id, figures in found
    ]


def _reviewers(project: Project, rows: Sequence[Judged]) -> list[Reviewer]:
    by_name: dict[str, list[Judged]] = {}
    for row in rows:
        by_name.setdefault(row.by, []).append(row)
    known = _controls(project)
    found = (_reviewer(name, own, known.get(name, (0, 0))) for name, own in by_name.items())
    return sorted(found, key=lambda one: -one.judged)


def _controls(project: Project) -> dict[str, tuple[int, int]]:
    """Return (agreed, answered) control images of each reviewer."""
    rows = ReviewControl.objects.filter(project_id=project.pk, is_right__isnull=False).order_by().values("user__name")
    counted = rows.annotate(agreed=Count("pk", filter=Q(is_right=True)), n=Count("pk"))
    return {row["user__name"]: (row["agreed"], row["n"]) for row in counted}


def _reviewer(name: str, rows: Sequence[Judged], controls: tuple[int, int]) -> Reviewer:
    times = [row.ms / 1000 for row in rows if row.ms is not None]
    wrong = jeffreys(sum(row.is_wrong for row in rows), len(rows))
    return Reviewer(name, len(rows), median(times) if times else None, wrong, jeffreys(*controls))
