"""Consensus of labels. A new method is one file here and one line in METHODS."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from aggregation.core.errors import BadInput
from aggregation.core.reading import Vote
from aggregation.labels.dawid_skene import dawid_skene
from aggregation.labels.majority import majority
from aggregation.labels.one_coin import one_coin
from aggregation.labels.result import LabelOutcome
from aggregation.labels.settings import LabelSettings

DEFAULTS = LabelSettings()
NOTHING_KNOWN: Mapping[str, str] = {}


class LabelMethod(Protocol):
    """A pure function of all votes of a pool, the settings and the tasks whose label is known."""

    def __call__(self, votes: Sequence[Vote], settings: LabelSettings, known: Mapping[str, str], /) -> LabelOutcome: ...


METHODS: dict[str, LabelMethod] = {
    "majority": majority,
    "one-coin": one_coin,
    "dawid-skene": dawid_skene,
}


def label_method(name: str) -> LabelMethod:
    """Return the method of that name; a ValueError names the known ones."""
    if name not in METHODS:
        raise BadInput(f"unknown method {name!r}: expected one of {', '.join(METHODS)}")
    return METHODS[name]


def aggregate_labels(
    votes: Sequence[Vote],
    settings: LabelSettings = DEFAULTS,
    method: str = "one-coin",
    known: Mapping[str, str] = NOTHING_KNOWN,
) -> LabelOutcome:
    """Combine the votes of a pool into one label a task, and say what each worker is worth.

    `known` gives the label of control and reviewed tasks: they stay as they are and weigh in every worker's skill.
    Pure and independent of the order of the votes. Raises ValueError for an unknown method.
    """
    return label_method(method)(votes, settings, known)
