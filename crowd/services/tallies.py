"""Counts that screens show, in all and over time: deltas written by triggers, folded into sums each second.

A count is read with the deltas that still wait, so it is exact at every moment; it can be rebuilt from the rows.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from django.db import connection, transaction

from crowd.models import Tally
from crowd.models.tally import Of
from crowd.services.patience import be_patient

ByWorker = Literal["given", "accepted", "earned"]
FOLDER = 4_302  # the advisory lock that keeps a rebuild and a folder apart
DELTAS_A_FOLD = 20_000
MINUTES_KEPT = timedelta(days=8)  # hours are kept for ever
FORGOTTEN_AT_ONCE = 100_000
HOUR = 3_600

# Materialized: as the inside of a join, a limit under FOR UPDATE SKIP LOCKED is run again for each row.
FOLD = """
WITH waiting AS MATERIALIZED (
    SELECT id FROM crowd_tallydelta ORDER BY id LIMIT %(most)s FOR UPDATE SKIP LOCKED
), eaten AS (
    DELETE FROM crowd_tallydelta WHERE id IN (SELECT id FROM waiting) RETURNING of_kind, of_id, word, slot, d
), added AS (
    INSERT INTO crowd_tally AS t (of_kind, of_id, word, minutes, slot, n) {spread}
    ON CONFLICT (of_kind, of_id, minutes, word, slot) DO UPDATE SET n = t.n + excluded.n
)
SELECT count(*) FROM eaten
"""
SPREAD = """
SELECT of_kind, of_id, word, minutes, CASE minutes WHEN 0 THEN 0 ELSE slot / minutes END, sum(d)
  FROM {rows} CROSS JOIN (VALUES (0), (1), (60)) AS per (minutes)
 WHERE minutes = 0 OR slot IS NOT NULL GROUP BY 1, 2, 3, 4, 5 HAVING sum(d) <> 0 ORDER BY 1, 2, 4, 3, 5
"""
MINE = "split_part(word, '.', 1) = ANY(%(words)s)"
# Deltas and rows of a change are seen together or not at all, so one statement may forget the deltas it has counted.
REBUILD = """
WITH forgotten AS (DELETE FROM crowd_tallydelta WHERE {mine}),
fresh AS MATERIALIZED (
    SELECT of_kind, of_id, word, slot, sum(d) AS d FROM ({fresh}) AS rows GROUP BY 1, 2, 3, 4
),
sums AS MATERIALIZED (
    SELECT * FROM ({spread}) AS steps (of_kind, of_id, word, minutes, slot, n) WHERE minutes <> 1 OR slot >= %(oldest)s
),
gone AS (
    DELETE FROM crowd_tally t WHERE {mine} AND NOT EXISTS (
        SELECT 1 FROM sums s
         WHERE (s.of_kind, s.of_id, s.minutes, s.word, s.slot) = (t.of_kind, t.of_id, t.minutes, t.word, t.slot))
)
INSERT INTO crowd_tally (of_kind, of_id, word, minutes, slot, n) SELECT * FROM sums
ON CONFLICT (of_kind, of_id, minutes, word, slot) DO UPDATE SET n = excluded.n
"""
ASKED_FOR = "(%(batches)s::bigint[] IS NULL OR (of_kind = 'batch' AND of_id = ANY(%(batches)s)))"
COMPARE = """
WITH told AS (
    SELECT of_kind, of_id, word, sum(n) AS n FROM (
        SELECT of_kind, of_id, word, n FROM crowd_tally WHERE minutes = 0 AND {mine}
        UNION ALL SELECT of_kind, of_id, word, d FROM crowd_tallydelta WHERE {mine}) AS parts
     WHERE {asked_for} GROUP BY 1, 2, 3
), fresh AS (
    SELECT of_kind, of_id, word, sum(d) AS n FROM ({fresh}) AS rows WHERE {asked_for} GROUP BY 1, 2, 3
)
SELECT of_kind, of_id, word, coalesce(told.n, 0)::bigint, coalesce(fresh.n, 0)::bigint
  FROM told FULL JOIN fresh USING (of_kind, of_id, word)
 WHERE coalesce(told.n, 0) <> coalesce(fresh.n, 0) ORDER BY 1, 2, 3
