"""The emulator's own books: what is reserved, deducted, released, and that they always add up."""

from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from crowd.emulators.toloka import TolokaEmulator, bonuses, judging, lifecycle, pools, projects, tasks
from crowd.emulators.toloka.batches import Options, create
from crowd.emulators.toloka.books import Books
from crowd.emulators.toloka.errors import ApiError
from tests.emulators.toloka import bodies
from tests.emulators.toloka.people import People
from tests.emulators.toloka.test_pages import pool_with, real
from tests.emulators.toloka.test_pool_life import post, project_id

__all__ = ["project_id"]


def books(door: httpx.Client) -> dict[str, str]:
    told = door.get("/books").json()
    assert told["adds_up"]
    return {name: told[name] for name in ("balance", "reserved", "rewards", "fees", "bonuses")}


def judge(api: httpx.Client, page_id: str, status: str) -> httpx.Response:
    return api.patch(f"/assignments/{page_id}", json={"status": status, "public_comment": "x"})


def test_automatic_acceptance_deducts_when_a_page_is_handed_in(
    api: httpx.Client, door: httpx.Client, project_id: str, people: People
) -> None:
    pool = pool_with(api, project_id, real(1), reward_per_assignment=0.03, mixer_config=bodies.mixer(1))
    page = people.take(people.come(), pool)
    assert books(door)["balance"] == "1000.00"
    people.hand_in(page, [{"verdict": "ok"}])
    assert books(door) == {
        "balance": "999.961", "reserved": "0.00", "rewards": "0.03", "fees": "0.009", "bonuses": "0.00",
    }  # fmt: skip


def test_judging_by_hand_reserves_then_deducts_or_releases(
    api: httpx.Client, door: httpx.Client, project_id: str, people: People
) -> None:
    pool = pool_with(api, project_id, real(2), reward_per_assignment=1, mixer_config=bodies.mixer(1),
                     auto_accept_solutions=False, auto_accept_period_day=7)  # fmt: skip
    worker = people.come()
    good, bad = people.work(worker, pool).id, people.work(worker, pool).id
    assert books(door)["reserved"] == "2.60"
    judge(api, good, "ACCEPTED")
    judge(api, bad, "REJECTED")
    assert books(door) == {
        "balance": "998.70", "reserved": "0.00", "rewards": "1.00", "fees": "0.30", "bonuses": "0.00",
    }  # fmt: skip
    assert api.get("/requester").json()["balance"] == 998.7
    kinds = [line["kind"] for line in door.get("/books").json()["lines"]]
    assert kinds == ["PAID_IN", "RESERVE", "RESERVE", "REWARD", "FEE", "RELEASE"]


def test_an_appeal_is_paid_within_seven_days_and_only_once(
    api: httpx.Client, door: httpx.Client, project_id: str, people: People
) -> None:
    pool = pool_with(api, project_id, real(3), reward_per_assignment=1, mixer_config=bodies.mixer(1),
                     auto_accept_solutions=False, auto_accept_period_day=7)  # fmt: skip
    worker = people.come()
    in_time, late = people.work(worker, pool).id, people.work(worker, pool).id
    judge(api, in_time, "REJECTED")
    judge(api, late, "REJECTED")
    people.pass_time(days=7)
    assert judge(api, in_time, "ACCEPTED").is_success
    people.pass_time(seconds=1)
    assert judge(api, late, "ACCEPTED").json()["code"] == "INAPPROPRIATE_STATUS"
    again = judge(api, in_time, "ACCEPTED")
    assert (again.status_code, again.json()["payload"]) == (409, {"appropriate_statuses": ["SUBMITTED", "REJECTED"]})
    assert judge(api, in_time, "REJECTED").json()["code"] == "INAPPROPRIATE_STATUS"
    assert books(door)["rewards"] == "1.00"


def test_an_appeal_that_cannot_be_paid(api: httpx.Client, door: httpx.Client, project_id: str, people: People) -> None:
    pool = pool_with(api, project_id, real(2), reward_per_assignment=1, mixer_config=bodies.mixer(1),
                     auto_accept_solutions=False, auto_accept_period_day=7)  # fmt: skip
    page = people.work(people.come(), pool).id
    judge(api, page, "REJECTED")
    door.put("/balance", json={"balance": "1.29"})
    assert judge(api, page, "ACCEPTED").json()["code"] == "NOT_ENOUGH_BALANCE"
    assert api.get(f"/assignments/{page}").json()["status"] == "REJECTED"


