"""A database of the first release keeps its money: holds, payments and budgets become the books of today."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from crowd.errors import CrowdError
from crowd.models import Assignment, Batch, Budget, LedgerEntry, Reservation
from crowd.services import ledger
from tests.crowd.market import NOON

pytestmark = pytest.mark.django_db(transaction=True)
PRICE, PROJECT, STAGE, POOL = 30_000, 7, 70, 700
BEFORE = [("crowd", "0002_append_only")]


@pytest.fixture
def old() -> Iterator[Any]:
    """The models of the first release, in a schema of their own."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA first_release; SET search_path TO first_release")
    try:
        executor = MigrationExecutor(connection)
        executor.migrate(BEFORE)
        yield executor.loader.project_state(BEFORE).apps
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET search_path; DROP SCHEMA first_release CASCADE")


def upgrade() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes("crowd"))


class FirstRelease:
    """A project of the first release, with its money moved as that release moved it."""

    def __init__(self, apps: Any, limit: int = 1_000_000) -> None:
        self.model = lambda name: apps.get_model("crowd", name)
        self.account = self.model("Account").objects.create(slug="inhouse", platform="inhouse", label="In-house")
        self.batch = self.model("Batch").objects.create(
            account=self.account, key="b", project_id=PROJECT, pool_id=POOL, stage_id=STAGE, kind="main",
            interface="photo", state="open", price_micro=PRICE,
        )  # fmt: skip
        self.budget = self.model("Budget").objects.create(project_id=PROJECT, limit_micro=limit)

    def page(self, number: int, state: str = "active", price: int = PRICE) -> Any:
        """A page that is held; what became of it follows."""
        worker = self.model("Worker").objects.create(
            account=self.account, ext_id=f"w{number}", ext_digest=number.to_bytes(16)
        )
        page = self.model("Assignment").objects.create(
            account=self.account, ext_id=f"p{number}", ext_digest=number.to_bytes(16), batch=self.batch,
            project_id=PROJECT, worker=worker, state=state, price_micro=price, issued_at=NOON,
            lease_until=NOON + timedelta(minutes=15), judged_at=NOON + timedelta(minutes=9),
        )  # fmt: skip
        self.model("Reservation").objects.create(
            budget=self.budget, ref=f"assignment:{page.pk}", amount_micro=price, created_at=NOON
        )
        self._move(reserved=price)
        return page

    def paid(self, number: int) -> Any:
        page = self.page(number, "accepted")
        self._end(page, "paid")
        self._pay(page, reserved=-PRICE)
        return page

    def given_back(self, number: int, state: str = "rejected") -> Any:
        page = self.page(number, state)
        self._end(page, "released")
        self._move(reserved=-PRICE)
        return page

    def paid_after_all(self, number: int) -> Any:
        page = self.given_back(number, "accepted")
        self._pay(page, reserved=0)
        return page

    def _end(self, page: Any, state: str) -> None:
        self.model("Reservation").objects.filter(ref=f"assignment:{page.pk}").update(state=state)

    def _pay(self, page: Any, reserved: int) -> None:
        self._move(reserved=reserved, spent=PRICE)
        row = self.model("LedgerTransaction").objects.create(
            kind="pay", ref=f"assignment:{page.pk}", project_id=PROJECT, pool_id=POOL, stage_id=STAGE,
            account_id=self.account.pk, worker_id=page.worker_id, created_at=page.judged_at,
        )  # fmt: skip
        entry = self.model("LedgerEntry")
        entry.objects.bulk_create(
            entry(transaction=row, book=book, amount_micro=amount)
            for book, amount in (("project", -PRICE), ("workers", PRICE))
        )

    def _move(self, reserved: int = 0, spent: int = 0) -> None:
        self.budget.reserved_micro += reserved
        self.budget.spent_micro += spent
        self.budget.save()


def movements() -> list[tuple[str, str, str, str]]:
    return list(LedgerEntry.objects.order_by("ref", "id").values_list("ref", "kind", "source", "target"))


def book(name: str) -> int:
    into = sum(LedgerEntry.objects.filter(target=name).values_list("amount_micro", flat=True))
    return into - sum(LedgerEntry.objects.filter(source=name).values_list("amount_micro", flat=True))


