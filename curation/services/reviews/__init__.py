"""A person looks over what the crowd agreed on: who looks at what, what was decided, and taking it back."""

from curation.services.reviews.controls import AsSeen, with_control
from curation.services.reviews.deciding import MOST_DECISIONS, record
from curation.services.reviews.fixing import BoxTask, box_task, check_boxes, known_labels
from curation.services.reviews.history import LATEST, as_decided, latest, similar_to
from curation.services.reviews.places import current_consensus
from curation.services.reviews.queue import (
    LEASE,
    at_review,
    classes_waiting,
    misplaced,
    next_images,
    pace,
    place_all,
    release_leases,
    standing,
    waiting,
)
from curation.services.reviews.values import REASONS, Decided, Refusal, Refused, Saved, Stale, Standing

__all__ = [
    "LATEST",
    "LEASE",
    "MOST_DECISIONS",
    "REASONS",
    "AsSeen",
    "BoxTask",
    "Decided",
    "Refusal",
    "Refused",
    "Saved",
    "Stale",
    "Standing",
    "as_decided",
    "at_review",
    "box_task",
    "check_boxes",
    "classes_waiting",
    "current_consensus",
    "known_labels",
    "latest",
    "misplaced",
    "next_images",
    "pace",
    "place_all",
    "record",
    "release_leases",
    "similar_to",
    "standing",
    "waiting",
    "with_control",
]