"""
# Hours are kept for ever; where minutes are left, they say the first and the last hour more exactly.
SPAN = """
SELECT min(at) FILTER (WHERE minutes = 60), min(at) FILTER (WHERE minutes = 1), max(at) FROM (
    SELECT minutes, slot::bigint * minutes * 60 AS at FROM crowd_tally
     WHERE of_kind = %(kind)s AND of_id = ANY(%(ids)s) AND minutes IN (1, 60) AND word = %(word)s AND n > 0
    UNION ALL
    SELECT 1, slot::bigint * 60 FROM crowd_tallydelta
     WHERE of_kind = %(kind)s AND of_id = ANY(%(ids)s) AND word = %(word)s AND d > 0 AND slot IS NOT NULL
) AS times
"""
ASKED = "unnest(%(kinds)s::text[], %(ids)s::bigint[], %(words)s::text[]) AS asked (kind, id, said)"
CHARTED = """unnest(
    %(charts)s::int[], %(of_kinds)s::text[], %(of_ids)s::bigint[], %(says)s::text[],
    %(starts)s::float8[], %(seconds)s::float8[], %(per)s::int[], %(since)s::bigint[]
) AS asked (chart, kind, id, said, start, seconds, per, since)"""
TOTALS = """
SELECT of_kind, of_id, word, sum(n)::bigint AS n FROM (
    SELECT of_kind, of_id, word, n FROM {asked}
      JOIN crowd_tally ON of_kind = asked.kind AND of_id = asked.id AND minutes = 0 AND starts_with(word, said)
    UNION ALL
    SELECT of_kind, of_id, word, d FROM {asked}
      JOIN crowd_tallydelta ON of_kind = asked.kind AND of_id = asked.id AND starts_with(word, said)
) AS parts GROUP BY 1, 2, 3 HAVING sum(n) <> 0
"""
SERIES = """
SELECT chart, of_kind, of_id, word, greatest(-1, floor((at - start) / seconds))::int AS bucket, sum(n)::bigint, min(at)
  FROM (
    SELECT chart, start, seconds, of_kind, of_id, word, slot::bigint * minutes * 60 AS at, n FROM {charted}
      JOIN crowd_tally ON of_kind = asked.kind AND of_id = asked.id AND minutes = asked.per AND word = said
                      AND slot >= asked.since / 60 / asked.per
    UNION ALL
    SELECT chart, start, seconds, of_kind, of_id, word, slot::bigint / per * per * 60, d FROM {charted}
      JOIN crowd_tallydelta ON of_kind = asked.kind AND of_id = asked.id AND word = said
                      AND slot >= asked.since / 60 / asked.per * asked.per
) AS parts GROUP BY 1, 2, 3, 4, 5 HAVING sum(n) <> 0
"""
READ = """
SELECT NULL AS chart, of_kind, of_id, word, NULL AS bucket, n, NULL AS first FROM ({totals}) AS totals
UNION ALL ({series}) ORDER BY chart, of_kind, of_id, word, bucket
"""
RANKED = """
SELECT worker FROM (
    SELECT word, n FROM crowd_tally WHERE of_kind = 'workers' AND of_id = %(project)s AND minutes = 0
    UNION ALL
    SELECT word, d FROM crowd_tallydelta WHERE of_kind = 'workers' AND of_id = %(project)s
) AS parts
CROSS JOIN LATERAL (SELECT split_part(word, '.', 2)::bigint AS worker) AS whose
WHERE starts_with(word, 'given.') OR starts_with(word, %(word)s)
GROUP BY worker HAVING sum(n) FILTER (WHERE starts_with(word, 'given.')) > 0
ORDER BY coalesce(sum(n) FILTER (WHERE starts_with(word, %(word)s)), 0) {direction}, worker
OFFSET %(first)s LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Source:
    """Where counts come from: the first parts of their words, and the query that counts the rows afresh.

    The query returns of_kind, of_id, word, slot, d; `batches` may narrow it to the rows of some batches.
    """

    words: tuple[str, ...]
    fresh: str

    def query(self, template: str) -> str:
        return template.format(mine=MINE, asked_for=ASKED_FOR, fresh=self.fresh, spread=SPREAD.format(rows="fresh"))


