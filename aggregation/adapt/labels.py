"""Whether one more vote on a task is worth its price."""

from dataclasses import replace

from aggregation.adapt.advice import Advice, Case, decide, worth_buying
from aggregation.adapt.gains import label_gain
from aggregation.adapt.settings import FEWEST, AdaptSettings
from aggregation.core.skills import PRIOR_ACCURACY
from aggregation.labels.result import LabelVote, next_step
from aggregation.labels.settings import LabelSettings

DEFAULTS = AdaptSettings()
LABEL_DEFAULTS = LabelSettings()


def advise_labels(
    vote: LabelVote,
    settings: AdaptSettings = DEFAULTS,
    labels: LabelSettings = LABEL_DEFAULTS,
    *,
    closed: bool = False,
) -> Advice:
    """Say whether to stop, to buy one more vote or to ask a reviewer; `labels` says how many votes there may be.

    With the stop `curtailed` a vote is bought while it can still change the label: the same labels as all votes would
    give. With `posterior` it is bought below `tau` or, by the rule `gain`, while a vote by somebody unknown is worth
    its price. A task without a label, tied or not voted on, is always in doubt.
    """
    answers = sum(vote.counts.values())
    classes = max(labels.label_count, len(vote.counts), 2)
    fewer = label_gain(vote.confidence, classes, PRIOR_ACCURACY)
    case = Case(answers, vote.confidence, fewer, _doubt(vote, fewer, settings, labels, closed=closed))
    return decide(case, replace(settings, max_answers=max(labels.max_answers, FEWEST)))


def _doubt(
    vote: LabelVote, fewer: float, settings: AdaptSettings, labels: LabelSettings, *, closed: bool
) -> str | None:
    if vote.label is None:
        return "no label leads"
    if labels.stop == "posterior" and settings.rule == "gain":
        return worth_buying(fewer, settings, closed=closed)
    slack = settings.hysteresis if closed else 0.0
    if next_step(vote.label, vote.confidence + slack, vote.counts, labels) == "none":
        return None
    return "votes to come can change the label" if labels.stop == "curtailed" else "the label is not sure enough"
