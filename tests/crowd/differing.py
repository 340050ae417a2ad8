"""The emulators as the far sides of `reconcile`: pages are done there, then something is changed behind our back."""
# ruff: noqa: ARG002  the arguments of a Protocol

from datetime import timedelta
from typing import Protocol

from crowd.clock import database_now
from crowd.emulators.mturk import VirtualClock, life, worker_side
from crowd.emulators.prolific import Clock, submissions
from crowd.links import submission_of
from crowd.models import Account, Assignment, Batch
from crowd.services import hosting
from tests.crowd import bench_toloka, market
from tests.crowd.bench_mturk import MTurkBench
from tests.crowd.bench_prolific import ProlificBench

TURK, PROLIFIC = MTurkBench(), ProlificBench()


class FarSide(Protocol):
    """An account on an emulator, and what happens there."""

    account: Account

    def works(self, batch: Batch) -> None:
        """Let somebody new do a page and hand it in."""
        ...

    def forgets(self, ext_id: str) -> None: ...

    def says(self, ext_id: str, state: str) -> None:
        """Have the page in another state."""
        ...

    def pays_more(self, ext_id: str) -> None:
        """Have paid a cent more for the page."""
        ...

    def somebody(self) -> str:
        """Return the id of a worker there."""
        ...

    def forgets_skills(self) -> None: ...

    def has_no_money(self) -> None: ...

    def ends(self, batch: Batch) -> None:
        """Give out no more of it, for good."""
        ...

    def lets_time_run_out(self, batch: Batch) -> str:
        """Let somebody take a page and leave; return its id."""
        ...


class OnToloka:
    def __init__(self) -> None:
        self.account = bench_toloka.account()
        self.market = bench_toloka.emulator(self.account).market

    def works(self, batch: Batch) -> None:
        who = bench_toloka.worker(self.account)
        bench_toloka.hand_in(self.account, bench_toloka.take(self.account, who, batch.remote_id))

    def forgets(self, ext_id: str) -> None:
        page = self.market.assignments.remove(ext_id)
        self.market.pool(page.pool_id).assignments.remove(page)

    def says(self, ext_id: str, state: str) -> None:
        self.market.assignments.get(ext_id).status = state.upper()

    def pays_more(self, ext_id: str) -> None:
        self.market.assignments.get(ext_id).reward_micro += 10_000

    def somebody(self) -> str:
        return bench_toloka.worker(self.account)

    def forgets_skills(self) -> None:
        for one in [one for one in self.market.skills if not one.is_global]:
            self.market.skills.remove(one.id)

    def has_no_money(self) -> None:
        bench_toloka.control(self.account, "PUT", "/balance", {"balance": 0})

    def ends(self, batch: Batch) -> None:
        self.market.pool(batch.remote_id).status = "ARCHIVED"

    def lets_time_run_out(self, batch: Batch) -> str:
        page = bench_toloka.take(self.account, bench_toloka.worker(self.account), batch.remote_id)["assignment_id"]
        bench_toloka.control(self.account, "POST", f"/assignments/{page}/expire")
        return str(page)

    def takes_another_fee(self, ext_id: str) -> None:
        self.market.assignments.get(ext_id).fee_micro += 1

    def loses_a_task(self, batch: Batch) -> None:
        self.market.tasks.remove(self.market.pool(batch.remote_id).tasks.pop().id)


class OnMTurk:
    words = {"accepted": "Approved", "rejected": "Rejected"}

    def __init__(self) -> None:
        self.account = TURK.account(clock=VirtualClock(database_now()), access_key="AKIAALICE")
        self.market = TURK.house(self.account).market

    def works(self, batch: Batch) -> None:
        worker, now = worker_side.join(self.market, worker_side.Profile()), self.market.clock.now()
        hits = worker_side.acceptable(self.market, worker)
        hit = next(one for one in hits if one.type.requires(batch.remote_id))
        taken = worker_side.accept(self.market, worker, hit, now)
        page = _on_our_page(batch, worker.id, taken.id)
        worker_side.hand_in(self.market, taken, {"winnow_submission": submission_of(page.pk)}, now)

    def forgets(self, ext_id: str) -> None:
        page = self.market.assignments.pop(ext_id)
        self.market.hits[page.hit_id].assignments.remove(page)

    def says(self, ext_id: str, state: str) -> None:
        self.market.assignments[ext_id].state = self.words[state]

    def pays_more(self, ext_id: str) -> None:
        self.market.hits[self.market.assignments[ext_id].hit_id].type.reward += 10_000

    def somebody(self) -> str:
        return worker_side.join(self.market, worker_side.Profile()).id

    def forgets_skills(self) -> None:
        self.market.qualification_types.clear()

    def has_no_money(self) -> None:
        self.market.books.available = 0

    def ends(self, batch: Batch) -> None:
        self.market.clock.advance(timedelta(days=400))

    def lets_time_run_out(self, batch: Batch) -> str:
        worker, now = worker_side.join(self.market, worker_side.Profile()), self.market.clock.now()
        hits = worker_side.acceptable(self.market, worker)
        taken = worker_side.accept(self.market, worker, next(hits), now)
        life.give_back(self.market, taken, now, abandoned=True)
        return taken.id


class OnProlific:
    words = {"accepted": "APPROVED", "rejected": "REJECTED"}

    def __init__(self) -> None:
        self.account = PROLIFIC.account()
        self.market = PROLIFIC.emulator.market
        self.market.clock = Clock(database_now())

    def works(self, batch: Batch) -> None:
        taken = submissions.take(self.market, batch.remote_id)
        _on_our_page(batch, taken.participant, taken.id)
        submissions.end(self.market, taken.id, "complete")

    def forgets(self, ext_id: str) -> None:
        del self.market.submissions[ext_id]

    def says(self, ext_id: str, state: str) -> None:
        self.market.submissions[ext_id].status = self.words[state]

    def pays_more(self, ext_id: str) -> None:
        self.market.studies[self.market.submissions[ext_id].study].form["reward"] += 1

    def somebody(self) -> str:
        return self.market.new_id()

    def forgets_skills(self) -> None:
        self.market.groups.clear()

    def has_no_money(self) -> None:
        self.market.workspaces[self.account.settings["workspace"]].deposit = 0

    def ends(self, batch: Batch) -> None:
        self.market.studies[batch.remote_id].status = "COMPLETED"

    def lets_time_run_out(self, batch: Batch) -> str:
        return submissions.end(self.market, submissions.take(self.market, batch.remote_id).id, "time_out").id


SIDES: dict[str, type[FarSide]] = {"mturk": OnMTurk, "prolific": OnProlific, "toloka": OnToloka}


def _on_our_page(batch: Batch, who: str, ext_id: str) -> Assignment:
    now = database_now()
    worker = hosting.arrive(account=batch.account, worker_ext_id=who)
    page = hosting.next_page(batch=batch, worker=worker, ext_id=ext_id, now=now)
    return market.submit(page, now).assignment
