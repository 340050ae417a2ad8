"""SendBonus, ListBonusPayments."""

from datetime import datetime

from crowd.emulators.mturk.errors import invalid
from crowd.emulators.mturk.limits import check_limits
from crowd.emulators.mturk.market import Answer, Market, Request
from crowd.emulators.mturk.money import bonus_fee, read_amount
from crowd.emulators.mturk.nouns.assignments import Assignment, Bonus
from crowd.emulators.mturk.tokens import refuse_repeat, remember


def send_bonus(market: Market, request: Request, now: datetime) -> Answer:
    refuse_repeat(market, "bonus", request, now)
    check_limits(request)
    micro, assignment = read_amount(request["BonusAmount"]), _earned_by(market, request)
    if not micro:
        raise invalid("BonusAmount is 0; a bonus is at least 0.01.")
    market.books.require(micro + bonus_fee(micro))
    _pay(market, assignment, micro, request["Reason"], now)
    remember(market, "bonus", request, market.ids.document(), now)
    return {}


def list_bonus_payments(market: Market, request: Request, now: datetime) -> Answer:
    del now
    hit_id, assignment_id = request.get("HITId", ""), request.get("AssignmentId", "")
    if not hit_id and not assignment_id:
        raise invalid("Either the HITId or the AssignmentId must be given.")
    if hit_id:
        market.hit(hit_id)
    if assignment_id:
        market.assignment(assignment_id)
    found = (
        bonus for bonus in market.bonuses if hit_id in ("", bonus.hit_id) and assignment_id in ("", bonus.assignment_id)
    )
    return market.listed(found, request, f"ListBonusPayments:{hit_id}:{assignment_id}", "BonusPayments")


def _earned_by(market: Market, request: Request) -> Assignment:
    assignment = market.assignment(request["AssignmentId"])
    if assignment.worker_id != request["WorkerId"] or not assignment.handed_in:
        raise invalid(f"Worker {request['WorkerId']} has not handed in assignment {assignment.id}.")
    return assignment


def _pay(market: Market, assignment: Assignment, micro: int, reason: str, now: datetime) -> None:
    names = {"hit": assignment.hit_id, "assignment": assignment.id, "worker": assignment.worker_id}
    market.books.move("bonus", micro, now, **names)
    market.books.move("bonus_fee", bonus_fee(micro), now, **names)
    market.bonuses.append(
        Bonus(market.number(), assignment.hit_id, assignment.id, assignment.worker_id, micro, reason, now)
    )
    market.mail(assignment.worker_id, "You have received a bonus", reason, now)
