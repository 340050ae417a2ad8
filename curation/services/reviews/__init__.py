"""A person looks over what the crowd agreed on: who looks at what, what was decided, and taking it back."""

from curation.services.reviews.deciding import MOST_DECISIONS, record
from curation.services.reviews.fixing import check_boxes, known_labels
from curation.services.reviews.places import current_consensus
from curation.services.reviews.queue import LEASE, at_review, next_images, pace, release_leases, standing
from curation.services.reviews.values import REASONS, Decided, Refusal, Refused, Saved, Stale, Standing

__all__ = [
    "LEASE",
    "MOST_DECISIONS",
    "REASONS",
    "Decided",
    "Refusal",
    "Refused",
    "Saved",
    "Stale",
    "Standing",
    "at_review",
    "check_boxes",
    "current_consensus",
    "known_labels",
    "next_images",
    "pace",
    "record",
    "release_leases",
    "standing",
]
