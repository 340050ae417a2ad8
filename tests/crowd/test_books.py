"""The ledger's books against the budgets, whatever happens in whatever order: two currencies, three scopes."""

from collections import Counter
from collections.abc import Callable, Iterable

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from crowd.errors import CrowdError
from crowd.models import Account, Assignment, Batch, Bonus, Budget, LedgerEntry, Reservation, Worker
from crowd.services import ledger
from crowd.services.ledger import Purse
from tests.crowd import market
from tests.crowd.market import NOON

pytestmark = pytest.mark.django_db
Scope = Budget.Scope
amounts = st.sampled_from([1, 7, 10, 25, 60])
places = st.sampled_from(range(4))
numbers = st.integers(1, 6)

# What each budget says, what the ledger rows of its project, stage or pool add up to, and what its holds are worth.
SUMS = """
SELECT b.scope, b.limit_micro, b.reserved_micro, b.spent_micro, b.overdrawn_micro,
       coalesce(books.held, 0), coalesce(books.gone, 0), coalesce(holds.worth, 0)
  FROM crowd_budget b
  LEFT JOIN LATERAL (
    SELECT sum(CASE 'held' WHEN e.target THEN e.amount_micro WHEN e.source THEN -e.amount_micro END) AS held,
           sum(CASE WHEN e.target IN ('workers', 'platform') THEN e.amount_micro
                    WHEN e.source IN ('workers', 'platform') THEN -e.amount_micro END) AS gone
      FROM crowd_ledgerentry e
     WHERE e.project_id = b.project_id AND e.currency = b.currency
       AND b.scope_id = CASE b.scope WHEN 'project' THEN e.project_id WHEN 'stage' THEN e.stage_id ELSE e.pool_id END
  ) books ON true
  LEFT JOIN LATERAL (
    SELECT sum(r.amount_micro) AS worth FROM crowd_reservation r
     WHERE r.project_id = b.project_id AND r.currency = b.currency AND r.state = 'held'
       AND b.scope_id = CASE b.scope WHEN 'project' THEN r.project_id WHEN 'stage' THEN r.stage_id ELSE r.pool_id END
  ) holds ON true
 WHERE b.project_id = %s
"""


