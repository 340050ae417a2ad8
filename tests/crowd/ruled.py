"""Pools with quality rules, and how they meet a worker."""

from typing import Any

from crowd.models import (
    Batch,
    Worker,
)
from crowd.services import offers, trust
from tests.crowd import market
from tests.crowd.market import MINUTE, NOON


def pool(*asked: dict[str, Any], known: str = "", **fields: Any) -> Batch:
    """An open pool with these rules; with `known`, one task of each page of two is a control task."""
    row = market.batch(
        **{"page_size": 2, "control_per_page": 1 if known else 0, "rules": list(asked), "stage_id": 77, **fields}
    )
    market.tasks(row, 60, overlap=3)
    if known:
        market.tasks(row, 40, known=known)
    return row


def welcome(batch: Batch, who: Worker, now=NOON) -> str:
    """What stands in the way of a page; empty = nothing."""
    offer = next((one for one in offers.offers(worker_id=who.pk, now=now) if one.batch.pk == batch.pk), None)
    return "restricted" if offer is None else offer.needs


def struck(batch: Batch, who: Worker) -> bool:
    return trust.is_restricted(worker=who, batch=batch, now=NOON + MINUTE)
