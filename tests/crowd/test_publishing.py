"""Tasks on their way to a platform: what waits is sent together, what has been tried keeps its tasks."""

import pytest

from crowd.models import Batch, OutboxCommand, Task
from crowd.services import publishing
from tests.crowd import market, remote

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("far_away")]
far_away = remote.far_away


@pytest.fixture
def of() -> Batch:
    return market.batch("choice", at=remote.account(), state=Batch.State.DRAFT, auto_accept=False)


def come(of: Batch, n: int) -> None:
    """A few more tasks are made, and their push is planned."""
    for _ in range(n):
        (task,) = market.tasks(of, 1)
        Task.objects.filter(pk=task.pk).update(to_push=True)
    publishing.plan_pushes(batch=of)


def chunks() -> list[int]:
    pushes = OutboxCommand.objects.filter(kind="push_tasks").order_by("pk").values_list("pk", flat=True)
    return [Task.objects.filter(push_id=pk).count() for pk in pushes]


def test_tasks_that_come_while_a_push_waits_go_with_it(of):
    come(of, 3)
    come(of, 2)
    assert chunks() == [5]


def test_a_push_that_was_tried_keeps_its_tasks_and_a_new_one_follows(of):
    come(of, 3)
    OutboxCommand.objects.filter(kind="push_tasks").update(fence=1)
    come(of, 2)
    assert chunks() == [3, 2]


def test_a_full_push_is_followed_by_another(of, monkeypatch):
    monkeypatch.setattr(publishing, "TASKS_A_PUSH", 4)
    come(of, 3)
    come(of, 6)
    assert chunks() == [4, 4, 1]
