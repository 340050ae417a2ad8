"""The workers' side in a test: let somebody take a page, answer it, skip it; let time pass."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from crowd.emulators.toloka import TolokaEmulator, issuing, submissions, workers
from crowd.emulators.toloka.errors import ApiError
from crowd.emulators.toloka.records import Assignment, Worker

Answer = dict[str, Any]


class People:
    def __init__(self, emulator: TolokaEmulator) -> None:
        self.emulator = emulator
        self.market = emulator.market

    def come(self, **profile: Any) -> Worker:
        with self.market.entered() as market:
            return workers.add(market, profile)

    def offers(self, worker: Worker) -> list[str]:
        return [offer.pool_id for offer in self.emulator.floor.offers(worker.id)]

    def take(self, worker: Worker, pool_id: str) -> Assignment:
        with self.market.entered() as market:
            return issuing.take(market, worker.id, pool_id)

    def refused(self, worker: Worker, pool_id: str) -> str:
        """The code with which a page is refused."""
        try:
            self.take(worker, pool_id)
        except ApiError as refusal:
            return refusal.code
        return ""

    def hand_in(self, page: Assignment, answers: Sequence[Answer]) -> Assignment:
        with self.market.entered() as market:
            return submissions.submit(market, page.id, answers)

    def work(self, worker: Worker, pool_id: str, verdict: str | Callable[[Any], str] = "ok") -> Assignment:
        """Take a page and judge all of it the same way, or as a function of the task says."""
        page = self.take(worker, pool_id)
        return self.hand_in(page, [{"verdict": _said(verdict, task)} for task in page.suite.tasks])

    def skip(self, page: Assignment) -> Assignment:
        with self.market.entered() as market:
            return submissions.skip(market, page.id)

    def pass_time(self, **length: float) -> None:
        self.market.clock.advance(timedelta(**length))
        self.market.settle()


def _said(verdict: str | Callable[[Any], str], task: Any) -> str:
    return verdict if isinstance(verdict, str) else verdict(task)
