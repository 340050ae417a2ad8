"""From the outbox to Prolific and back: a pool is published with its places, worked on, paid in both books."""

from datetime import timedelta

import pytest

from crowd.clock import database_now
from crowd.links import batch_key_of
from crowd.models import Account, Assignment, Batch, OutboxCommand
from crowd.services import dispatch, hosting, ledger, outbox, publishing, pulling, reconcile
from tests.crowd import market
from tests.crowd.market import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch(account: Account) -> Batch:
    batch = market.batch(
        "choice", at=account, state=Batch.State.DRAFT, price_micro=90_000, page_size=2, auto_accept=True
    )
    market.tasks(batch, 6)
    batch.tasks.update(to_push=True)
    publishing.publish(batch=batch)
    outbox.enqueue(kind="open_batch", key=f"open-{batch.pk}", account=account, batch_id=batch.pk)
    settle()
    batch.refresh_from_db()
    return batch


def settle(moments: int = 8) -> None:
    """Carry out all that is due, and what becomes due by it."""
    for second in range(moments):
        dispatch.drain(now=database_now() + timedelta(seconds=5 * second))
    assert list(OutboxCommand.objects.exclude(state="done").values_list("kind", "state", "last_error")) == []


def works(batch: Batch, there) -> Assignment:
    """Let somebody come from Prolific, answer a page of ours, and go back with the code."""
    taken = there.takes(batch.remote_id)
    worker = hosting.arrive(account=batch.account, worker_ext_id=taken.participant)
    page = hosting.next_page(batch=batch, worker=worker, ext_id=taken.id, now=NOON)
    market.submit(page)
    there.ends(taken.id)
    return page


def test_a_pool_is_published_with_as_many_places_as_it_has_pages(batch, there):
    study = there.market.studies[batch.remote_id]
    assert (study.status, study.places, batch.state) == ("ACTIVE", 3, "open")
    address = study.form["external_study_url"]
    assert batch_key_of(address.partition("?")[0].rstrip("/").rsplit("/", 1)[1]) == batch.key


def test_what_was_handed_in_is_paid_once_in_both_books(batch, there):
    pages = [works(batch, there) for _ in range(3)]
    for _ in range(2):
        pulling.pull_batch(batch_id=batch.pk, now=NOON)
        settle()
    assert {Assignment.objects.get(pk=page.pk).state for page in pages} == {"accepted"}
    assert there.books()["rewards"] == 27
    totals = ledger.totals(project_id=batch.project_id)
    assert (totals.reserved_micro, totals.paid_micro) == (0, 3 * (90_000 + 36_000))
    assert reconcile.reconcile(account=batch.account, now=NOON) == []
