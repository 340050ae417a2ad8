"""The market as its workers see it: the seam of crowd.emulators.crowd over one emulator."""

import contextlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from crowd.emulators.crowd import Answer, Hints, Move, Offer, Page, PageTask, Player, finish
from crowd.emulators.toloka import issuing, submissions
from crowd.emulators.toloka.errors import ApiError
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.records import ACTIVE, Assignment, Pool, Worker


class Floor:
    """What workers do in a market."""

    def __init__(self, market: Market) -> None:
        self.market = market

    def now(self) -> datetime:
        with self.market.entered():
            return self.market.now

    def worker_ids(self) -> Sequence[str]:
        with self.market.entered():
            return [worker.id for worker in self.market.workers]

    def offers(self, worker_id: str) -> Sequence[Offer]:
        with self.market.entered() as market:
            worker = market.workers.get(worker_id)
            return [self._offer(pool, worker) for pool in issuing.offered(market, worker)]

    def take(self, worker_id: str, pool_id: str) -> Page | None:
        try:
            with self.market.entered() as market:
                return self.page(issuing.take(market, worker_id, pool_id))
        except ApiError as refusal:
            if refusal.status == 404:
                raise
            return None

    def page(self, assignment: Assignment) -> Page:
        market = self.market
        pool = market.pool(assignment.pool_id)
        worker = market.workers.get(assignment.user_id)
        allowed = min(issuing.LONGEST, timedelta(seconds=pool.form["assignment_max_duration_seconds"]))
        tasks = [
            PageTask(
                task.id,
                task.form["input_values"],
                [known["output_values"] for known in task.form.get("known_solutions") or ()],
            )
            for task in assignment.suite.tasks
        ]
        outputs = market.project_of(pool).outputs.spec
        taken = assignment.created
        return Page(assignment.id, worker.id, self._offer(pool, worker), tasks, outputs, taken, taken + allowed)

    def hand_in(self, assignment_id: str, answers: Sequence[Answer]) -> Hints | None:
        with self.market.entered() as market:
            try:
                submissions.submit(market, assignment_id, answers)
            except submissions.NeedsCorrection as wrong:
                return Hints(wrong.hints)
        return None

    def skip(self, assignment_id: str) -> None:
        with self.market.entered() as market:
            submissions.skip(market, assignment_id)

    def expire(self, assignment_id: str) -> None:
        """Let the time of a page run out now."""
        with self.market.entered() as market:
            submissions.expire(market, market.assignments.get(assignment_id))

    def later(self, seconds: float, assignment_id: str, move: Move, player: Player) -> None:
        with self.market.entered() as market:
            assignment = market.assignments.get(assignment_id)
            page = self.page(assignment)

            def act() -> None:
                if assignment.status == ACTIVE:
                    with contextlib.suppress(ApiError):  # an invalid answer stays in hand until its time is over
                        finish(self, player, page, move)

            market.at(market.now + timedelta(seconds=seconds), act)

    def _offer(self, pool: Pool, worker: Worker) -> Offer:
        return Offer(
            pool.id,
            pool.project_id,
            pool.form["private_name"],
            issuing.reward_for(pool, worker),
            pool.is_training,
            int(pool.form.get("priority") or 0),
        )