@pytest.mark.parametrize("days", [1, 7, 21])
def test_unjudged_work_is_accepted_and_paid_after_its_days(
    api: httpx.Client, door: httpx.Client, project_id: str, people: People, days: int
) -> None:
    pool = pool_with(api, project_id, real(2), reward_per_assignment=1, mixer_config=bodies.mixer(1),
                     auto_accept_solutions=False, auto_accept_period_day=days)  # fmt: skip
    page = people.work(people.come(), pool).id
    people.pass_time(days=days, seconds=-1)
    assert api.get(f"/assignments/{page}").json()["status"] == "SUBMITTED"
    people.pass_time(seconds=1)
    told = api.get(f"/assignments/{page}").json()
    assert (told["status"], "accepted" in told) == ("ACCEPTED", True)
    assert books(door)["rewards"] == "1.00"


def test_work_of_a_banned_worker_must_still_be_judged(
    api: httpx.Client, door: httpx.Client, project_id: str, people: People
) -> None:
    pool = pool_with(api, project_id, real(2), reward_per_assignment=1, mixer_config=bodies.mixer(1),
                     auto_accept_solutions=False, auto_accept_period_day=7)  # fmt: skip
    worker = people.come()
    people.work(worker, pool)
    api.put("/user-restrictions", json={"scope": "ALL_PROJECTS", "user_id": worker.id})
    assert books(door)["reserved"] == "1.30"
    people.pass_time(days=7)
    assert books(door)["rewards"] == "1.00"


def test_a_bonus_is_paid_once_for_one_operation_id(api: httpx.Client, door: httpx.Client, people: People) -> None:
    body = [{"user_id": people.come().id, "amount": 0.5, "without_message": True}]
    query = {"async_mode": "true", "operation_id": "7f0f3a3c-56a1-4d2c-9f0a-0a1b2c3d4e5f"}
    statuses = [api.post("/user-bonuses", params=query, json=body).status_code for _ in range(3)]
    assert statuses == [202, 409, 409]
    assert books(door) == {
        "balance": "999.35", "reserved": "0.00", "rewards": "0.00", "fees": "0.15", "bonuses": "0.50",
    }  # fmt: skip


def test_a_bonus_is_named_by_its_assignment(api: httpx.Client, project_id: str, people: People) -> None:
    pool = pool_with(api, project_id, real(2), mixer_config=bodies.mixer(1))
    worker = people.come()
    page = people.work(worker, pool).id
    bonus = post(api, "/user-bonuses", {"user_id": worker.id, "amount": 1, "without_message": True,
                                        "assignment_id": page})  # fmt: skip
    assert api.get(f"/assignments/{page}").json()["bonus_ids"] == [bonus["id"]]


@pytest.mark.parametrize(
    ("commission", "reward", "fee"),
    [("0.3", 30_000, 9_000), ("0.2", 5_001, 1_000), ("0.15", 10, 2), ("0", 10, 0), ("0.333", 5_000, 1_665)],
)
def test_a_fee_is_rounded_to_a_micro_dollar(commission: str, reward: int, fee: int) -> None:
    assert Books(Decimal(commission)).fee(reward) == fee


def test_pages_in_hand_are_counted_before_bonuses(
    api: httpx.Client, door: httpx.Client, project_id: str, people: People
) -> None:
    pool = pool_with(api, project_id, real(2), reward_per_assignment=1, mixer_config=bodies.mixer(1))
    worker = people.come()
    door.put("/balance", json={"balance": 2})
    page = people.take(worker, pool)
    bonus = {"user_id": worker.id, "amount": 1, "without_message": True}
    assert api.post("/user-bonuses", json=bonus).json()["code"] == "NOT_ENOUGH_BALANCE"
    people.hand_in(page, [{"verdict": "ok"}])
    assert books(door)["balance"] == "0.70"


