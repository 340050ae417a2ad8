"""The requester's side without HTTP: one call is one operation under the market's lock."""

from typing import Any

from crowd.emulators.mturk.contract import checked
from crowd.emulators.mturk.faults import Faults, Limit, service_fault, throttled
from crowd.emulators.mturk.life import catch_up
from crowd.emulators.mturk.market import Answer, Market
from crowd.emulators.mturk.operations import OPERATIONS


class Service:
    def __init__(self, market: Market, faults: Faults, limit: Limit) -> None:
        self.market, self.faults, self._limit = market, faults, limit

    def call(self, operation: str, body: dict[str, Any]) -> Answer:
        """Carry out an operation as it is at this moment of the clock; raise a Refusal."""
        with self.market.lock:
            now = self.market.clock.now()
            self._limit.take(now)
            if self.faults.strikes("throttle", operation):
                raise throttled()
            if self.faults.strikes("service_fault", operation):
                raise service_fault()
            catch_up(self.market, now)
            request = checked(operation, body)
            return OPERATIONS[operation](self.market, request, now)

    def catch_up(self) -> None:
        """Let happen what is due, without a request."""
        with self.market.lock:
            catch_up(self.market, self.market.clock.now())
