"""How long a campaign will take: how long one task takes, and how many people are at work at once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from django.db import connection

from curation.engine.asking import Campaign
from curation.engine.planning import DRAWS, SEED, PlannedStage, drawn
from curation.services.overview.eta import Eta

USUAL_SECONDS: Final = {"collect": 60.0, "validate": 5.0, "boxes": 20.0}  # a task, where nothing was measured
LEAST_TASKS = 100  # from so many on, what was measured counts
MEASURED, GUESSED = 0.25, 0.5  # how far the pace may be off: standard deviations of its logarithm
# Milliseconds at work and tasks handed in by kind of stage, from counts that are kept; a page counts as a full one.
MEASURE = """
SELECT stage.kind, coalesce(sum(tally.n) FILTER (WHERE tally.word = 'pages.ms'), 0),
       coalesce(sum(tally.n * batch.page_size) FILTER (WHERE tally.word = 'pages.sent'), 0)
  FROM curation_stage stage
  JOIN crowd_batch batch ON batch.stage_id = stage.id AND batch.kind = 'main'
  JOIN crowd_account account ON account.id = batch.account_id AND account.platform <> 'rehearsal'
  JOIN crowd_tally tally ON tally.of_kind = 'batch' AND tally.of_id = batch.id AND tally.minutes = 0
   AND tally.word IN ('pages.ms', 'pages.sent')
 WHERE stage.project_id = ANY(%(projects)s) GROUP BY stage.kind
"""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds a task of each kind of stage; `measured` names the kinds whose pace people have shown here."""

    seconds: Mapping[str, float]
    measured: Collection[str]


def pace_of(project_ids: Collection[int]) -> Pace:
    """Return how long people took in these projects; simulated people take no part in it."""
    with connection.cursor() as cursor:
        cursor.execute(MEASURE, {"projects": list(project_ids)})
        found = {kind: (int(ms), int(tasks)) for kind, ms, tasks in cursor.fetchall()}
    seen = {kind: ms / tasks / 1000 for kind, (ms, tasks) in found.items() if tasks >= LEAST_TASKS and ms}
    return Pace({**USUAL_SECONDS, **seen}, seen.keys())


def hours(asked: Campaign, rows: Sequence[PlannedStage], *, pace: Pace, people: int) -> Eta | None:
    """Return the hours until half and until nine in ten of such campaigns would be done; None = nobody is asked.

    What is uncertain about the numbers is drawn as for the cost; the pace of people besides, as a lognormal factor
    for each stage. Seeded: the same plan has the same time.
    """
    if not rows or people < 1:
        return None
    kind_of = {stage.name: stage.kind for stage in asked.recipe.stages}
    chance, total = np.random.default_rng(SEED), np.zeros(DRAWS)
    for row, factor in drawn(asked, rows):
        kind = kind_of[row.stage]
        sent = row.n / asked.expected("validate").share if kind == "collect" else row.n
        spread = MEASURED if kind in pace.measured else GUESSED
        seconds = sent * row.answers * pace.seconds[kind]
        total += seconds * factor * chance.lognormal(0.0, spread, DRAWS)
    p50, p90 = np.percentile(total / people / 3600, [50, 90])
    return Eta(float(p50), float(p90))
