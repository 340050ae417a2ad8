"""Blocks, messages to workers and the balance of the account."""

from datetime import datetime
from typing import Final

from crowd.emulators.mturk.errors import invalid, refuse
from crowd.emulators.mturk.limits import check_limits
from crowd.emulators.mturk.market import Answer, Market, Request
from crowd.emulators.mturk.money import amount
from crowd.emulators.mturk.nouns.workers import Block

MOST_BLOCKS: Final = 100_000
MOST_ADDRESSES: Final = 100


def create_worker_block(market: Market, request: Request, now: datetime) -> Answer:
    del now
    check_limits(request)
    worker = market.worker(request["WorkerId"])
    if worker.id not in market.blocks and len(market.blocks) >= MOST_BLOCKS:
        raise refuse("TooManyWorkerBlocks", f"{MOST_BLOCKS} workers are blocked already.")
    known = market.blocks.get(worker.id)
    number = known.number if known else market.number()
    market.blocks[worker.id] = Block(number, worker.id, request["Reason"])
    return {}


def delete_worker_block(market: Market, request: Request, now: datetime) -> Answer:
    """Let a worker work again; one who was not blocked is no error."""
    del now
    market.blocks.pop(market.worker(request["WorkerId"]).id, None)
    return {}


def list_worker_blocks(market: Market, request: Request, now: datetime) -> Answer:
    del now
    return market.listed(market.blocks.values(), request, "ListWorkerBlocks", "WorkerBlocks")


def notify_workers(market: Market, request: Request, now: datetime) -> Answer:
    """Write to workers whose work was judged before; the others are reported."""
    check_limits(request)
    addressed = list(dict.fromkeys(request["WorkerIds"]))
    if not 0 < len(request["WorkerIds"]) <= MOST_ADDRESSES:
        raise invalid(f"WorkerIds has {len(request['WorkerIds'])} entries; expected 1 to {MOST_ADDRESSES}.")
    known = _judged(market)
    for worker_id in addressed:
        if worker_id in known:
            market.mail(worker_id, request["Subject"], request["MessageText"], now)
    return {"NotifyWorkersFailureStatuses": [_failure(name) for name in addressed if name not in known]}


def get_account_balance(market: Market, request: Request, now: datetime) -> Answer:
    del request, now
    return {"AvailableBalance": amount(market.books.available), "OnHoldBalance": amount(market.books.on_hold)}


def _judged(market: Market) -> set[str]:
    return {found.worker_id for found in market.assignments.values() if found.state in ("Approved", "Rejected")}


def _failure(worker_id: str) -> Answer:
    return {
        "NotifyWorkersFailureCode": "HardFailure",
        "NotifyWorkersFailureMessage": "Cannot send a notification to a worker who has not done any work for you",
        "WorkerId": worker_id,
    }
