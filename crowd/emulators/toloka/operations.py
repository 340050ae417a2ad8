"""Operations: work that the platform does a little later, with a log."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from crowd.emulators.toloka.errors import ApiError, conflict
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.records import Form, Operation

LOG_KEPT = timedelta(days=30)
Work = Callable[[Operation], None]


def start(market: Market, kind: str, parameters: Form, work: Work, *, ident: str | None = None) -> Operation:
    """Begin an operation: it waits for half of the market's delay, runs for the other half, then the work is done."""
    if ident is not None and market.operations.find(ident):
        raise conflict("OPERATION_ALREADY_EXISTS", f"Operation {ident} exists already.", {"operation_id": ident})
    operation = Operation(ident or market.ids.uuid(), kind, parameters, market.now)
    market.operations.add(operation)
    if not market.operation_delay:
        _begin(market, operation)
        _finish(market, operation, work)
        return operation
    market.at(market.now + market.operation_delay / 2, lambda: _begin(market, operation))
    market.at(market.now + market.operation_delay, lambda: _finish(market, operation, work))
    return operation


def done(market: Market, kind: str, parameters: Form, work: Work) -> Operation:
    """Do the work of an operation at once, whatever the delay."""
    operation = market.operations.add(Operation(market.ids.uuid(), kind, parameters, market.now))
    _begin(market, operation)
    _finish(market, operation, work)
    return operation


def _begin(market: Market, operation: Operation) -> None:
    operation.status, operation.started, operation.progress = "RUNNING", market.now, 50


def _finish(market: Market, operation: Operation, work: Work) -> None:
    operation.status = "SUCCESS"
    try:
        work(operation)
    except ApiError as refusal:
        operation.status = "FAIL"
        operation.details = {**operation.details, **_told(refusal)}
        operation.log.append({"type": operation.type.replace(".", "_"), "success": False,
                              "input": operation.parameters, "output": _told(refusal)})  # fmt: skip
    operation.finished, operation.progress = market.now, 100


def _told(refusal: ApiError) -> dict[str, Any]:
    return {"code": refusal.code, "message": refusal.message, "payload": refusal.payload}


def log_of(market: Market, operation_id: str) -> list[Form]:
    operation = market.operations.get(operation_id)
    if operation.finished is not None and market.now - operation.finished >= LOG_KEPT:
        raise archived(operation_id)
    return operation.log


def archived(operation_id: str) -> ApiError:
    return conflict("OPERATION_LOGS_ARCHIVED", f"The log of operation {operation_id} is kept for a month.")
