"""Pages of a batch by state: deltas written by triggers are folded into sums, which can be rebuilt from the rows."""

from collections.abc import Collection, Set
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from crowd.services.patience import be_patient

FOLDER = 4_301  # the advisory lock that keeps a rebuild and a folder apart
DELTAS_A_FOLD = 10_000

# Materialized: as the inside of a join, a limit under FOR UPDATE SKIP LOCKED is run again for each row.
FOLD = """
WITH waiting AS MATERIALIZED (
    SELECT id FROM crowd_batchdelta ORDER BY id LIMIT %(most)s FOR UPDATE SKIP LOCKED
), eaten AS (
    DELETE FROM crowd_batchdelta WHERE id IN (SELECT id FROM waiting)
    RETURNING batch_id, state, d, amount_micro
), summed AS (
    SELECT batch_id, state, sum(d) AS n, sum(amount_micro) AS amount FROM eaten GROUP BY 1, 2
), added AS (
    INSERT INTO crowd_batchrollup AS r (batch_id, state, n, amount_micro)
    SELECT batch_id, state, n, amount FROM summed ORDER BY 1, 2
    ON CONFLICT (batch_id, state) DO UPDATE
       SET n = r.n + excluded.n, amount_micro = r.amount_micro + excluded.amount_micro
)
SELECT (SELECT count(*) FROM eaten), ARRAY(SELECT DISTINCT batch_id FROM summed)
"""
# Deltas and rows of a change are seen together or not at all, so one statement may forget the deltas it has counted.
REBUILD = """
WITH forgotten AS (DELETE FROM crowd_batchdelta),
fresh AS (
    SELECT batch_id, state, count(*) AS n, sum(price_micro + fee_micro) AS amount
      FROM crowd_assignment GROUP BY 1, 2
), gone AS (
    DELETE FROM crowd_batchrollup r
     WHERE NOT EXISTS (SELECT 1 FROM fresh f WHERE f.batch_id = r.batch_id AND f.state = r.state)
)
INSERT INTO crowd_batchrollup (batch_id, state, n, amount_micro)
SELECT batch_id, state, n, amount FROM fresh ORDER BY 1, 2
ON CONFLICT (batch_id, state) DO UPDATE SET n = excluded.n, amount_micro = excluded.amount_micro
"""
COMPARE = """
WITH told AS (
    SELECT batch_id, state, sum(n)::bigint AS n, sum(amount)::bigint AS amount FROM (
        SELECT batch_id, state, n, amount_micro AS amount FROM crowd_batchrollup
        UNION ALL SELECT batch_id, state, d, amount_micro FROM crowd_batchdelta) AS parts
     WHERE %(batches)s::bigint[] IS NULL OR batch_id = ANY(%(batches)s) GROUP BY 1, 2
), fresh AS (
    SELECT batch_id, state, count(*) AS n, sum(price_micro + fee_micro)::bigint AS amount
      FROM crowd_assignment
     WHERE %(batches)s::bigint[] IS NULL OR batch_id = ANY(%(batches)s) GROUP BY 1, 2
)
SELECT batch_id, state, coalesce(told.n, 0), coalesce(told.amount, 0), coalesce(fresh.n, 0), coalesce(fresh.amount, 0)
  FROM told FULL JOIN fresh USING (batch_id, state)
 WHERE coalesce(told.n, 0) <> coalesce(fresh.n, 0) OR coalesce(told.amount, 0) <> coalesce(fresh.amount, 0)
 ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Folded:
    """How many deltas were eaten, and whose counts have changed."""

    deltas: int
    batch_ids: Set[int]


@dataclass(frozen=True, slots=True)
class WrongSum:
    """A sum that differs from what the rows say."""

    batch_id: int
    state: str
    told_n: int
    told_micro: int
    rows_n: int
    rows_micro: int


@transaction.atomic
def fold(*, now: datetime, most: int = DELTAS_A_FOLD) -> Folded:  # noqa: ARG001  housekeeping passes its time to all
    """Add the waiting deltas to the sums. Never by "id above the last one": an earlier id may be committed later."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [FOLDER])
        if not cursor.fetchone()[0]:
            return Folded(0, frozenset())
        cursor.execute(FOLD, {"most": most})
        deltas, batch_ids = cursor.fetchone()
    return Folded(deltas, frozenset(batch_ids))


@transaction.atomic
def rebuild() -> None:
    """Make all sums anew from the rows, however long it takes."""
    be_patient()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FOLDER])
        cursor.execute(REBUILD)


@transaction.atomic
def compare(*, batches: Collection[int] | None = None) -> list[WrongSum]:
    """Return the sums, waiting deltas included, that differ from the rows; or those of some batches.

    Looks at one moment: nobody has to stop.
    """
    be_patient()
    with connection.cursor() as cursor:
        cursor.execute(COMPARE, {"batches": None if batches is None else list(batches)})
        return [WrongSum(*row) for row in cursor.fetchall()]
