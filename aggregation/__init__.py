"""Consensus of boxes and labels by several people: values in, values out."""

from aggregation.adapt import AdaptSettings, Advice, advise_boxes, advise_labels
from aggregation.boxes import METHODS as BOX_METHODS
from aggregation.boxes import aggregate_boxes
from aggregation.boxes.batch import aggregate_many
from aggregation.boxes.outlines import with_outlines
from aggregation.boxes.reliability import ReliabilityState, fit_reliability, resolve_reliability
from aggregation.boxes.settings import BoxSettings
from aggregation.core.answers import Box, BoxAnswer, Consensus, ConsensusBox, ImageAnswers, TraceStep
from aggregation.core.errors import BadInput
from aggregation.core.reading import Vote, parse_image
from aggregation.core.skills import WorkerSkill
from aggregation.labels import METHODS as LABEL_METHODS
from aggregation.labels import aggregate_labels
from aggregation.labels.majority import vote
from aggregation.labels.result import LabelOutcome, LabelVote
from aggregation.labels.settings import LabelSettings

__version__ = "1.0.0"

__all__ = [
    "BOX_METHODS",
    "LABEL_METHODS",
    "AdaptSettings",
    "Advice",
    "BadInput",
    "Box",
    "BoxAnswer",
    "BoxSettings",
    "Consensus",
    "ConsensusBox",
    "ImageAnswers",
    "LabelOutcome",
    "LabelSettings",
    "LabelVote",
    "ReliabilityState",
    "TraceStep",
    "Vote",
    "WorkerSkill",
    "advise_boxes",
    "advise_labels",
    "aggregate_boxes",
    "aggregate_labels",
    "aggregate_many",
    "fit_reliability",
    "parse_image",
    "resolve_reliability",
    "vote",
    "with_outlines",
]
