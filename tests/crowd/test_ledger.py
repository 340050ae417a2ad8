"""Money: never more than the budget, nothing paid twice, nothing lost, and rows that nobody can change."""

import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Count, Q, Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from crowd.errors import BudgetExceeded, CrowdError, IllegalTransition, NoWork
from crowd.models import Assignment, Budget, LedgerEntry, Reservation, SkillValue
from crowd.services import handing_in, judging, ledger
from crowd.services.ledger import holds
from tests.crowd import market
from tests.crowd.market import NOON

pytestmark = pytest.mark.django_db
State = Assignment.State
UNITS, PRICE = 100, 1_000_000
ROUNDS, SPENDERS, EACH = 50, 16, 7


@pytest.fixture
def page() -> Assignment:
    """A photo that waits for its judgement."""
    photos = market.batch("photo", auto_accept=False)
    market.tasks(photos)
    return market.sent(photos, market.worker(photos.account))


def paid(page: Assignment) -> int:
    return ledger.totals(project_id=page.project_id).paid_micro


# Budgets


@pytest.mark.django_db(transaction=True)
def test_sixteen_spenders_at_once_are_granted_exactly_what_is_there_every_time():
    rounds = [market.budget(dollars=UNITS) for _ in range(ROUNDS)]
    start = threading.Barrier(SPENDERS)

    def spend(spender: int) -> list[int]:
        granted = []
        for project_id in rounds:
            start.wait(120)
            granted.append(sum(_reserved(project_id, f"{project_id}-{spender}-{n}") for n in range(EACH)))
        return granted

    by_spender = market.at_once(spend, range(SPENDERS))
    assert [sum(granted) for granted in zip(*by_spender, strict=True)] == [UNITS] * ROUNDS
    assert Reservation.objects.filter(project_id__in=rounds).count() == UNITS * ROUNDS
    assert all(ledger.totals(project_id=project_id).free_micro == 0 for project_id in rounds)


def _reserved(project_id: int, ref: str) -> int:
    try:
        ledger.reserve(purse=ledger.Purse(project_id), amount_micro=PRICE, ref=ref)
    except BudgetExceeded:
        return 0
    return 1


@pytest.mark.django_db(transaction=True)
def test_reading_first_and_saving_then_would_grant_too_much():
    """The form that is not used, kept to show what the conditional UPDATE is for."""
    project_id = market.budget(dollars=1)
    everybody_has_read = threading.Barrier(4)

    def spend(_: int) -> int:
        budget = Budget.objects.get(project_id=project_id)
        enough = budget.free_micro >= PRICE
        everybody_has_read.wait(120)
        if enough:
            budget.reserved_micro += PRICE
            budget.save(update_fields=["reserved_micro"])
        return int(enough)

    assert sum(market.at_once(spend, range(4))) == 4


def test_more_than_what_is_free_is_refused_with_both_amounts():
    project_id = market.budget(dollars=2)
    ledger.reserve(purse=ledger.Purse(project_id), amount_micro=1_500_000, ref="a")
    with pytest.raises(BudgetExceeded, match=r"\$1\.00 is needed but only \$0\.50 of the project's budget is free"):
        ledger.reserve(purse=ledger.Purse(project_id), amount_micro=1_000_000, ref="b")


def test_unpaid_work_holds_nothing():
    assert ledger.reserve(purse=ledger.Purse(market.budget()), amount_micro=0, ref="a") is None
    assert not Reservation.objects.exists()


def test_unpaid_work_beside_paid_work_needs_no_budget():
    paid_for, unpaid = ledger.Purse(market.budget()), ledger.Purse(market.budget(), currency="EUR")
    ledger.reserve_all(amounts={paid_for: {"a": 1_000_000}, unpaid: {"b": 0}})
    assert list(Reservation.objects.values_list("ref", "amount_micro")) == [("a", 1_000_000)]


