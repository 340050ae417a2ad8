"""What reviewers' verdicts say about the crowd's boxes: right, wrong in which way, and how the image came to them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import F, OuterRef, QuerySet, Subquery

from curation.models import Decision, Project, Review
from curation.services.quality_facts.comparing import Labelled, compare
from curation.services.reviews.verdicts import ASKING, JUDGING, SAMPLED, boxes_of, last_words, standing_verdicts

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
    """Return every image that a person judged and whose judgement stands, in four queries.

    An image of the sample counts by the first verdict over it, and asking for another answer says that it was wrong:
    nobody mends the images it stands for. A doubtful image counts by the last word.
    """
    sample, doubtful = list(_of_sample(project)), list(_of_doubtful(project))
    came = _came_by([row.asset_id for row in doubtful])
    fixed = [row.consensus_id for row in [*sample, *doubtful] if row.verdict == Review.Verdict.FIX and row.consensus_id]
    seen = boxes_of(fixed)
    found = [_judged(row, SAMPLE, row.sampled_at, seen) for row in sample]
    found += [_judged(row, DOUBTFUL, came[row.asset_id], seen) for row in doubtful if row.asset_id in came]
    return sorted(found, key=lambda one: one.asset_id)


def _of_sample(project: Project) -> QuerySet[Any, Any]:
    since = _with_sampled_at(standing_verdicts(project)).filter(created_at__gte=F("sampled_at"))
    first = since.order_by("asset_id", "id").distinct("asset_id")
    return _with_sampled_at(_with_related(Review.objects.filter(pk__in=first.values("pk"))))


def _of_doubtful(project: Project) -> QuerySet[Any, Any]:
    rows = _with_sampled_at(last_words(project).filter(verdict__in=JUDGING))
    return _with_related(rows.filter(sampled_at=None))


def _with_sampled_at(rows: QuerySet[Review]) -> QuerySet[Any, Any]:
    drawn = _held().filter(asset=OuterRef("asset"), reason=SAMPLED).order_by("id")
    return rows.annotate(sampled_at=Subquery(drawn.values("created_at")[:1]))


def _with_related(rows: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
    related = rows.select_related("consensus", "by", "asset__label_class")
    return related.defer("consensus__trace", "consensus__settings", "consensus__inputs")


def _judged(row: Review, part: str, at: datetime, seen: Mapping[int, Sequence[Mapping[str, Any]]]) -> Judged:
    kinds = kinds_of(row.verdict, row.reason, seen.get(row.consensus_id or 0, ()), row.boxes or ())
    return Judged(
        asset_id=row.asset_id,
        label_class=row.asset.label_class.name if row.asset.label_class else "",
        month=f"{at:%Y-%m}",
        part=part,
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
    return Decision.objects.filter(stage__kind="review", by_kind=Decision.By.RULE, verdict=Decision.Verdict.HELD)


def _came_by(asset_ids: Iterable[int]) -> dict[int, datetime]:
    """Return when each image was last set aside for a person."""
    rows = _held().filter(asset_id__in=list(asset_ids)).order_by("asset_id", "-id").distinct("asset_id")
    return dict(rows.values_list("asset_id", "created_at"))
