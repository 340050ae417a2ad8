"""A pool from our rows to the platform and back: published, worked, pulled, judged, paid; the books are one."""

from datetime import timedelta

import pytest

from crowd.clock import database_now
from crowd.models import Account, Assignment, Batch, LedgerEntry, OutboxCommand, Task
from crowd.platforms.toloka import client
from crowd.services import dispatch, judging, ledger, outbox, publishing, pulling, tasks
from crowd.services.reconcile import reconcile
from tests.crowd import bench_toloka as bench
from tests.crowd import market

State = OutboxCommand.State
UNSETTLED = [State.PLANNED, State.SENDING, State.UNKNOWN]
TROUBLE = {
    "drop_reply": {"rate": 0.15},
    "error_500": {"rate": 0.1, "after": True},
    "error_503": {"rate": 0.1},
    "throttle": {"rate": 0.05},
}


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch):
    monkeypatch.setattr(client, "BACKOFF", 0)


def settle(account: object) -> None:
    """Let the outbox work, an hour later each time, until all is done."""
    now = database_now()
    for hour in range(200):
        then = now + timedelta(hours=hour)
        dispatch.drain(now=then)
        dispatch.sweep(now=then)
        if not OutboxCommand.objects.filter(state__in=UNSETTLED).exists():
            return
    raise AssertionError(list(OutboxCommand.objects.filter(state__in=UNSETTLED).values_list("kind", "last_error")))


def pull(batch: Batch) -> None:
    for _ in range(200):
        pulled = pulling.pull_batch(batch_id=batch.pk, now=database_now())
        if not pulled.more and not pulled.note:
            return
    raise AssertionError(pulled.note)


def published(account: object, n: int, **fields: object) -> Batch:
    batch = market.batch("choice", at=account, state=Batch.State.DRAFT, auto_accept=False, **fields)
    rows = [
        Task(batch=batch, key=f"asset-{number}", project_id=batch.project_id, payload={"class": "peace"}, overlap=1)
        for number in range(n)
    ]
    tasks.add(batch=batch, tasks=rows)
    publishing.publish(batch=batch)
    outbox.enqueue(kind="open_batch", key=f"open-{batch.pk}", account=account, batch_id=batch.pk)
    settle(account)
    batch.refresh_from_db()
    return batch


def works(account: object, batch: Batch, n: int) -> None:
    for _ in range(n):
        bench.hand_in(account, bench.take(account, bench.worker(account), batch.remote_id))


def judge(batch: Batch) -> None:
    """Reject every third page, accept the others."""
    waiting = Assignment.objects.filter(batch=batch, state=Assignment.State.SUBMITTED).order_by("id")
    for number, page in enumerate(waiting):
        if number % 3 == 2:
            judging.reject(assignment_id=page.pk, reason="cut off", now=database_now())
        else:
            judging.accept(assignment_id=page.pk, now=database_now())
    publishing.plan_pushes(batch=batch)


def charged(batch: Batch, kind: str) -> int:
    rows = LedgerEntry.objects.filter(project_id=batch.project_id, kind=kind)
    return sum(rows.values_list("amount_micro", flat=True))


@pytest.mark.parametrize("trouble", [{}, TROUBLE], ids=["on a good day", "on a bad day"])
def test_what_we_have_booked_is_what_the_platform_has_paid(account, trouble):
    bench.control(account, "PUT", "/faults", trouble)
    batch = published(account, 6)
    assert batch.state == Batch.State.OPEN
    works(account, batch, 6)
    pull(batch)
    judge(batch)
    settle(account)
    works(account, batch, 2)
    pull(batch)
    judge(batch)
    settle(account)
    pull(batch)
    bench.control(account, "DELETE", "/faults")
    books = bench.emulator(account).market.books
    assert (charged(batch, "charge"), charged(batch, "fee")) == (6 * 30_000, 6 * 9_000)
    assert (books.spent_micro["REWARD"], books.spent_micro["FEE"]) == (6 * 30_000, 6 * 9_000)
    assert (books.reserved_micro, ledger.totals(project_id=batch.project_id).reserved_micro) == (0, 0)
    assert books.adds_up()
    assert reconcile(now=database_now(), account=account) == []


def test_a_wrong_commission_is_found_by_the_fees_that_the_platform_took(account):
    Account.objects.filter(pk=account.pk).update(commission_percent=20)
    account.refresh_from_db()
    done_work(account)
    (found,) = reconcile(now=database_now(), account=account)
    assert (found.kind, found.local, found.remote) == ("money", "0.012", "0.018")
    assert "is the account's commission right?" in found.where


def test_a_commission_that_changes_later_makes_old_fees_no_difference(account):
    batch = done_work(account)
    Account.objects.filter(pk=account.pk).update(commission_percent=45)
    assert reconcile(now=database_now(), account=account) == []
    assert charged(batch, "fee") == 2 * 9_000


def done_work(account: object) -> Batch:
    """Two pages, pulled, accepted and paid on both sides."""
    batch = published(account, 2)
    works(account, batch, 2)
    pull(batch)
    judge(batch)
    settle(account)
    pull(batch)
    return batch
