"""More answers for what was answered badly: the action CHANGE_OVERLAP."""

import contextlib
from collections.abc import Mapping
from typing import Any

from crowd.emulators.toloka import lifecycle, stock
from crowd.emulators.toloka.errors import ApiError
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.records import CLOSED, Pool, Suite


def change(market: Market, pool: Pool, suite: Suite, parameters: Mapping[str, Any]) -> None:
    """Raise the overlap of a suite; of a mixed one, that of its real tasks, since it is never issued again itself."""
    things = [task for task in suite.tasks if task.kind == "REAL"] if suite.mixed else [suite]
    for thing in things:
        if thing.overlap is not None:
            stock.set_overlap(pool, thing, thing.overlap + int(parameters["delta"]))
    if parameters.get("open_pool") and pool.status == CLOSED:
        with contextlib.suppress(ApiError):  # a pool that cannot be paid for, or has expired, stays closed
            lifecycle.open_pool(market, pool)
