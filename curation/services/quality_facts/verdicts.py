"""What reviewers' verdicts say about the crowd's boxes: right, wrong in which way, and how the image came to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, F, OuterRef, QuerySet, Subquery, When
from django.db.models.functions import JSONObject

from curation.models import ConsensusBox, Decision, Project, Review
from curation.services.quality_facts.comparing import Labelled, compare
from curation.services.reviews.verdicts import ASKING, JUDGING, SAMPLED, last_words, standing_verdicts

TIGHT = 0.75
RIGHT, LOOSE, WRONG = "right", "loose", "wrong"
SAMPLE, DOUBTFUL = SAMPLED, "doubtful"
ASKED_AGAIN = "asked_again"
KINDS: Final[dict[str, str]] = {
    "missing_box": "Missing box",
    "extra_box": "Extra box",
    "wrong_label": "Wrong label",
    "misplaced": "Box in the wrong place",
    "cut_off": "Hand cut off",
    "third_party": "Third-party or rotated photo",
    ASKED_AGAIN: "Needed another answer",
    LOOSE: "Loose edges only",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """One image that a person judged. `part` says how it came: drawn by chance, or because it was doubtful.

    `outcome` is loose when every box was found but one was redrawn tighter. `kinds` names what was wrong.
    """

    asset_id: int
    label_class: str
    month: str
    part: str
    outcome: str
    kinds: tuple[str, ...]
    confidence: float | None
    by: str
    ms: int | None
    at: datetime

    @property
    def is_wrong(self) -> bool:
        return self.outcome == WRONG


def judged(project: Project) -> list[Judged]:
    """Return every image that a person judged and whose judgement stands, in one query.

    An image of the sample counts by the first verdict over it, and asking for another answer says that it was wrong:
    nobody mends the images it stands for. A doubtful image counts by the last word.
    """
    rows = Review.objects.filter(pk__in=_of_sample(project).values("pk").union(_of_doubtful(project).values("pk")))
    found = (_judged(row) for row in _with_related(rows).order_by("asset_id"))
    return [one for one in found if one is not None]


def _of_sample(project: Project) -> QuerySet[Any, Any]:
    since = standing_verdicts(project).alias(sampled_at=_sampled_at()).filter(created_at__gte=F("sampled_at"))
    return since.order_by("asset_id", "id").distinct("asset_id")


def _of_doubtful(project: Project) -> QuerySet[Any, Any]:
    rows = last_words(project).filter(verdict__in=JUDGING)
    return rows.alias(sampled_at=_sampled_at()).filter(sampled_at=None)


def _sampled_at() -> Subquery:
    """Return when an image was drawn for the sample."""
    return Subquery(_held().filter(reason=SAMPLED).order_by("id").values("created_at")[:1])


def _with_related(rows: QuerySet[Review]) -> QuerySet[Any, Any]:
    """Read with each verdict how its image came to a person, and for a fix the boxes that were seen."""
    seen = ConsensusBox.objects.filter(consensus=OuterRef("consensus")).order_by("seq")
    boxes = ArraySubquery(seen.values(box=JSONObject(**{name: name for name in ("label", "x", "y", "w", "h")})))
    related = rows.select_related("consensus", "by", "asset__label_class")
    return related.defer("consensus__trace", "consensus__settings", "consensus__inputs").annotate(
        sampled_at=_sampled_at(),
        held_at=Subquery(_held().order_by("-id").values("created_at")[:1]),
        seen=Case(When(verdict=Review.Verdict.FIX, then=boxes)),
    )


def _judged(row: Any) -> Judged | None:
    at = row.sampled_at or row.held_at
    if at is None:
        return None
    kinds = kinds_of(row.verdict, row.reason, row.seen or (), row.boxes or ())
    return Judged(
        asset_id=row.asset_id,
        label_class=row.asset.label_class.name if row.asset.label_class else "",
        month=f"{at:%Y-%m}",
        part=SAMPLE if row.sampled_at else DOUBTFUL,
        outcome=RIGHT if not kinds else LOOSE if kinds == (LOOSE,) else WRONG,
        kinds=kinds,
        confidence=row.consensus.confidence if row.consensus and row.consensus.method != "person" else None,
        by=row.by.name if row.by else "",
        ms=row.duration_ms,
        at=row.created_at,
    )


def kinds_of(verdict: str, reason: str, seen: Sequence[Any], fixed: Sequence[Any]) -> tuple[str, ...]:
    """Return what was wrong with the boxes seen; nothing when they were right.

    A fix that only moves edges is loose under IoU 0.75 and no fault at all above.
    """
    if verdict == Review.Verdict.REJECT:
        return (reason or "misplaced",)
    if verdict in ASKING:
        return (ASKED_AGAIN,)
    return differences(seen, fixed) if verdict == Review.Verdict.FIX else ()


def differences(seen: Sequence[Mapping[str, Any]], right: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Compare boxes with the right ones, in fractions of the image, by the best matching at IoU 0.5."""
    compared = compare([_labelled(box) for box in seen], [_labelled(box) for box in right])
    found = {
        "missing_box": len(compared.missed) > len(compared.off),
        "extra_box": len(compared.false) > len(compared.off),
        "wrong_label": bool(compared.wrong_labels),
        "misplaced": bool(compared.off),
    }
    kinds = tuple(kind for kind, is_so in found.items() if is_so)
    return kinds or ((LOOSE,) if any(iou < TIGHT for _, _, iou in compared.pairs) else ())


def _labelled(box: Mapping[str, Any]) -> Labelled:
    return (box["x"], box["y"], box["x"] + box["w"], box["y"] + box["h"]), box["label"]


def _held() -> QuerySet[Decision]:
    """Return the decisions that set the image of a verdict aside for a person."""
    by_rule = Decision.objects.filter(by_kind=Decision.By.RULE, verdict=Decision.Verdict.HELD)
    return by_rule.filter(stage__kind="review", asset=OuterRef("asset"))
