"""Extending, ending, reviewing and deleting HITs."""

from datetime import datetime, timedelta

from crowd.emulators.mturk.errors import invalid, wrong_state
from crowd.emulators.mturk.life import dispose, extend, move_expiration
from crowd.emulators.mturk.limits import YEAR, check_limits
from crowd.emulators.mturk.market import Answer, Market, Request
from crowd.emulators.mturk.nouns.hits import Hit
from crowd.emulators.mturk.tokens import refuse_repeat, remember


def create_additional_assignments_for_hit(market: Market, request: Request, now: datetime) -> Answer:
    refuse_repeat(market, "extension", request, now)
    check_limits(request)
    hit = _kept(market, request)
    extend(market, hit, request["NumberOfAdditionalAssignments"], now)
    remember(market, "extension", request, market.ids.document(), now)
    return {}


def update_expiration_for_hit(market: Market, request: Request, now: datetime) -> Answer:
    hit, until = _kept(market, request), request["ExpireAt"]
    if until > now + timedelta(seconds=YEAR):
        raise invalid(f"ExpireAt is {until.isoformat()}; a HIT can live for 365 days from now at most.")
    move_expiration(market, hit, until, now)
    return {}


def update_hit_review_status(market: Market, request: Request, now: datetime) -> Answer:
    """Move a HIT from Reviewable to Reviewing, or back with Revert."""
    del now
    hit = market.hit(request["HITId"])
    before = "Reviewing" if request.get("Revert") else "Reviewable"
    if hit.status != before:
        raise wrong_state("HIT", hit.status, before)
    hit.reviewing = before == "Reviewable"
    return {}


def delete_hit(market: Market, request: Request, now: datetime) -> Answer:
    hit = market.hit(request["HITId"])
    if hit.status != "Reviewable":
        raise wrong_state("HIT", hit.status, "Reviewable")
    if waiting := hit.count("Submitted"):
        raise wrong_state(
            "HIT", f"Reviewable with {waiting} assignments that are neither approved nor rejected", "Reviewable"
        )
    dispose(market, hit, now)
    return {}


def _kept(market: Market, request: Request) -> Hit:
    hit = market.hit(request["HITId"])
    if hit.disposed:
        raise wrong_state("HIT", hit.status, "Assignable, Unassignable, Reviewable, Reviewing")
    return hit
