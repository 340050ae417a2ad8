"""Budgets, holds and payments. A budget moves only by a conditional UPDATE, so it cannot be overdrawn.

Every movement is one ledger row from a book to a book. A page of our own market is held when it is issued; on a
platform that issues pages itself, a batch holds what it may still cost, and pages are charged out of that.

The sums of the books are the budgets' numbers at every moment: held = reserved, workers + platform = spent.
"""

from crowd.services.ledger.by_hand import correct, refund
from crowd.services.ledger.charges import charge, charge_bonus, charge_many
from crowd.services.ledger.holds import release, release_all, reserve, reserve_all, resize, shrink_page
from crowd.services.ledger.limits import Totals, create_budget, raise_budget, remove_budget, totals
from crowd.services.ledger.purse import Purse, lock, lock_all, lock_of_page, lock_project, settled

__all__ = [
    "Purse",
    "Totals",
    "charge",
    "charge_bonus",
    "charge_many",
    "correct",
    "create_budget",
    "lock",
    "lock_all",
    "lock_of_page",
    "lock_project",
    "raise_budget",
    "refund",
    "release",
    "release_all",
    "remove_budget",
    "reserve",
    "reserve_all",
    "resize",
    "settled",
    "shrink_page",
    "totals",
]
