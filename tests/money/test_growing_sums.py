"""Sums of a ledger are kept up to an entry and grown by what comes later; they always tell what its rows say."""

import threading

import pytest
from django.core.cache import caches
from django.db import connection, transaction

from crowd.services import ledger
from curation.models import Project
from curation.services import growing_sums, statements
from tests.factories import make_pool, make_worker
from tests.money.world import CENT, paid, purse

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch):
    """Keep sums from the first entry on, and nothing of other tests."""
    monkeypatch.setattr(growing_sums, "NEW_BEFORE_KEPT", 0)
    yield caches["shared"]
    caches["shared"].clear()


def spent(project: Project) -> list[int]:
    """Return what the statements by day and by worker come to, and what the budget says, in cents."""
    sums = [sum(line.sums.total for line in statements.statement(project=project, by=by)) for by in ("day", "worker")]
    return [micro // CENT for micro in (*sums, ledger.totals(project_id=project.pk).spent_micro)]


def test_what_comes_after_the_sums_were_kept_is_added_to_them(project: Project, kept):
    pool, worker = make_pool(project), make_worker()
    for cents in (3, 4, 5):
        paid(pool, worker, cents=cents)
        first = spent(project)
        assert len(set(first)) == 1
        assert spent(project) == first
    assert spent(project) == [12, 12, 12]


def test_kept_sums_are_read_instead_of_the_entries(project: Project, kept):
    paid(make_pool(project), make_worker())
    assert spent(project) == [3, 3, 3]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE crowd_ledgerentry SET amount_micro = 1 WHERE kind = 'charge'")
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    assert spent(project) == [3, 3, 3]


def test_sums_of_a_ledger_that_was_restored_to_an_earlier_state_are_made_anew(project: Project, kept):
    pool, worker = make_pool(project), make_worker()
    with transaction.atomic():
        before = transaction.savepoint()
        paid(pool, worker, cents=9)
        assert spent(project) == [9, 9, 9]
        transaction.savepoint_rollback(before)
    paid(pool, worker, cents=2)
    assert spent(project) == [2, 2, 2]


@pytest.mark.django_db(transaction=True)
def test_while_money_moves_no_entry_is_the_last_one(project: Project):
    pool = make_pool(project)
    paid(pool, make_worker())
    newest = ledger.settled(project_id=project.pk)
    assert newest is not None
    seen: list[int | None] = []

    def look() -> None:
        seen.append(ledger.settled(project_id=project.pk))
        connection.close()

    with transaction.atomic():
        ledger.reserve(purse=purse(pool), amount_micro=CENT, ref="assignment:one")
        other = threading.Thread(target=look, daemon=True)
        other.start()
        other.join(30)
    assert seen == [None]
    assert (ledger.settled(project_id=project.pk) or 0) > newest
