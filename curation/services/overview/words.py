"""What codes are called on screens."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from curation.services.overview.eta import Eta
    from curation.services.overview.pools import PoolRow

LONGEST = 24 * 365.0
NOBODY_KNOWS = "—"
PERCENT = "\u00a0%"  # never at the beginning of a line
REASONS: Final[dict[str, str]] = {
    "unreadable": "unreadable",
    "same_file": "same file again",
    "same_photo": "same photo again",
    "low_resolution": "low resolution",
    "template_copy": "copies of the example",
    "not_selected": "not selected",
    "as_published": "lost, why is not published",
    "incorrect": "rejected by checkers",
    "rotated": "rotated",
    "third_party": "not their own",
    "not_loaded": "did not load",
    "undecided": "checkers disagree",
    "drop": "boxes disagree",
    "disagree_few": "too few answers",
    "disagree_existence": "some saw it, too few",
    "disagree_disputed": "each saw something else",
    "disagree_label": "no label won",
    "disagree_iou": "boxes too far apart",
    "disagree_split": "two ways out that differ",
    "misplaced": "misplaced box",
    "wrong_label": "wrong label",
    "missing_box": "missing box",
    "extra_box": "extra box",
    "cut_off": "hand cut off",
}


def reason_words(reason: str) -> str:
    """Return a reason as people say it; an unknown one stays readable."""
    return REASONS.get(reason, reason.replace("_", " ") or "no reason given")


def span_words(hours: float) -> tuple[str, str]:
    """Return a number and its unit: 5 min, 2 h, 6 days."""
    minutes = round(hours * 60)
    if minutes < 60:
        return f"{max(1, minutes)}", "min"
    if hours < 36:
        return f"{round(hours)}", "h"
    return f"{round(hours / 24)}", "days"


def eta_words(row: "PoolRow") -> str:
    """Return '2–3 h', '50 min – 2 h', 'never' or a dash when nobody can say."""
    if row.is_never:
        return "never"
    if row.eta is None or not row.eta.p50 or row.eta.p50 > LONGEST:
        return NOBODY_KNOWS
    return range_words(row.eta)


def range_words(eta: "Eta") -> str:
    """Return the middle and the late end of a time left."""
    (soon, unit), (late, other) = span_words(eta.p50), span_words(min(eta.p90, LONGEST))
    if unit == other:
        return f"{soon} {unit}" if soon == late else f"{soon}–{late} {unit}"
    return f"{soon} {unit} – {late} {other}"
