"""Pools that Toloka has closed by itself: why, and what a person can do about it."""

from collections.abc import Mapping

from crowd.errors import OutOfFunds, PlatformError, StateConflict
from crowd.platforms.toloka.client import Json

OPEN, CLOSED, ARCHIVED, LOCKED = "OPEN", "CLOSED", "ARCHIVED", "LOCKED"
PASSING = frozenset({"COMPLETED", "FOR_UPDATE"})  # new work, or the end of the update, opens it again
NO_MONEY = "NOT_ENOUGH_BALANCE"
REMEDIES: Mapping[str, str] = {
    NO_MONEY: "Toloka closed this pool: the account's balance is too low. Pay in there, then press Resume.",
    "EXPIRED": "Toloka closed this pool: its last day is over. Give it a later one under Edit, then press Resume.",
    "ASSIGNMENTS_LIMIT_EXCEEDED": "Toloka closed this pool: it has as many pages as are allowed. Go on in a new pool.",
    "BLOCKED": "Toloka has blocked this pool. Ask its support why; once that is settled, press Resume.",
    "MANUAL": "Somebody closed this pool on Toloka itself. Press Resume to go on.",
}
OTHER = "Toloka closed this pool and says only “{reason}”. Look there, then press Resume."
ELSEWISE: Mapping[str, str] = {
    ARCHIVED: "This pool is archived on Toloka and stays closed there. Go on in a new pool.",
    LOCKED: "Toloka has locked this pool. Ask its support why; once that is settled, press Resume.",
}


def for_good(there: Json) -> PlatformError | None:
    """Return why a pool cannot be opened any more, if that is so."""
    return StateConflict(ELSEWISE[there["status"]]) if there["status"] in ELSEWISE else None


def stopped(there: Json) -> PlatformError | None:
    """Return why a pool gives out no work, unless it is open or will be without anybody's doing."""
    if gone := for_good(there):
        return gone
    reason = there.get("last_close_reason") or "MANUAL"
    if there["status"] == OPEN or reason in PASSING:
        return None
    kind = OutOfFunds if reason == NO_MONEY else StateConflict
    return kind(REMEDIES.get(reason, OTHER.format(reason=reason)))


def is_open(there: Json) -> bool | None:
    """Return whether a pool gives out work; None = Toloka opens it again by itself when there is some."""
    passing = there["status"] == CLOSED and there.get("last_close_reason") in PASSING
    return None if passing else there["status"] == OPEN
