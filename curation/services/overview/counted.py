"""What screens read of the counts: all of them by one question, whatever is shown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from crowd.models.tally import Of
from crowd.services import tallies
from crowd.services.tallies import Chart, Key, Series, Source
from curation.services.overview.buckets import RATE_WINDOW, Pace

ACCEPTED, PASSED, SPENT = "answers.accepted", "decided.passed", "spent."
ASSETS = Source(
    ("assets", "decided"),
    """
    SELECT of_kind, of_id, word, NULL::int AS slot, 1 AS d
      FROM curation_asset asset CROSS JOIN LATERAL winnow_asset_tally(asset)
    UNION ALL
    SELECT 'stage', stage_id, 'decided.' || verdict, winnow_minute(created_at), 1 FROM curation_decision
    """,
)


@dataclass(frozen=True, slots=True)
class Counted:
    """Counts of stages, pools and batches: of all time, in the last hours, and those of charts that were asked for."""

    totals: Mapping[tuple[str, int], Mapping[str, int]]
    lately: Series
    charts: Sequence[Series]
    now: datetime

    @classmethod
    def read(
        cls,
        *,
        now: datetime,
        project: Key | None = None,
        stages: Iterable[int] = (),
        pools: Iterable[int] = (),
        batches: Sequence[int] = (),
        charts: Sequence[Chart] = (),
    ) -> "Counted":
        stages = list(stages)
        keys = [
            *(Key(Of.STAGE, pk, "") for pk in stages),
            *([Key(project.of, project.id, SPENT)] if project else ()),
            *(Key(Of.POOL, pk, SPENT) for pk in pools),
            *(Key(Of.BATCH, pk, "") for pk in batches),
        ]
        paced = [*(Key(Of.STAGE, pk, PASSED) for pk in stages), *(Key(Of.BATCH, pk, ACCEPTED) for pk in batches)]
        window = now - RATE_WINDOW
        lately = Chart(paced, window, RATE_WINDOW.total_seconds(), since=window)
        found, drawn = tallies.read(keys, [lately, *charts])
        return cls(found, drawn[0], drawn[1:], now)

    def of(self, kind: Of, pk: int) -> Mapping[str, int]:
        return self.totals.get((kind, pk), {})

    def pace(self, *keys: Key, since: datetime | None = None) -> Pace:
        """Return at which pace all of these came together."""
        points = [point for key in keys for point in self.lately.get(key, ())]
        total = sum(self.of(key.of, key.id).get(key.word, 0) for key in keys)
        return Pace.of(points, total=total, now=self.now, since=since)
