"""A pool with a vendor: pictures in the storage, tasks in the database, a package that is out."""

from collections.abc import Callable

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from crowd.models import Account, Batch, Task
from crowd.platforms.tagme_files import VendorFiles
from crowd.platforms.tagme_files.store import Folder
from crowd.services import publishing
from tests.crowd import market
from tests.crowd.market import NOON

JPEG = b"\xff\xd8\xff\xe0" + b"pixels" * 20


@pytest.fixture
def account(db: None) -> Account:
    return market.account("tagme_files")


@pytest.fixture
def adapter() -> VendorFiles:
    return VendorFiles()


@pytest.fixture
def make_batch(account: Account, adapter: VendorFiles) -> Callable[..., Batch]:
    """Make an open batch of so many tasks, two answers each, and push them."""

    def make(interface: str = "choice", tasks: int = 3, *, price_micro: int = 30_000) -> Batch:
        batch = market.batch(interface, at=account, overlap=2, price_micro=price_micro)
        for number, task in enumerate(market.tasks(batch, tasks, overlap=2)):
            task.payload |= {"image_key": default_storage.save(f"screen/{number}", ContentFile(JPEG))}
            task.payload |= {"width": 640, "height": 480}
            task.save()
        batch.remote_id = adapter.ensure_batch(account, publishing.spec_of(batch))
        batch.save()
        rows = list(batch.tasks.all())
        receipt = adapter.push_tasks(account, batch.remote_id, [publishing.task_spec(one) for one in rows], "push-1")
        for row in rows:
            row.remote_id = receipt.ids[row.key]
        Task.objects.bulk_update(rows, ["remote_id"])
        adapter.open(account, batch.remote_id, NOON)
        return Batch.objects.select_related("account").get(pk=batch.pk)

    return make


@pytest.fixture
def batch(make_batch: Callable[..., Batch]) -> Batch:
    return make_batch()


@pytest.fixture
def folder(batch: Batch) -> Folder:
    return Folder.existing(batch.account, batch.remote_id)


@pytest.fixture
def tasks(batch: Batch) -> list[Task]:
    return list(batch.tasks.order_by("id"))