PAGES = Source(
    ("pages", "answers", "tasks", "spent", "given", "accepted", "earned"),
    """
    SELECT of_kind, of_id, word, slot, d FROM crowd_assignment page CROSS JOIN LATERAL winnow_page_tally(page)
     WHERE %(batches)s::bigint[] IS NULL OR page.batch_id = ANY(%(batches)s)
    UNION ALL
    SELECT of_kind, of_id, word, slot, d FROM crowd_assignment page CROSS JOIN LATERAL winnow_answer_tally(page)
     WHERE %(batches)s::bigint[] IS NULL OR page.batch_id = ANY(%(batches)s)
    UNION ALL
    SELECT of_kind, of_id, word, NULL::int, d FROM crowd_task task CROSS JOIN LATERAL winnow_task_tally(task)
     WHERE %(batches)s::bigint[] IS NULL OR task.batch_id = ANY(%(batches)s)
    UNION ALL
    SELECT of_kind, of_id, word, slot, d FROM crowd_ledgerentry entry CROSS JOIN LATERAL winnow_spent_tally(entry)
     WHERE %(batches)s::bigint[] IS NULL
    """,
)


@dataclass(frozen=True, slots=True)
class WrongTally:
    """A count that differs from what the rows say."""

    of_kind: str
    of_id: int
    word: str
    told: int
    rows: int


class Key(NamedTuple):
    """What is counted, and what it belongs to. For totals the word may be the beginning of several."""

    of: Of
    id: int
    word: str


@dataclass(frozen=True, slots=True)
class Point:
    """So many in one step of a series; `first` is when its earliest minute or hour begins."""

    key: Key
    bucket: int
    n: int
    first: datetime


Totals = dict[tuple[str, int], dict[str, int]]
Series = dict[Key, list[Point]]


@dataclass(frozen=True, slots=True)
class Chart:
    """Counts in steps of so many seconds from `start`; what is older is in step -1, or left out by `since`.

    Steps of an hour and more are added up from hours, shorter ones from minutes.
    """

    keys: Sequence[Key]
    start: datetime
    seconds: float
    since: datetime | None = None


