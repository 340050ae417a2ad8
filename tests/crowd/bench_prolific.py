"""Prolific's far side: the stand-in, whose people take places, finish and come back."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from functools import cached_property

from crowd.emulators.prolific import Clock, ProlificEmulator, submissions
from crowd.models import Account
from crowd.platforms.registry import platform
from tests.crowd import market

MANY_PLACES = 50


class ProlificBench:
    """One stand-in for the whole run; each account is a workspace of its own."""

    page_size = "crowd.platforms.prolific.client.PAGE_SIZE"

    def __init__(self) -> None:
        self._open = ExitStack()

    @cached_property
    def emulator(self) -> ProlificEmulator:
        return self._open.enter_context(ProlificEmulator(Clock(market.NOON)).serve())

    def account(self) -> Account:
        workspace = self.emulator.market.open_workspace(deposit=1_000_000)
        account = market.account("prolific")
        account.base_url = self.emulator.url
        account.secrets = {"token": workspace.token}
        account.settings = {"workspace": workspace.id, "project": workspace.project}
        account.save()
        return account

    def worker_sends(self, account: Account, remote_id: str, now: datetime) -> tuple[str, str]:
        taken = self._take(account, remote_id, now)
        self._finish(taken.id, now)
        return taken.participant, taken.id

    def worker_takes(self, account: Account, remote_id: str, now: datetime) -> Callable[[datetime], str]:
        taken = self._take(account, remote_id, now)
        return lambda then: self._finish(taken.id, then)

    def is_welcome(self, account: Account, worker_ext_id: str, remote_id: str, now: datetime) -> bool:
        self._turn_clock(now)
        held = self.emulator.market
        study = held.study(held.workspaces[account.settings["workspace"]], remote_id)
        return study.status == "ACTIVE" and submissions.is_eligible(held, study, worker_ext_id)

    def _take(self, account: Account, remote_id: str, now: datetime) -> submissions.Submission:
        platform("prolific").offer_pages(account, remote_id, MANY_PLACES, "of the bench")
        self._turn_clock(now)
        return submissions.take(self.emulator.market, remote_id)

    def _finish(self, submission_id: str, now: datetime) -> str:
        self._turn_clock(now)
        return submissions.end(self.emulator.market, submission_id, "complete").id

    def _turn_clock(self, now: datetime) -> None:
        """Each test begins at noon again; the stand-in has lived longer."""
        self.emulator.market.clock = Clock(now)
