"""A market ready to use: its observers in their order, and the platform's own skills."""

from datetime import timedelta
from decimal import Decimal

from crowd.emulators.toloka import aggregation, checkpoints, lifecycle, rules, skills, training, webhooks
from crowd.emulators.toloka.clock import VirtualClock
from crowd.emulators.toloka.market import Happening, Market
from crowd.emulators.toloka.quotas import Quotas

_EVENTS = {
    "TAKEN": "ASSIGNMENT_CREATED",
    "SUBMITTED": "ASSIGNMENT_SUBMITTED",
    "SKIPPED": "ASSIGNMENT_SKIPPED",
    "EXPIRED": "ASSIGNMENT_EXPIRED",
    "ACCEPT": "ASSIGNMENT_APPROVED",
    "ACCEPT_AFTER_REJECT": "ASSIGNMENT_APPROVED",
    "REJECT": "ASSIGNMENT_REJECTED",
}


def new_market(
    *,
    seed: str,
    clock: VirtualClock,
    commission: Decimal,
    balance: Decimal,
    operation_delay: timedelta,
    quotas: Quotas,
) -> Market:
    market = Market(
        seed=seed,
        clock=clock,
        commission=commission,
        balance=balance,
        quotas=quotas,
        operation_delay=operation_delay,
    )
    skills.add_languages(market)
    market.observers = [
        _notify,
        training.observe,
        rules.observe,
        checkpoints.observe,
        aggregation.observe,
        _look_for_completion,
    ]
    return market


def _notify(market: Market, happening: Happening) -> None:
    webhooks.emit_assignment(market, _EVENTS[happening.kind], happening.pool, happening.assignment)


def _look_for_completion(market: Market, happening: Happening) -> None:
    lifecycle.notice_completion(market, happening.pool)
