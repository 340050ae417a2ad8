"""An account with a Toloka market of its own."""

from collections.abc import Callable

import pytest

from crowd.models import Account
from crowd.platforms.base import BatchSpec, TaskSpec
from crowd.platforms.toloka import Toloka
from tests.crowd import bench_toloka, market
from tests.platforms.toloka.plans import spec, tasks


@pytest.fixture
def account(db) -> Account:
    return bench_toloka.account()


@pytest.fixture
def adapter() -> Toloka:
    return Toloka()


@pytest.fixture
def opened(account, adapter) -> Callable[..., str]:
    """Return what publishes a plan with its tasks and opens it."""

    def publish(plan: BatchSpec | None = None, pushed: list[TaskSpec] | None = None) -> str:
        remote_id = adapter.ensure_batch(account, plan or spec())
        adapter.push_tasks(account, remote_id, pushed if pushed is not None else tasks(5), "push-1")
        adapter.open(account, remote_id, market.NOON)
        return remote_id

    return publish