class Ledger(RuleBasedStateMachine):
    """Two stages with two pools, one of each stage on a dollar account and one on a euro account."""

    @initialize(limit=st.integers(50, 400))
    def open_books(self, limit: int) -> None:
        self.project = market.budget(0)
        ledger.raise_budget(project_id=self.project, limit_micro=limit)
        ledger.create_budget(project_id=self.project, limit_micro=limit, currency="EUR")
        self.dollars, self.euros = market.account(), market.account()
        self.euros.currency = "EUR"
        self.euros.save()
        self.workers = {at.pk: market.worker(at) for at in (self.dollars, self.euros)}
        self.batches = [self.batch(at, stage) for at in (self.dollars, self.euros) for stage in (1, 2)]
        self.charged: Counter[str] = Counter()
        self.overdrawn = 0
        self.forced = False

    def batch(self, at: Account, stage: int) -> Batch:
        pool = self.project * 10 + stage + 2 * (at == self.euros)
        return market.batch(at=at, project_id=self.project, stage_id=self.project * 10 + stage, pool_id=pool)

    def page(self, place: int, number: int, price: int, fee: int = 0) -> Assignment:
        """A page as the ledger sees it: it looks at nothing but these columns."""
        batch = self.batches[place]
        worker: Worker = self.workers[batch.account_id]
        pk = batch.pk * 100 + number
        return Assignment(
            pk=pk, batch=batch, account_id=worker.account_id, worker=worker, price_micro=price, fee_micro=fee
        )

    def attempt(self, action: Callable[[], object], *, forced: bool = False) -> bool:
        """Do it in a transaction of its own; a refusal leaves everything as it was."""
        self.forced = forced
        try:
            with transaction.atomic():
                action()
        except CrowdError:
            return False
        return True

    def purse(self, place: int, *, depth: int = 2) -> Purse:
        whole = Purse.of(self.batches[place])
        return Purse(
            whole.project_id, whole.stage_id if depth else None, whole.pool_id if depth > 1 else None, whole.currency
        )

    # Holds

    @rule(place=places, number=numbers, amount=amounts)
    def hold_a_page(self, place: int, number: int, amount: int) -> None:
        ref = f"assignment:{self.page(place, number, 1).pk}"
        if not Reservation.objects.filter(ref=ref).exists():
            self.attempt(lambda: ledger.reserve(purse=self.purse(place), amount_micro=amount, ref=ref))

    @rule(place=places, amount=st.sampled_from([0, 5, 40, 90, 1_000]))
    def fit_a_batch(self, place: int, amount: int) -> None:
        ref = f"batch:{self.batches[place].pk}"
        done = self.attempt(lambda: ledger.resize(purse=self.purse(place), ref=ref, amount_micro=amount))
        assert not done or Reservation.objects.get(ref=ref).amount_micro == amount

    @rule(place=places, number=numbers)
    def give_a_page_back(self, place: int, number: int) -> None:
        self.attempt(lambda: ledger.release(ref=f"assignment:{self.page(place, number, 1).pk}"))

    @rule(place=places)
    def give_a_batch_back(self, place: int) -> None:
        self.attempt(lambda: ledger.release(ref=f"batch:{self.batches[place].pk}"))

    @rule(place=places, number=numbers, amount=amounts)
    def shrink(self, place: int, number: int, amount: int) -> None:
        page = self.page(place, number, 1)
        assert self.attempt(lambda: ledger.shrink_page(assignment=page, amount_micro=amount))

    # Charges

    @rule(place=places, number=numbers, price=amounts, fee=st.sampled_from([0, 1, 9]), forced=st.booleans())
    def charge(self, place: int, number: int, price: int, fee: int, forced: bool) -> None:
        page = self.page(place, number, price, fee)
        self.expect(
            [page], self.attempt(lambda: ledger.charge(assignment=page, now=NOON, forced=forced), forced=forced)
        )

    @rule(place=places, some=st.lists(numbers, max_size=6), price=amounts, forced=st.booleans())
    def charge_many(self, place: int, some: list[int], price: int, forced: bool) -> None:
        pages = [self.page(place, number, price, fee=number % 2) for number in some]
        batch = self.batches[place]
        done = self.attempt(lambda: ledger.charge_many(pages={batch: pages}, now=NOON, forced=forced), forced=forced)
        self.expect(pages, done)

    def expect(self, pages: Iterable[Assignment], done: bool) -> None:
        assert done or not self.forced
        for page in pages if done else ():
            self.charged.setdefault(f"assignment:{page.pk}", page.price_micro + page.fee_micro)

    @rule(place=places, number=numbers, amount=amounts, held=st.booleans())
    def pay_a_bonus(self, place: int, number: int, amount: int, held: bool) -> None:
        """The platform pays it, whether we still hold money for it or not."""
        batch = self.batches[place]
        bonus, _ = Bonus.objects.get_or_create(
            account=batch.account, worker=self.workers[batch.account_id], key=f"{place}-{number}",
            defaults={"project_id": self.project, "stage_id": batch.stage_id, "pool_id": batch.pool_id,
                      "amount_micro": amount, "fee_micro": amount // 5},
        )  # fmt: skip
        cost, ref = bonus.amount_micro + bonus.fee_micro, f"bonus:{bonus.pk}"
        if held:
            self.attempt(lambda: ledger.resize(purse=self.purse(place), ref=ref, amount_micro=cost))
            self.the_books_are_right()
        assert self.attempt(lambda: ledger.charge_bonus(bonus=bonus, now=NOON), forced=True)
        self.charged.setdefault(ref, cost)

    # By hand

    @rule(place=places, depth=st.integers(0, 2), amount=amounts, book=st.sampled_from(["workers", "platform"]))
    def refund(self, place: int, depth: int, amount: int, book: str) -> None:
        ref = f"refund-{LedgerEntry.objects.count()}"
        asked = {"amount_micro": amount, "ref": ref, "book": book, "note": "came back", "by_id": None}
        if self.attempt(lambda: ledger.refund(purse=self.purse(place, depth=depth), **asked)):
            self.charged[ref] = -amount

    @rule(place=places, depth=st.integers(0, 2), amount=amounts, sign=st.sampled_from([1, -1]))
    def correct(self, place: int, depth: int, amount: int, sign: int) -> None:
        ref = f"correction-{LedgerEntry.objects.count()}"
        asked = {"amount_micro": sign * amount, "ref": ref, "book": "workers", "note": "books", "by_id": None}
        if self.attempt(lambda: ledger.correct(purse=self.purse(place, depth=depth), **asked), forced=True):
            self.charged[ref] = sign * amount

    # Limits

    @rule(place=places, scope=st.sampled_from(["stage", "pool"]), limit=st.integers(0, 300))
    def limit_a_part(self, place: int, scope: str, limit: int) -> None:
        purse = self.purse(place)
        where = {"project_id": self.project, "scope": scope, "currency": purse.currency}
        where["scope_id"] = purse.stage_id if scope == "stage" else purse.pool_id
        there = Budget.objects.filter(**where).exists()
        setting = ledger.raise_budget if there else ledger.create_budget
        self.attempt(lambda: setting(limit_micro=limit, **where))

    @rule(place=places, scope=st.sampled_from(["stage", "pool"]))
    def free_a_part(self, place: int, scope: str) -> None:
        purse = self.purse(place)
        scope_id = purse.stage_id if scope == "stage" else purse.pool_id
        where = {"project_id": self.project, "scope": scope, "scope_id": scope_id, "currency": purse.currency}
        self.attempt(lambda: ledger.remove_budget(**where))
        assert not Budget.objects.filter(**where).exists()

    @rule(currency=st.sampled_from(["USD", "EUR"]), more=st.sampled_from([-100, 30, 100]))
    def change_the_limit(self, currency: str, more: int) -> None:
        budget = Budget.objects.of_project(self.project).get(currency=currency)
        limit = budget.limit_micro + more
        self.attempt(lambda: ledger.raise_budget(project_id=self.project, limit_micro=limit, currency=currency))

    @invariant()
    def the_books_are_right(self) -> None:
        """Held is what is reserved and what the holds say; what is gone is spent; only a fait accompli overdraws."""
        with connection.cursor() as cursor:
            cursor.execute(SUMS, [self.project])
            rows = cursor.fetchall()
        for _, limit, reserved, spent, overdrawn, held, gone, holds in rows:
            assert (reserved, spent) == (held, gone)
            assert reserved == holds
            assert overdrawn == max(0, reserved + spent - limit)
        whole = [row for row in rows if row[0] == "project"]
        assert sum(gone for *_, gone, _ in whole) == sum(self.charged.values())
        overdrawn = sum(row[4] for row in rows)
        assert overdrawn <= self.overdrawn or self.forced
        self.overdrawn = overdrawn


class TestLedger(Ledger.TestCase, TestCase):  # type: ignore[misc, name-defined]
    settings = settings(
        max_examples=54,
        stateful_step_count=60,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
