"""Fees, tax, balances, bonuses: the emulator's own books."""

from decimal import Decimal, InvalidOperation
from typing import Any

from crowd.emulators.prolific.errors import Refusal, invalid, not_found
from crowd.emulators.prolific.market import Market
from crowd.emulators.prolific.nouns import Bulk, Json, Line, Study, Workspace

MOST_LINES = 200
PUBLISHED = frozenset({"ACTIVE", "PAUSED", "AWAITING REVIEW", "PUBLISHING"})


def total_cost(rewards: int) -> int:
    """Return rewards with a third on top as the fee and a fifth of that as tax, rounded up."""
    fees = -(-rewards // 3)
    return rewards + fees + -(-fees // 5)


def calculated(_market: Market, _workspace: Workspace, body: Json) -> Json:
    return {"total_cost": total_cost(int(body["reward"]) * int(body["total_available_places"]))}


def books(market: Market, workspace: Workspace) -> Json:
    """Return what was paid, what is locked for places to come, and what is left."""
    rewards = sum(line.amount for line in workspace.lines if line.kind == "reward")
    bonuses = sum(line.amount for line in workspace.lines if line.kind == "bonus")
    mine = [one for one in market.studies.values() if one.workspace == workspace.id]
    locked = sum(_unpaid_places(market, one) * one.reward for one in mine if one.status in PUBLISHED)
    spent = total_cost(rewards) + total_cost(bonuses)
    left = workspace.deposit - spent - total_cost(locked)
    return {"rewards": rewards, "bonuses": bonuses, "spent": spent, "locked": total_cost(locked), "available": left}


def _unpaid_places(market: Market, study: Study) -> int:
    paid = sum(one.status == "APPROVED" for one in market.submissions_of(study))
    return max(0, study.places - paid)


def balance(market: Market, workspace: Workspace, one: str) -> Json:
    if one != workspace.id:
        raise not_found("workspace", one)
    now = books(market, workspace)
    total = workspace.deposit - now["spent"]
    return {"currency_code": workspace.currency, "total_balance": total, "available_balance": now["available"]}


def require_funds(market: Market, workspace: Workspace, amount: int) -> None:
    if books(market, workspace)["available"] < amount:
        raise Refusal(400, "Bad request", "You do not have enough funds in your balance. Please top up.")


def set_up_bonuses(market: Market, workspace: Workspace, body: Json) -> Json:
    """Read `id,amount` lines; amounts are in whole units with cents behind the point."""
    study = market.study(workspace, str(body.get("study_id")))
    lines = [line for line in str(body.get("csv_bonuses", "")).split("\n") if line.strip()]
    if not 0 < len(lines) <= MOST_LINES:
        raise invalid({"csv_bonuses": f"Between 1 and {MOST_LINES} lines are expected."})
    amounts = [_bonus(market, study, line) for line in lines]
    bulk = Bulk(market.new_id(), study.id, amounts)
    market.bulks[bulk.id] = bulk
    paid = sum(amount for _, amount in amounts)
    cost = total_cost(paid)
    return {"id": bulk.id, "study": study.id, "amount": paid, "fees": -(-paid // 3), "total_amount": cost}


def _bonus(market: Market, study: Study, line: str) -> tuple[str, int]:
    who, _, text = line.partition(",")
    found = [one.id for one in market.submissions_of(study) if who.strip() in {one.id, one.participant}]
    if not found:
        raise invalid({"csv_bonuses": f"{who} has not taken part in the study."})
    try:
        cents = Decimal(text.strip()) * 100
    except InvalidOperation:
        raise invalid({"csv_bonuses": f"{text!r} is not an amount."}) from None
    if not cents.is_finite() or cents <= 0 or cents != cents.to_integral_value():
        raise invalid({"csv_bonuses": f"{text!r} is not an amount."})
    return found[0], int(cents)


def pay_bonuses(market: Market, workspace: Workspace, one: str) -> Any:
    """Pay what was set up. Asked twice, it pays twice: so does the platform."""
    bulk = market.bulks.get(one)
    if bulk is None or market.studies[bulk.study].workspace != workspace.id:
        raise not_found("bulk bonus payment", one)
    require_funds(market, workspace, total_cost(sum(amount for _, amount in bulk.amounts)))
    bulk.times_paid += 1
    shown_from = market.clock.now() + market.bonus_delay
    for submission_id, amount in bulk.amounts:
        market.submissions[submission_id].bonuses.append((shown_from, amount))
        workspace.lines.append(Line("bonus", submission_id, amount))
