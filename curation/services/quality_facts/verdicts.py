"""What reviewers' verdicts say about the crowd's boxes: right, wrong in which way, and how the image came to them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aggregation.core.geometry import best_matching, iou_matrix
from curation.models import ConsensusBox, Decision, Project, Review
from curation.services.reviews.verdicts import JUDGING, last_words

FOUND, TIGHT = 0.5, 0.75
RIGHT, LOOSE, WRONG = "right", "loose", "wrong"
SAMPLE, DOUBTFUL = "sample", "doubtful"
KINDS: Final[dict[str, str]] = {
    "missing_box": "Missing box",
    "extra_box": "Extra box",
    "wrong_label": "Wrong label",
    "misplaced": "Box in the wrong place",
    "cut_off": "Hand cut off",
    "third_party": "Third-party or rotated photo",
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
    """Return every image that a person accepted, fixed or rejected and that stands, in five queries."""
    rows = list(
        last_words(project)
        .filter(verdict__in=JUDGING)
        .select_related("consensus", "by", "asset__label_class")
        .defer("consensus__trace", "consensus__settings", "consensus__inputs")
        .order_by("asset_id")
    )
    came = _came_by([row.asset_id for row in rows])
    seen = _boxes_of([row.consensus_id for row in rows if row.verdict == Review.Verdict.FIX and row.consensus_id])
    return [_judged(row, came[row.asset_id], seen) for row in rows if row.asset_id in came]


def _judged(row: Review, came: tuple[str, datetime], seen: Mapping[int, Sequence[Mapping[str, Any]]]) -> Judged:
    kinds = kinds_of(row.verdict, row.reason, seen.get(row.consensus_id or 0, ()), row.boxes or ())
    reason, at = came
    return Judged(
        asset_id=row.asset_id,
        label_class=row.asset.label_class.name if row.asset.label_class else "",
        month=f"{at:%Y-%m}",
        part=SAMPLE if reason == "sample" else DOUBTFUL,
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
    return differences(seen, fixed) if verdict == Review.Verdict.FIX else ()


def differences(seen: Sequence[Mapping[str, Any]], right: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Compare boxes with the right ones, in fractions of the image, by the best matching at IoU 0.5."""
    scores = iou_matrix([_corners(box) for box in seen], [_corners(box) for box in right])
    pairs = [(i, j) for i, j in best_matching(scores) if scores[i, j] >= FOUND] if seen and right else []
    overlapping = sum(1 for i, j in best_matching(scores) if 0 < scores[i, j] < FOUND) if seen and right else 0
    found = {
        "missing_box": len(right) - len(pairs) - overlapping > 0,
        "extra_box": len(seen) - len(pairs) - overlapping > 0,
        "wrong_label": any(seen[i]["label"] != right[j]["label"] for i, j in pairs),
        "misplaced": overlapping > 0,
    }
    kinds = tuple(kind for kind, is_so in found.items() if is_so)
    return kinds or ((LOOSE,) if any(scores[i, j] < TIGHT for i, j in pairs) else ())


def _corners(box: Mapping[str, Any]) -> tuple[float, float, float, float]:
    return box["x"], box["y"], box["x"] + box["w"], box["y"] + box["h"]


def _came_by(asset_ids: Iterable[int]) -> dict[int, tuple[str, datetime]]:
    """Return why each image was set aside for a person, by the rule's last decision about it at review."""
    held = Decision.objects.filter(
        asset_id__in=list(asset_ids),
        stage__kind="review",
        by_kind=Decision.By.RULE,
        verdict=Decision.Verdict.HELD,
    )
    rows = held.order_by("asset_id", "-id").distinct("asset_id").values_list("asset_id", "reason", "created_at")
    return {asset_id: (reason, at) for asset_id, reason, at in rows}


def _boxes_of(consensus_ids: Iterable[int]) -> dict[int, list[Mapping[str, Any]]]:
    found: dict[int, list[Mapping[str, Any]]] = {pk: [] for pk in consensus_ids}
    rows = ConsensusBox.objects.filter(consensus_id__in=list(found)).order_by("consensus_id", "seq")
    for row in rows.values("consensus_id", "label", "x", "y", "w", "h"):
        found[row["consensus_id"]].append(row)
    return found
