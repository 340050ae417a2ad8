"""Pools: drafting, opening, pausing, changing."""

from curation.services.pools.batches import locked, tell_of_changes
from curation.services.pools.changing import change_pool
from curation.services.pools.closing import close_finished, close_pool, pause_pool
from curation.services.pools.drafting import ensure_pool
from curation.services.pools.looking import (
    accepted_count,
    budget_of,
    differences,
    most_expensive,
    not_open,
    require_no_trial,
)
from curation.services.pools.opening import agree_to_differences, open_pool, settle_openings
from curation.services.pools.slots import add_slots

__all__ = [
    "accepted_count",
    "add_slots",
    "agree_to_differences",
    "budget_of",
    "change_pool",
    "close_finished",
    "close_pool",
    "differences",
    "ensure_pool",
    "locked",
    "most_expensive",
    "not_open",
    "open_pool",
    "pause_pool",
    "require_no_trial",
    "settle_openings",
    "tell_of_changes",
]
