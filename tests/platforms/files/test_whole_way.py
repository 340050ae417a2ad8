"""From the outbox to a vendor and back: a pool is packed, its table comes home, both sides agree."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from crowd.clock import database_now
from crowd.models import Account, Batch, OutboxCommand, Task
from crowd.platforms.tagme_files import packages
from crowd.services import dispatch, ledger, outbox, publishing, reconcile, vendor_exchange, vendor_files
from crowd.services.vendor_files import Columns
from crowd.vendor_tables import read_table
from tests.crowd import market
from tests.platforms.files.conftest import JPEG

pytestmark = pytest.mark.django_db
COLUMNS = Columns(task="file", worker="worker", answer="answer")


@pytest.fixture
def batch(account: Account) -> Batch:
    batch = market.batch("choice", at=account, state=Batch.State.DRAFT, price_micro=40_000, page_size=2, overlap=2)
    market.tasks(batch, 4, overlap=2)
    key = default_storage.save("screen/one", ContentFile(JPEG))
    batch.tasks.update(to_push=True, payload={"class": "peace", "image_key": key})
    publishing.publish(batch=batch)
    outbox.enqueue(kind="open_batch", key=f"open-{batch.pk}", account=account, batch_id=batch.pk)
    return batch


def settle(batch: Batch, moments: int = 8) -> Batch:
    """Carry out all that is due, and what becomes due by it."""
    for second in range(moments):
        dispatch.drain(now=database_now() + timedelta(seconds=5 * second))
    assert list(OutboxCommand.objects.exclude(state="done").values_list("kind", "state", "last_error")) == []
    return Batch.objects.select_related("account").get(pk=batch.pk)


def table(batch: Batch, *workers: str) -> bytes:
    """Everybody says that every picture is right."""
    keys = list(batch.tasks.order_by("id").values_list("key", flat=True))
    lines = [f"media/{key}.jpg,{worker},correct" for worker in workers for key in keys]
    return "\n".join(["file,worker,answer", *lines]).encode()


def test_a_pool_is_packed_when_it_is_opened(batch):
    batch = settle(batch)
    (package,) = vendor_exchange.packages_of(batch)
    assert (batch.state, package.tasks, package.pictures) == ("open", 4, 4)
    assert not Task.objects.filter(batch=batch, remote_id="").exists()


def test_a_package_in_slices_opens_the_pool_only_when_it_is_whole(batch, monkeypatch):
    monkeypatch.setattr(packages, "SECONDS_A_SLICE", -1.0)
    for _ in range(3):
        dispatch.drain(now=database_now() + timedelta(seconds=5))
    batch.refresh_from_db()
    assert batch.state == "draft"
    monkeypatch.setattr(packages, "SECONDS_A_SLICE", 600.0)
    assert settle(batch).state == "open"


def test_a_table_that_comes_home_is_paid_once_and_leaves_no_difference(batch):
    batch = settle(batch)
    vendor_exchange.enter_cost(batch_id=batch.pk, cost_micro=100_001)
    batch.refresh_from_db()
    for workers in (["w1"], ["w1", "w2"]):
        found = read_table(table(batch, *workers), "results.csv")
        vendor_files.bring_in(batch=batch, table=found, columns=COLUMNS, now=database_now())
        settle(batch)
    totals = ledger.totals(project_id=batch.project_id)
    assert (totals.paid_micro, totals.reserved_micro) == (100_001, 0)
    assert reconcile.reconcile(account=batch.account, now=database_now()) == []


def test_more_tasks_become_a_second_package(batch):
    batch = settle(batch)
    market.tasks(batch, 1)
    batch.tasks.filter(remote_id="").update(to_push=True, payload={"class": "peace"})
    publishing.plan_pushes(batch=batch)
    assert [one.tasks for one in vendor_exchange.packages_of(settle(batch))] == [1, 4]