def test_a_budget_is_never_lowered_under_what_is_held():
    project_id = market.budget(dollars=10)
    ledger.reserve(purse=ledger.Purse(project_id), amount_micro=6_000_000, ref="a")
    ledger.raise_budget(project_id=project_id, limit_micro=6_000_000)
    with pytest.raises(CrowdError, match=r"cannot be under the \$6.00"):
        ledger.raise_budget(project_id=project_id, limit_micro=5_999_999)
    assert ledger.totals(project_id=project_id).limit_micro == 6_000_000


def test_the_database_itself_refuses_an_overdrawn_budget():
    project_id = market.budget(dollars=1)
    with pytest.raises(IntegrityError, match="budget_never_overdrawn"), transaction.atomic():
        Budget.objects.filter(project_id=project_id).update(spent_micro=1_000_001)


# The book


@pytest.mark.parametrize("change", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_the_book_can_be_neither_changed_nor_shortened(page, change):
    judging.accept(assignment_id=page.pk, now=NOON)
    with pytest.raises(IntegrityError, match="never changed or removed"), connection.cursor() as cursor:
        cursor.execute(change.format("crowd_ledgerentry"))


def test_a_movement_from_a_book_to_itself_or_of_nothing_is_refused():
    for wrong in ({"source": "held"}, {"amount_micro": 0}, {"amount_micro": -5}, {"target": "pocket"}):
        row = {"kind": "charge", "ref": "a", "project_id": 1, "source": "budget", "target": "held", "amount_micro": 5}
        with pytest.raises(IntegrityError), transaction.atomic():
            LedgerEntry.objects.create(**{**row, **wrong})


# Judging


def test_accepted_twice_is_paid_once(page):
    for _ in range(2):
        judging.accept(assignment_id=page.pk, now=NOON)
    ledger.charge(assignment=page, now=NOON)
    assert paid(page) == page.price_micro
    assert LedgerEntry.objects.filter(kind="charge").aggregate(n=Sum("amount_micro"))["n"] == page.price_micro


@pytest.mark.django_db(transaction=True)
def test_accepted_by_six_at_once_is_paid_once():
    photos = market.batch("photo", auto_accept=False)
    market.tasks(photos)
    page = market.sent(photos, market.worker(photos.account))
    results = market.at_once(lambda _: judging.accept(assignment_id=page.pk, now=NOON), range(6))
    assert {result.state for result in results} == {State.ACCEPTED}
    assert paid(page) == page.price_micro


def test_what_was_accepted_cannot_be_rejected(page):
    judging.accept(assignment_id=page.pk, now=NOON)
    with pytest.raises(IllegalTransition):
        judging.reject(assignment_id=page.pk, reason="changed my mind", now=NOON)
    assert paid(page) == page.price_micro


def test_a_rejection_gives_money_and_place_back_once(page):
    for _ in range(2):
        judging.reject(assignment_id=page.pk, reason="blurred", now=NOON)
    totals = ledger.totals(project_id=page.project_id)
    assert (totals.reserved_micro, totals.paid_micro) == (0, 0)
    task = page.answers.get().task
    assert (task.issued, task.done) == (0, 0)


def test_what_was_rejected_and_is_accepted_after_all_is_paid_once(page):
    judging.reject(assignment_id=page.pk, reason="blurred", now=NOON)
    for _ in range(2):
        judging.accept(assignment_id=page.pk, now=NOON)
    page.refresh_from_db()
    assert page.reason == ""
    assert paid(page) == page.price_micro


def test_accepting_after_all_asks_the_budget_again(page):
    judging.reject(assignment_id=page.pk, reason="blurred", now=NOON)
    ledger.raise_budget(project_id=page.project_id, limit_micro=0)
    with pytest.raises(BudgetExceeded):
        judging.accept(assignment_id=page.pk, now=NOON)
    page.refresh_from_db()
    assert page.state == State.REJECTED


def test_pages_rejected_together_give_back_what_each_by_itself_would():
    choices = market.batch(overlap=3, page_size=2, auto_accept=False)
    shared, alone = market.tasks(choices, 1, overlap=2)[0], market.tasks(choices, 1, overlap=1)[0]
    pages = [market.sent(choices, who) for who in market.workers(choices.account, 2)]
    judging.reject_all(reasons={pages[0].pk: "blurred", pages[1].pk: "turned"}, now=NOON)
    assert [Assignment.objects.get(pk=page.pk).reason for page in pages] == ["blurred", "turned"]
    for task in (shared, alone):
        task.refresh_from_db()
        assert (task.issued, task.done) == (0, 0)
    totals = ledger.totals(project_id=choices.project_id)
    assert (totals.reserved_micro, totals.paid_micro) == (0, 0)
    given_back = LedgerEntry.objects.filter(kind=LedgerEntry.Kind.RELEASE).values_list("ref", "amount_micro")
    assert dict(given_back) == {f"assignment:{page.pk}": page.price_micro for page in pages}


def test_pages_are_rejected_together_or_not_at_all(page):
    market.tasks(page.batch)
    other = market.sent(page.batch, market.worker(page.account))
    judging.accept(assignment_id=other.pk, now=NOON)
    with pytest.raises(IllegalTransition):
        judging.reject_all(reasons={page.pk: "blurred", other.pk: "blurred"}, now=NOON)
    page.refresh_from_db()
    assert page.state == State.SUBMITTED
    assert ledger.totals(project_id=page.project_id).reserved_micro == page.price_micro


def test_what_is_held_anew_while_nothing_stood_is_not_forgotten(page, monkeypatch):
    ref, purse, take = f"assignment:{page.pk}", ledger.Purse.of(page.batch), holds.take
    ledger.release(ref=ref)

    def held_anew(refs):
        ledger.resize(purse=purse, ref=ref, amount_micro=PRICE)
        return take(refs)

    monkeypatch.setattr(holds, "take", held_anew)
    ledger.release(ref=ref)
    assert ledger.totals(project_id=page.project_id).reserved_micro == PRICE
    assert Reservation.objects.get(ref=ref).state == Reservation.State.HELD


def test_a_long_reason_is_cut_not_refused(page):
    assert len(judging.reject(assignment_id=page.pk, reason="x" * 500, now=NOON).reason) == 300


# The share of accepted pages, which may decide about the price


@pytest.fixture
def graded():
    at = market.account()
    photos = market.batch("photo", at=at, auto_accept=False, grants_skill=market.skill(at, "Recording"))
    market.tasks(photos, 12)
    return photos


def test_the_skill_is_the_share_of_accepted_pages(graded):
    wanda = market.worker(graded.account)
    for accepted in (True, True, False):
        page = market.sent(graded, wanda)
        if accepted:
            judging.accept(assignment_id=page.pk, now=NOON)
        else:
            judging.reject(assignment_id=page.pk, reason="", now=NOON)
    value = SkillValue.objects.get()
    assert (value.ok, value.n, value.value) == (2, 3, 66)


def test_a_page_accepted_after_a_rejection_counts_as_one_page(graded):
    page = market.sent(graded, market.worker(graded.account))
    judging.reject(assignment_id=page.pk, reason="", now=NOON)
    judging.accept(assignment_id=page.pk, now=NOON)
    value = SkillValue.objects.get()
    assert (value.ok, value.n) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_pages_of_one_person_judged_at_once_are_all_counted():
    at = market.account()
    photos = market.batch("photo", at=at, auto_accept=False, price_micro=0, grants_skill=market.skill(at))
    market.tasks(photos, 12)
    wanda = market.worker(at)
    pages = [market.sent(photos, wanda).pk for _ in range(12)]
    results = market.at_once(lambda pk: judging.accept(assignment_id=pk, now=NOON), pages)
    assert not [one for one in results if isinstance(one, Exception)]
    assert SkillValue.objects.get().n == 12


# Whatever happens, in whatever order


class Books(RuleBasedStateMachine):
    """A pool of photos whose budget is always nearly used up."""

    @initialize(dollars=st.integers(1, 4))
    def open_pool(self, dollars: int) -> None:
        self.batch = market.batch("photo", auto_accept=False, project_id=market.budget(dollars), price_micro=700_000)
        market.tasks(self.batch, 6)
        self.people = market.workers(self.batch.account, 4)
        self.now = NOON

    def pages(self, *states: str) -> list[Assignment]:
        return list(Assignment.objects.filter(batch=self.batch, state__in=states).order_by("pk"))

    def one_of(self, data, *states: str) -> Assignment | None:
        pages = self.pages(*states)
        return data.draw(st.sampled_from(pages)) if pages else None

    @rule(who=st.integers(0, 3))
    def claim(self, who: int) -> None:
        try:
            with transaction.atomic():
                market.claim(self.batch, self.people[who], self.now)
        except (BudgetExceeded, NoWork):
            pass

    @rule(data=st.data())
    def submit(self, data) -> None:
        page = self.one_of(data, State.ACTIVE, State.SUBMITTED, State.ACCEPTED, State.REJECTED)
        if page is not None and page.lease_until >= self.now:
            market.submit(page, self.now)

    @rule(data=st.data())
    def accept(self, data) -> None:
        page = self.one_of(data, State.SUBMITTED, State.ACCEPTED, State.REJECTED)
        try:
            if page is not None:
                judging.accept(assignment_id=page.pk, now=self.now)
        except BudgetExceeded:
            assert page is not None
            assert page.state == State.REJECTED

    @rule(data=st.data())
    def reject(self, data) -> None:
        page = self.one_of(data, State.SUBMITTED, State.REJECTED)
        if page is not None:
            judging.reject(assignment_id=page.pk, reason="blurred", now=self.now)

    @rule(data=st.data())
    def skip(self, data) -> None:
        page = self.one_of(data, State.ACTIVE, State.SKIPPED)
        if page is not None:
            handing_in.skip_page(assignment_id=page.pk, worker_id=page.worker_id, now=self.now)

    @rule(minutes=st.sampled_from([1, 16]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        handing_in.expire_leases(now=self.now)

    @rule()
    def raise_budget(self) -> None:
        limit = ledger.totals(project_id=self.batch.project_id).limit_micro
        ledger.raise_budget(project_id=self.batch.project_id, limit_micro=limit + 500_000)

    @invariant()
    def the_books_are_right(self) -> None:
        """No budget is overdrawn, what is paid is the accepted work, what is held is the work under way."""
        totals = ledger.totals(project_id=self.batch.project_id)
        worth: Counter[str] = Counter()
        for state, price in Assignment.objects.filter(batch=self.batch).values_list("state", "price_micro"):
            worth[state] += price
        held = Reservation.objects.filter(project_id=self.batch.project_id, state=Reservation.State.HELD)
        assert 0 <= totals.reserved_micro + totals.spent_micro <= totals.limit_micro
        assert totals.paid_micro == totals.spent_micro == worth[State.ACCEPTED]
        assert totals.reserved_micro == worth[State.ACTIVE] + worth[State.SUBMITTED]
        assert totals.reserved_micro == sum(held.values_list("amount_micro", flat=True))

    @invariant()
    def no_place_is_given_out_twice(self) -> None:
        under_way = Count("answers", filter=Q(answers__assignment__state__in=[State.ACTIVE, State.SUBMITTED]))
        for live, issued in self.batch.tasks.annotate(live=under_way).values_list("live", "issued"):
            assert live <= issued <= 1


class TestBooks(Books.TestCase, TestCase):  # type: ignore[misc, name-defined]
    settings = settings(
        max_examples=46,
        stateful_step_count=40,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
