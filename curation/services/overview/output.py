"""What came out of a project's last stage: in all over time, and at which pace now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from curation.services.overview.buckets import Pace

SPARK_STEPS = 32


@dataclass(frozen=True, slots=True)
class Output:
    """Assets that passed the last stage: the running total over the buckets, the present pace, and the last week's.

    The week begins with the project where that is younger.
    """

    running: Sequence[int]
    pace: Pace
    week: int
    week_began: datetime

    @property
    def per_hour(self) -> float | None:
        return self.pace.per_hour

    @property
    def last_steps(self) -> Sequence[int]:
        return [after - before for before, after in pairwise(self.running)][-SPARK_STEPS:]
