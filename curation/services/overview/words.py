"""What codes are called on screens."""

from typing import Final

REASONS: Final[dict[str, str]] = {
    "unreadable": "unreadable",
    "same_file": "same file again",
    "same_photo": "same photo again",
    "low_resolution": "low resolution",
    "template_copy": "copies of the example",
    "not_selected": "not selected",
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
