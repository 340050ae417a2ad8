"""Counts of pages: changed by whoever changes a page, folded, rebuilt, compared."""

from datetime import timedelta

import pytest
from django.db import connection, transaction

from crowd.models import Assignment, BatchDelta, BatchRollup
from crowd.services import judging, rollups
from tests.crowd import market
from tests.crowd.market import NOON

pytestmark = pytest.mark.django_db


def sums() -> dict[str, tuple[int, int]]:
    return {row.state: (row.n, row.amount_micro) for row in BatchRollup.objects.exclude(n=0)}


@pytest.fixture
def page() -> Assignment:
    photos = market.batch("photo", auto_accept=False)
    market.tasks(photos, 3)
    return market.sent(photos, market.worker(photos.account))


def test_folding_adds_up_what_has_happened(page):
    folded = rollups.fold(now=NOON)
    assert (folded.deltas, folded.batch_ids) == (3, {page.batch_id})
    assert sums() == {"submitted": (1, 30_000)}
    judging.accept(assignment_id=page.pk, now=NOON)
    rollups.fold(now=NOON)
    assert sums() == {"accepted": (1, 30_000)}


def test_nothing_waiting_changes_nothing(page):
    rollups.fold(now=NOON)
    assert rollups.fold(now=NOON + timedelta(days=1)) == rollups.Folded(0, frozenset())


def test_a_fold_takes_no_more_than_it_should_and_the_next_goes_on(page):
    assert [rollups.fold(now=NOON, most=2).deltas for _ in range(3)] == [2, 1, 0]
    assert rollups.compare() == []


@pytest.mark.django_db(transaction=True)
def test_folders_and_a_rebuild_at_once_count_nothing_twice():
    photos = market.batch("photo", page_size=1)
    market.tasks(photos, 12)
    for one in market.workers(photos.account, 12):
        market.sent(photos, one)

    def work(turn: int) -> None:
        for _ in range(5):
            rollups.rebuild() if turn == 3 else rollups.fold(now=NOON, most=3)

    assert market.at_once(work, range(4)) == [None] * 4
    assert rollups.compare() == []
    while rollups.fold(now=NOON).deltas:
        pass
    assert sums() == {"accepted": (12, 12 * 30_000)}


@pytest.mark.django_db(transaction=True)
def test_a_change_committed_after_a_later_one_was_folded_is_not_lost(page):
    """The reason not to fold by "id above the last one"."""
    with transaction.atomic():
        Assignment.objects.filter(pk=page.pk).update(price_micro=40_000)
        market.at_once(
            lambda _: (market.sent(page.batch, market.worker(page.batch.account)), rollups.fold(now=NOON)), [0]
        )
    rollups.fold(now=NOON)
    assert rollups.compare() == []
    assert sums() == {"submitted": (2, 70_000)}


def test_a_wrong_sum_is_found_and_rebuilt(page):
    rollups.fold(now=NOON)
    BatchRollup.objects.filter(state="submitted").update(n=7)
    BatchRollup.objects.create(batch_id=page.batch_id, state="skipped", n=1, amount_micro=5)
    assert {(wrong.state, wrong.told_n, wrong.rows_n, wrong.told_micro) for wrong in rollups.compare()} == {
        ("submitted", 7, 1, 30_000), ("skipped", 1, 0, 5),
    }  # fmt: skip
    rollups.rebuild()
    assert rollups.compare() == []
    assert sums() == {"submitted": (1, 30_000)}


def test_sums_of_some_batches_are_compared_alone(page):
    rollups.fold(now=NOON)
    other = market.batch("photo", auto_accept=False)
    market.tasks(other, 3)
    market.sent(other, market.worker(other.account, "of another"))  # waits to be folded
    BatchRollup.objects.filter(batch_id=page.batch_id, state="submitted").update(n=7)
    assert rollups.compare(batches=[other.pk]) == rollups.compare(batches=[]) == []
    assert {wrong.batch_id for wrong in rollups.compare(batches=[page.batch_id])} == {page.batch_id}


def test_rebuilding_forgets_what_waits_to_be_folded(page):
    rollups.rebuild()
    assert not BatchDelta.objects.exists()
    rollups.fold(now=NOON)
    assert sums() == {"submitted": (1, 30_000)}


def test_a_page_nobody_counted_is_found(page):
    rollups.fold(now=NOON)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table that has checks to come cannot be altered
        cursor.execute("ALTER TABLE crowd_assignment DISABLE TRIGGER count_changed")
        Assignment.objects.update(state="accepted")
        cursor.execute("ALTER TABLE crowd_assignment ENABLE TRIGGER count_changed")
    assert [wrong.state for wrong in rollups.compare()] == ["accepted", "submitted"]
