"""A worker's own queue: places kept by name, the rest for anybody."""

import pytest

from crowd.errors import NoWork
from crowd.models import Batch, OwnTask, Task
from crowd.services import handing_in, offers, own_queue
from tests.crowd import market
from tests.crowd.market import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def work() -> Batch:
    return market.batch(page_size=2)


@pytest.fixture
def ann(work):
    return market.worker(work.account, "ann")


@pytest.fixture
def ben(work):
    return market.worker(work.account, "ben")


def keep(who, *tasks: Task) -> int:
    return own_queue.keep(worker=who, task_ids=[task.pk for task in tasks])


def on_page(page) -> list[int]:
    return list(page.answers.order_by("seq").values_list("task_id", flat=True))


def kept(task: Task) -> int:
    return Task.objects.get(pk=task.pk).kept


def test_own_tasks_come_first_and_the_page_is_filled_up_with_others(work, ann):
    _, second, third = market.tasks(work, 3)
    Task.objects.filter(pk=second.pk).update(priority=50)
    assert keep(ann, third) == 1
    assert sorted(on_page(market.claim(work, ann))) == sorted([third.pk, second.pk])
    assert (kept(third), OwnTask.objects.count()) == (0, 0)


def test_nobody_else_gets_a_place_that_is_kept(work, ann, ben):
    (task,) = market.tasks(work)
    keep(ann, task)
    assert offers.offer_of(batch=work, worker=ben, now=NOON).available == 0
    with pytest.raises(NoWork):
        market.claim(work, ben)
    assert on_page(market.claim(work, ann)) == [task.pk]


def test_of_several_answers_one_is_kept_and_the_others_are_for_anybody(work, ann, ben):
    (task,) = market.tasks(work, overlap=2)
    keep(ann, task)
    assert on_page(market.sent(work, ben)) == [task.pk]
    with pytest.raises(NoWork):
        market.claim(work, market.worker(work.account, "cem"))
    assert on_page(market.claim(work, ann)) == [task.pk]


def test_a_place_can_be_kept_for_each_of_two_people(work, ann, ben):
    (task,) = market.tasks(work, overlap=2)
    assert (keep(ann, task), keep(ben, task), kept(task)) == (1, 1, 2)
    assert keep(market.worker(work.account), task) == 0
    assert on_page(market.claim(work, ben)) == on_page(market.claim(work, ann)) == [task.pk]


def test_what_a_worker_has_seen_made_or_has_kept_already_is_left_out(work, ann):
    (seen,) = market.tasks(work, overlap=2)
    market.sent(work, ann)
    (made,) = market.tasks(work, author=ann)
    (mine,) = market.tasks(work)
    assert keep(ann, seen, made, mine) == 1
    assert keep(ann, mine) == 0
    assert kept(mine) == 1


def test_what_is_freed_is_for_everybody_again(work, ann, ben):
    (task,) = market.tasks(work)
    keep(ann, task)
    assert own_queue.free(worker_id=ann.pk, project_id=work.project_id) == 1
    assert kept(task) == 0
    assert on_page(market.claim(work, ben)) == [task.pk]


def test_a_page_given_back_frees_the_place_for_everybody(work, ann, ben):
    (task,) = market.tasks(work)
    keep(ann, task)
    page = market.claim(work, ann)
    handing_in.skip_page(assignment_id=page.pk, worker_id=ann.pk, now=NOON)
    assert on_page(market.claim(work, ben)) == [task.pk]


def test_the_queue_counts_what_can_be_done_now(work, ann):
    tasks = market.tasks(work, 3)
    keep(ann, *tasks)
    Task.objects.filter(pk=tasks[0].pk).update(cancelled=True)
    assert own_queue.waiting(worker_id=ann.pk) == {work.pk: 2}
    assert own_queue.by_worker(project_id=work.project_id) == {ann.pk: 3}
    Batch.objects.update(state=Batch.State.PAUSED)
    assert not own_queue.waiting(worker_id=ann.pk)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_come_at_once_only_the_named_one_gets_the_place(work, ann):
    (task,) = market.tasks(work)
    keep(ann, task)
    others = market.workers(work.account, 3)
    pages = market.at_once(lambda who: market.claim(work, who), [*others, ann])
    assert [isinstance(page, NoWork) for page in pages[:3]] == [True] * 3
    assert on_page(pages[3]) == [task.pk]