@transaction.atomic
def fold(*, now: datetime, most: int = DELTAS_A_FOLD) -> int:  # noqa: ARG001  housekeeping passes its time to all
    """Add waiting deltas to the sums; returns how many. As in rollups: never by "id above the last one"."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [FOLDER])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(FOLD.format(spread=SPREAD.format(rows="eaten")), {"most": most})
        return int(cursor.fetchone()[0])


@transaction.atomic
def rebuild(*, now: datetime, source: Source = PAGES) -> None:
    """Count the rows of a source anew, however long it takes; by minutes only where these are still kept."""
    be_patient()
    counted = {"words": list(source.words), "batches": None, "oldest": _oldest_minute(now)}
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FOLDER])
        cursor.execute(source.query(REBUILD), counted)


@transaction.atomic
def compare(*, source: Source = PAGES, batches: Collection[int] | None = None) -> list[WrongTally]:
    """Return the counts, waiting deltas included, that differ from the rows at one moment; or those of some batches."""
    asked = None if batches is None else list(batches)
    be_patient()
    with connection.cursor() as cursor:
        cursor.execute(source.query(COMPARE), {"words": list(source.words), "batches": asked})
        return [WrongTally(*row) for row in cursor.fetchall()]


def forget_minutes(*, now: datetime) -> None:
    """Remove minutes that no chart is fine enough to show: so many at once that no statement takes too long."""
    old = Tally.objects.filter(minutes=1, slot__lt=_oldest_minute(now))
    Tally.objects.filter(pk__in=old.values("pk")[:FORGOTTEN_AT_ONCE]).delete()


def _oldest_minute(now: datetime) -> int:
    return int((now - MINUTES_KEPT).timestamp()) // 60


def totals(keys: Iterable[Key]) -> Totals:
    """Return the counts of all time by whose they are and word."""
    found: Totals = {}
    with connection.cursor() as cursor:
        cursor.execute(TOTALS.format(asked=ASKED), _asked(keys))
        for kind, of_id, word, n in cursor.fetchall():
            found.setdefault((kind, of_id), {})[word] = n
    return found


def span(*, of: Of, ids: Iterable[int], word: str) -> tuple[datetime, datetime] | None:
    """Return when the first and the last of something were counted, to the minute or at worst to the hour."""
    with connection.cursor() as cursor:
        cursor.execute(SPAN, {"kind": of.value, "ids": list(ids), "word": word})
        hour, minute, last = cursor.fetchone()
    if last is None:
        return None
    first = minute if hour is None or (minute is not None and minute < hour + HOUR) else hour
    return datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC)


def series(keys: Sequence[Key], *, start: datetime, seconds: float, since: datetime | None = None) -> Series:
    """Return the counts of one chart."""
    _, [drawn] = read((), [Chart(keys, start, seconds, since)])
    return drawn


def read(keys: Iterable[Key], charts: Sequence[Chart]) -> tuple[Totals, list[Series]]:
    """Return the counts of all time, and those of charts, as they are at one moment: one statement."""
    found: Totals = {}
    drawn: list[Series] = [{} for _ in charts]
    with connection.cursor() as cursor:
        query = READ.format(totals=TOTALS.format(asked=ASKED), series=SERIES.format(charted=CHARTED))
        cursor.execute(query, {**_asked(keys), **_charted(charts)})
        for chart, kind, of_id, word, bucket, n, at in cursor.fetchall():
            if chart is None:
                found.setdefault((kind, of_id), {})[word] = n
            else:
                key = Key(Of(kind), of_id, word)
                drawn[chart].setdefault(key, []).append(Point(key, bucket, n, datetime.fromtimestamp(at, UTC)))
    return found, drawn


def ranked(*, project_id: int, by: ByWorker, descending: bool, first: int, most: int) -> list[int]:
    """Return some of the workers who were given a page of a project, in the order of one of their counts."""
    asked: dict[str, int | str] = {"project": project_id, "word": f"{by}.", "first": first, "most": most}
    with connection.cursor() as cursor:
        cursor.execute(RANKED.format(direction="DESC" if descending else "ASC"), asked)
        return [worker for (worker,) in cursor.fetchall()]


def _asked(keys: Iterable[Key]) -> dict[str, Any]:
    asked = list(keys)
    return {
        "kinds": [str(key.of) for key in asked],
        "ids": [key.id for key in asked],
        "words": [key.word for key in asked],
    }


def _charted(charts: Sequence[Chart]) -> dict[str, Any]:
    asked = [(number, chart, key) for number, chart in enumerate(charts) for key in chart.keys]
    return {
        "charts": [number for number, _, _ in asked],
        "of_kinds": [str(key.of) for _, _, key in asked],
        "of_ids": [key.id for _, _, key in asked],
        "says": [key.word for _, _, key in asked],
        "starts": [chart.start.timestamp() for _, chart, _ in asked],
        "seconds": [float(chart.seconds) for _, chart, _ in asked],
        "per": [60 if chart.seconds >= HOUR else 1 for _, chart, _ in asked],
        "since": [int(chart.since.timestamp()) if chart.since else 0 for _, chart, _ in asked],
    }