class Campaign(RuleBasedStateMachine):
    """Anybody does anything in any order: the books add up, and agree with the pages and bonuses."""

    def __init__(self) -> None:
        super().__init__()
        self.emulator = TolokaEmulator(seed="machine", quotas=False, balance=Decimal("4"))
        self.people = People(self.emulator)
        self.market = self.emulator.market
        self.in_hand: list[Any] = []
        self.done: list[Any] = []

    @initialize(
        by_hand=st.booleans(), reward=st.sampled_from((0.005, 0.333333, 1)), overlap=st.integers(1, 3),
    )  # fmt: skip
    def open(self, *, by_hand: bool, reward: float, overlap: int) -> None:
        with self.market.entered() as market:
            project = projects.create(market, bodies.project())
            changes = {"auto_accept_solutions": not by_hand, "auto_accept_period_day": 2}
            body = bodies.pool(project.id, reward_per_assignment=reward, mixer_config=bodies.mixer(1), **changes)
            self.pool = pools.create(market, body)
            items = [bodies.task(self.pool.id, number, overlap=overlap) for number in range(6)]
            options = Options()
            create(market, tasks.TaskBatch(market, options), items, options)
            lifecycle.open_pool(market, self.pool)
        self.crowd = [self.people.come() for _ in range(3)]

    def attempt(self, call: Any, *arguments: Any) -> str:
        """Return the code with which the market refuses, or nothing."""
        try:
            with self.market.entered() as market:
                call(market, *arguments)
        except ApiError as refusal:
            return refusal.code
        return ""

    @rule(who=st.integers(0, 2))
    def take(self, who: int) -> None:
        if self.people.refused(self.crowd[who], self.pool.id) == "":
            self.in_hand.append(self.pool.assignments[-1])

    @precondition(lambda self: self.in_hand)
    @rule(data=st.data(), act=st.sampled_from(("hand in", "skip")))
    def finish(self, data: Any, act: str) -> None:
        page = self.in_hand.pop(data.draw(st.integers(0, len(self.in_hand) - 1)))
        if page.status != "ACTIVE":
            return
        if act == "skip":
            self.people.skip(page)
        else:
            self.done.append(self.people.hand_in(page, [{"verdict": "ok"}]))

    @precondition(lambda self: self.done)
    @rule(data=st.data(), status=st.sampled_from(("ACCEPTED", "REJECTED")))
    def judge(self, data: Any, status: str) -> None:
        page = self.done[data.draw(st.integers(0, len(self.done) - 1))]
        code = self.attempt(judging.decide, page.id, {"status": status})
        assert code in {"", "INAPPROPRIATE_STATUS", "NOT_ENOUGH_BALANCE", "POOL_INAPPROPRIATE_STATUS"}

    @rule(who=st.integers(0, 2), amount=st.sampled_from((0.005, 0.5)))
    def pay_a_bonus(self, who: int, amount: float) -> None:
        options = Options()
        body = {"user_id": self.crowd[who].id, "amount": amount, "without_message": True}
        code = self.attempt(create, bonuses.BonusBatch(self.market, options), body, options)
        assert code in {"", "NOT_ENOUGH_BALANCE"}

    @rule(verb=st.sampled_from((lifecycle.open_pool, lifecycle.close_pool)))
    def open_or_close(self, verb: Any) -> None:
        assert self.attempt(verb, self.pool) in {"", "NOT_ENOUGH_BALANCE", "INAPPROPRIATE_STATUS"}

    @rule(hours=st.sampled_from((0.1, 5, 49)))
    def pass_time(self, hours: float) -> None:
        self.people.pass_time(hours=hours)

    @invariant()
    def the_books_add_up(self) -> None:
        books = self.market.books
        assert books.adds_up()
        assert books.free_micro >= 0
        assert books.reserved_micro >= 0
        assert self.market.committed_micro >= 0

    @invariant()
    def the_books_agree_with_the_pages(self) -> None:
        if not hasattr(self, "pool"):
            return
        books, pages = self.market.books, self.pool.assignments
        accepted = [page.reward_micro for page in pages if page.status == "ACCEPTED"]
        held = [page.reward_micro for page in pages if page.status == "SUBMITTED"]
        assert books.spent_micro["REWARD"] == sum(accepted)
        assert books.spent_micro["FEE"] == sum(map(books.fee, accepted))
        assert books.reserved_micro == sum(map(self.market.price_with_fee, held))
        assert books.spent_micro["BONUS"] == sum(bonus.amount_micro for bonus in self.market.bonuses)

    @invariant()
    def every_line_is_a_movement_of_a_sum(self) -> None:
        books = self.market.books
        free = sum(_free(line) for line in books.lines)
        assert free == books.free_micro
        assert [line.number for line in books.lines] == list(range(1, len(books.lines) + 1))

    @invariant()
    def the_places_of_tasks_add_up(self) -> None:
        if not hasattr(self, "pool"):
            return
        live = [page for page in self.pool.assignments if page.status not in ("SKIPPED", "EXPIRED")]
        assert sum(task.issued for task in self.pool.tasks) == len(live)
        assert self.pool.active == sum(1 for page in live if page.status == "ACTIVE")
        assert self.pool.waiting == sum(1 for task in self.pool.tasks if task.issuable)


def _free(line: Any) -> int:
    sign = {"PAID_IN": 1, "RELEASE": 1}.get(line.kind, -1 if line.source == "free" else 0)
    return sign * int(line.amount_micro)


TestCampaign = Campaign.TestCase
TestCampaign.settings = settings(
    max_examples=20, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
