"""Accepting and rejecting pages, and the money that moves with it."""

from datetime import timedelta
from typing import Any

from crowd.emulators.toloka.books import About
from crowd.emulators.toloka.checks import demand, form, maybe, needed, one_of, text
from crowd.emulators.toloka.errors import conflict, wrong_status
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.records import ACCEPTED, ARCHIVED, CLOSED, OPEN, REJECTED, SUBMITTED, Assignment

APPEAL = timedelta(days=7)

_PATCH = form({"status": needed(one_of(ACCEPTED, REJECTED)), "public_comment": maybe(text())}, extra=True)


def about(assignment: Assignment) -> About:
    return About(pool_id=assignment.pool_id, assignment_id=assignment.id, user_id=assignment.user_id)


def decide(market: Market, assignment_id: str, body: Any) -> Assignment:
    """Judge a page as the requester asks: a handed in one, or a rejected one after an appeal."""
    assignment, sent = market.assignments.get(assignment_id), demand(_PATCH, body)
    pool = market.pool(assignment.pool_id)
    if pool.status == ARCHIVED:
        raise wrong_status("The pool", pool.status, [OPEN, CLOSED], "POOL_INAPPROPRIATE_STATUS")
    if sent["status"] == REJECTED:
        _demand(assignment, SUBMITTED)
        reject(market, assignment, sent.get("public_comment"))
    else:
        _demand(assignment, SUBMITTED, REJECTED)
        _demand_in_time(market, assignment)
        accept(market, assignment, sent.get("public_comment"))
    return assignment


def _demand(assignment: Assignment, *statuses: str) -> None:
    if assignment.status not in statuses:
        raise wrong_status("The assignment", assignment.status, statuses)


def _demand_in_time(market: Market, assignment: Assignment) -> None:
    if assignment.status != REJECTED:
        return
    if market.now - assignment.times[REJECTED] > APPEAL:
        raise wrong_status("The assignment, for more than 7 days,", assignment.status, [SUBMITTED])
    if market.spendable_micro < market.price_with_fee(assignment.reward_micro):
        raise conflict("NOT_ENOUGH_BALANCE", "The balance does not pay for this page.")


def accept(market: Market, assignment: Assignment, comment: str | None = None) -> None:
    kind = "ACCEPT_AFTER_REJECT" if assignment.status == REJECTED else "ACCEPT"
    assignment.fee_micro = market.books.pay_reward(
        assignment.reward_micro, market.now, about(assignment), reserved=assignment.is_reserved
    )
    assignment.is_reserved = False
    _settle(market, assignment, ACCEPTED, comment)
    market.happened(kind, assignment)


def reject(market: Market, assignment: Assignment, comment: str | None = None) -> None:
    if assignment.is_reserved:
        market.books.release(assignment.reward_micro, market.now, about(assignment))
    assignment.is_reserved = False
    _settle(market, assignment, REJECTED, comment)
    market.pool(assignment.pool_id).last_rejection = market.now
    market.happened("REJECT", assignment)


def _settle(market: Market, assignment: Assignment, status: str, comment: str | None) -> None:
    assignment.status = status
    assignment.times[status] = market.now
    if comment is not None:
        assignment.public_comment = comment
    market.pool(assignment.pool_id).last_moved = market.now
