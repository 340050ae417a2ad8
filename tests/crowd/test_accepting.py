"""Many pages accepted at once: as many as can be paid, the oldest first, and none that a rule has stopped paying."""

import pytest
from django.db import transaction

from crowd.models import Assignment, Batch, OutboxCommand, Restriction, SkillValue, Worker
from crowd.services import accepting, inbox, ledger
from tests.crowd import market, remote
from tests.crowd.market import NOON
from tests.crowd.remote import told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("far_away")]
far_away = remote.far_away
State = Assignment.State


@pytest.fixture
def waiting() -> Batch:
    """Four pages that cost $0.036 each and wait for a verdict."""
    of = remote.batch(n=4)
    pages = [told(of, key, who=f"w-{n}", at=NOON + n * market.MINUTE) for n, key in enumerate(remote.keys(of))]
    inbox.take(batch=of, pages=pages[::-1], now=NOON)
    return of


def test_pages_are_numbered_in_the_order_in_which_they_were_handed_in(waiting):
    pages = Assignment.objects.order_by("pk").values_list("worker__ext_id", flat=True)
    assert list(pages) == ["w-0", "w-1", "w-2", "w-3"]


def accepted() -> list[str]:
    return list(Assignment.objects.filter(state=State.ACCEPTED).order_by("pk").values_list("worker__ext_id", flat=True))


def set_limit(of: Batch, micro: int) -> None:
    ledger.raise_budget(project_id=of.project_id, limit_micro=micro)


def test_all_are_accepted_when_all_can_be_paid(waiting):
    assert accepting.accept_waiting(batch=waiting, now=NOON) == (4, "")
    assert accepting.accept_waiting(batch=waiting, now=NOON) == (0, "")
    assert OutboxCommand.objects.filter(kind="accept").count() == 4


def test_the_oldest_are_accepted_when_not_all_can_be_paid(waiting):
    ledger.resize(purse=ledger.Purse.of(waiting), ref=f"batch:{waiting.pk}", amount_micro=50_000)
    set_limit(waiting, 100_000)
    n, sentence = accepting.accept_waiting(batch=waiting, now=NOON)
    assert (n, accepted()) == (2, ["w-0", "w-1"])
    assert sentence.startswith(f"2 pages wait to be accepted in {waiting.key}: ")
    assert remote.totals(waiting).paid_micro == 72_000


def test_the_budget_of_the_pool_counts_too(waiting):
    ledger.resize(purse=ledger.Purse.of(waiting), ref=f"batch:{waiting.pk}", amount_micro=0)
    ledger.create_budget(project_id=waiting.project_id, limit_micro=40_000, scope="pool", scope_id=waiting.pool_id)
    assert accepting.accept_waiting(batch=waiting, now=NOON)[0] == 1
    assert remote.totals(waiting).paid_micro == 36_000


def stop_paying(worker: Worker, of: Batch) -> None:
    Restriction.objects.create(
        worker=worker, scope="batch", scope_id=of.pk, effect=Restriction.Effect.UNPAID, reason="too fast"
    )


def test_pages_of_somebody_who_is_not_paid_for_now_wait(waiting):
    stop_paying(Worker.objects.get(ext_id="w-1"), waiting)
    assert accepting.accept_waiting(batch=waiting, now=NOON) == (3, "")
    assert accepted() == ["w-0", "w-2", "w-3"]


@pytest.mark.django_db(transaction=True)
def test_a_page_that_somebody_is_judging_is_left_to_him(waiting):
    with transaction.atomic():
        Assignment.objects.select_for_update().get(worker__ext_id="w-1")
        assert market.at_once(lambda _: accepting.accept_waiting(batch=waiting, now=NOON), [0]) == [(3, "")]
    assert accepted() == ["w-0", "w-2", "w-3"]


def test_a_person_may_accept_them_all_the_same(waiting):
    stop_paying(Worker.objects.get(ext_id="w-1"), waiting)
    assert accepting.accept_these(batch=waiting, pages=Assignment.objects.all(), now=NOON) == (4, "")


def test_a_new_page_of_somebody_who_is_not_paid_for_now_waits():
    of = remote.batch(n=3, auto_accept=True)
    one, two, three = remote.keys(of)
    inbox.take(batch=of, pages=[told(of, one, who="anna")], now=NOON)
    stop_paying(Worker.objects.get(ext_id="anna"), of)
    inbox.take(batch=of, pages=[told(of, two, who="anna"), told(of, three, who="bert")], now=NOON)
    assert accepted() == ["anna", "bert"]
    assert Assignment.objects.get(state=State.SUBMITTED).worker.ext_id == "anna"


def test_control_tasks_teach_even_without_rules():
    of = remote.batch(n=1)
    known = market.tasks(of, known="correct")[0]
    inbox.take(batch=of, pages=[told(of, remote.keys(of)[0], known.key)], now=NOON)
    assert (SkillValue.objects.get().ok, SkillValue.objects.get().n) == (1, 1)


def test_pages_taken_by_the_platform_are_booked_once(waiting):
    ids = list(Assignment.objects.values_list("pk", flat=True))
    for _ in range(2):
        accepting.book_taken(batch=waiting, ids=ids, now=NOON)
    assert remote.totals(waiting).paid_micro == 4 * 36_000
    assert not OutboxCommand.objects.exists()
