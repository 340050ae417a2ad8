"""The images behind a figure of the quality page."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from crowd.quality.wording import whole_percent
from curation.models import Asset, Consensus, Decision, Project
from curation.services.quality_facts.verdicts import DOUBTFUL, KINDS, LOOSE, RIGHT, SAMPLE, WRONG, Judged, judged

Ids = QuerySet[Any, int]
UNSEEN = "unseen"
WORDS = {
    SAMPLE: "drawn by chance",
    DOUBTFUL: "doubtful",
    UNSEEN: "passed without a look",
    RIGHT: "right",
    WRONG: "wrong",
    LOOSE: "loose edges",
    "hard": "hard: everybody agrees",
    "soft": "soft: agreed after mending",
    "drop": "no agreement",
}


@dataclass(frozen=True, slots=True)
class Selection:
    """What an address asks for; an empty text asks for nothing. Unknown values find nothing."""

    part: str = ""
    outcome: str = ""
    kind: str = ""
    label_class: str = ""
    month: str = ""
    by: str = ""
    status: str = ""
    stage: str = ""
    low: float | None = None
    high: float | None = None

    @property
    def words(self) -> list[str]:
        """Return what was chosen, for a heading."""
        said = [WORDS.get(one, one) for one in (self.part, self.outcome, self.status) if one]
        said += [KINDS.get(self.kind, self.kind).lower()] if self.kind else []
        said += [f"class {self.label_class}"] if self.label_class else []
        said += [f"arrived in {self.month}"] if self.month else []
        said += [f"judged by {self.by}"] if self.by else []
        if self.low is None or not self.high:
            return said
        return [*said, f"confidence {whole_percent(self.low)} to {whole_percent(self.high)}"]


def chosen(project: Project, selection: Selection, *, start: int, n: int) -> tuple[int, list[int]]:
    """Return how many assets fit and, the newest first, the ids of n of them from a place on."""
    if selection.status or selection.part == UNSEEN:
        rows = _by_status(project, selection) if selection.status else _unseen(project, selection)
        return rows.count(), list(rows[start : start + n])
    ids = sorted((row.asset_id for row in judged(project) if _fits(row, selection)), reverse=True)
    return len(ids), ids[start : start + n]


def _fits(row: Judged, selection: Selection) -> bool:
    asked = [
        (selection.part, row.part),
        (selection.outcome, row.outcome),
        (selection.label_class, row.label_class),
        (selection.month, row.month),
        (selection.by, row.by),
    ]
    return (
        all(not wanted or wanted == has for wanted, has in asked)
        and (not selection.kind or selection.kind in row.kinds)
        and (selection.low is None or (row.confidence is not None and selection.low <= row.confidence))
        and (selection.high is None or (row.confidence is not None and _below(row.confidence, selection.high)))
    )


def _below(value: float, high: float) -> bool:
    return value < high or (high >= 1 and value <= high)


def _by_status(project: Project, selection: Selection) -> Ids:
    rows = Consensus.objects.filter(asset__project=project, is_current=True, status=selection.status)
    if selection.stage:
        rows = rows.filter(stage__name=selection.stage)
    return rows.order_by("-asset_id").values_list("asset_id", flat=True).distinct()


def _unseen(project: Project, selection: Selection) -> Ids:
    rule = Decision.objects.filter(asset=OuterRef("pk"), stage__kind="review", by_kind=Decision.By.RULE)
    latest = rule.order_by("-id")
    review = project.stages.filter(kind="review").order_by("-position").values_list("position", flat=True).first()
    rows = (
        Asset.objects.filter(Exists(rule), project=project, stage__position__gt=review or 0)
        .exclude(state=Asset.State.DROPPED)
        .annotate(came=Subquery(latest.values("verdict")[:1]), at=Subquery(latest.values("created_at")[:1]))
        .filter(came=Decision.Verdict.PASSED)
    )
    if selection.month[:4].isdecimal() and selection.month[5:].isdecimal():
        rows = rows.filter(Q(at__year=int(selection.month[:4]), at__month=int(selection.month[5:])))
    if selection.label_class:
        rows = rows.filter(label_class__name=selection.label_class)
    return rows.order_by("-pk").values_list("pk", flat=True)