def test_what_was_held_paid_given_back_and_paid_after_all_is_booked_as_it_happened(old):
    before = FirstRelease(old)
    held, paid, back, after_all = before.page(1), before.paid(2), before.given_back(3), before.paid_after_all(4)
    upgrade()
    assert movements() == sorted(
        [
            (f"assignment:{held.pk}", "reserve", "budget", "held"),
            (f"assignment:{paid.pk}", "reserve", "budget", "held"),
            (f"assignment:{paid.pk}", "charge", "held", "workers"),
            (f"assignment:{back.pk}", "reserve", "budget", "held"),
            (f"assignment:{back.pk}", "release", "held", "budget"),
            (f"assignment:{after_all.pk}", "reserve", "budget", "held"),
            (f"assignment:{after_all.pk}", "release", "held", "budget"),
            (f"assignment:{after_all.pk}", "charge", "budget", "workers"),
        ],
        key=lambda row: row[0],
    )


def test_the_books_are_what_the_budget_says(old):
    before = FirstRelease(old)
    before.page(1)
    before.paid(2)
    before.given_back(3)
    before.paid_after_all(4)
    before.page(5, price=0)
    upgrade()
    budget = Budget.objects.get()
    assert (budget.scope, budget.scope_id, budget.overdrawn_micro) == ("project", PROJECT, 0)
    assert (budget.reserved_micro, budget.spent_micro) == (PRICE, 2 * PRICE)
    assert (book("held"), book("workers"), book("platform")) == (PRICE, 2 * PRICE, 0)
    assert ledger.totals(project_id=PROJECT).paid_micro == 2 * PRICE


def test_rows_keep_their_time_and_whose_they_are(old):
    before = FirstRelease(old)
    page = before.paid_after_all(1)
    upgrade()
    reserve, release, charge = LedgerEntry.objects.order_by("id")
    assert reserve.created_at == NOON
    assert release.created_at == charge.created_at == page.judged_at
    assert {(row.project_id, row.stage_id, row.pool_id) for row in (reserve, release, charge)} == {
        (PROJECT, STAGE, POOL)
    }
    assert (charge.account_id, charge.worker_id) == (page.account_id, page.worker_id)


def test_work_under_way_is_paid_out_of_the_hold_it_had(old):
    before = FirstRelease(old, limit=PRICE)
    page_id = before.page(1, "submitted").pk
    upgrade()
    ledger.charge(assignment=Assignment.objects.select_related("batch__account").get(pk=page_id), now=NOON)
    assert Reservation.objects.get().state == "paid"
    totals = ledger.totals(project_id=PROJECT)
    assert (totals.reserved_micro, totals.spent_micro, totals.free_micro) == (0, PRICE, 0)
    assert book("held") == 0


def test_a_pool_can_be_given_a_budget_with_what_was_held_and_paid_before(old):
    before = FirstRelease(old)
    held = before.page(1, "submitted")
    before.paid(2)
    upgrade()
    where = {"project_id": PROJECT, "scope": "pool", "scope_id": POOL}
    with pytest.raises(CrowdError, match=r"cannot be under the \$0\.06"):
        ledger.create_budget(limit_micro=2 * PRICE - 1, **where)
    pool = ledger.create_budget(limit_micro=2 * PRICE, **where)
    assert (pool.reserved_micro, pool.spent_micro) == (PRICE, PRICE)
    ledger.release(ref=f"assignment:{held.pk}")
    assert Budget.objects.get(scope="pool").free_micro == PRICE


def test_nothing_paid_before_is_paid_again(old):
    before = FirstRelease(old)
    paid, after_all = before.paid(1), before.paid_after_all(2)
    upgrade()
    pages = list(Assignment.objects.filter(pk__in=[paid.pk, after_all.pk]))
    assert ledger.charge_many(pages={Batch.objects.get(): pages}, now=NOON) == 0
    assert ledger.totals(project_id=PROJECT).spent_micro == 2 * PRICE


def test_the_booked_rows_can_no_longer_be_changed(old):
    FirstRelease(old).paid(1)
    upgrade()
    with pytest.raises(Exception, match="never changed or removed"):
        LedgerEntry.objects.update(amount_micro=1)


def test_an_empty_database_upgrades(old):
    upgrade()
    assert not LedgerEntry.objects.exists()
