"""Which share of a pool's pages is usually accepted: what its recipe lets expect, and what its account has had."""

from datetime import datetime, timedelta
from functools import cache as once
from typing import Final

from django.core.cache import cache
from django.db import connection

from curation.models import Pool
from curation.recipes.loading import BadRecipe, load

WEIGHT = 20.0  # pages that the recipe's expectation counts for, beside those of the account
WEEKS = 8
KEPT_SECONDS = 600
LEAST, MOST = 0.02, 0.98  # nothing is certain beforehand
SENT_TO_BE_CHECKED: Final = {"photo", "link"}
CHECKING: Final = ("checks", "validate")
JUDGED = """
SELECT coalesce(sum(tally.n) FILTER (WHERE tally.word = 'pages.accepted'), 0)::bigint, coalesce(sum(tally.n), 0)::bigint
  FROM crowd_batch batch
  JOIN crowd_tally tally ON tally.of_kind = 'batch' AND tally.of_id = batch.id AND tally.minutes = 60
   AND tally.word IN ('pages.accepted', 'pages.rejected') AND tally.slot >= %(since)s
 WHERE batch.account_id = %(account)s AND batch.kind = 'main' AND batch.interface = %(interface)s
"""


def usual_acceptance(pool: Pool, interface: str, *, now: datetime) -> float:
    """Return the share of the account's pages of this kind in eight weeks, drawn towards what the recipe expects."""
    accepted, judged = _judged(pool.account_id, interface, now)
    share = (accepted + WEIGHT * _expected(pool.project.recipe, interface)) / (judged + WEIGHT)
    return min(MOST, max(LEAST, share))


def _judged(account_id: int, interface: str, now: datetime) -> tuple[int, int]:
    key = f"outlook-judged:{account_id}:{interface}:{int(now.timestamp()) // 3600}"
    kept: tuple[int, int] | None = cache.get(key)
    if kept is None:
        since = int((now - timedelta(weeks=WEEKS)).timestamp()) // 3600
        with connection.cursor() as cursor:
            cursor.execute(JUDGED, {"account": account_id, "interface": interface, "since": since})
            accepted, judged = cursor.fetchone()
        kept = int(accepted), int(judged)
        cache.set(key, kept, KEPT_SECONDS)
    return kept


@once
def _expected(recipe: str, interface: str) -> float:
    """Return what a recipe lets through of what is sent in; answers about images are nearly all accepted."""
    if interface not in SENT_TO_BE_CHECKED:
        return 1.0
    try:
        yields = load(recipe).yields
    except BadRecipe:
        return 1.0
    share = 1.0
    for stage in CHECKING:
        share *= yields.get(stage, 1.0)
    return share
