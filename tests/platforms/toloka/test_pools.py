"""The life of pools and trainings on the platform: who is let in, what is paid, updates, waking, archiving."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crowd.audience import Audience
from crowd.errors import StillRunning, Throttled
from crowd.models import Batch
from crowd.platforms.toloka import client
from tests.crowd import bench_toloka as bench
from tests.crowd import market
from tests.crowd.market import NOON
from tests.platforms.toloka.plans import known, spec, tasks

RIGHT, WRONG = {"answer": "correct"}, {"answer": "incorrect"}


def pool(account, remote_id):
    """The pool as the platform holds it."""
    shelf = bench.emulator(account).market
    found = shelf.trainings if remote_id.startswith("training-") else shelf.pools
    return found.get(remote_id.removeprefix("training-"))


def offered(account, who):
    return {offer["pool_id"] for offer in bench.control(account, "GET", f"/workers/{who}/offers")}


def answers_of(page, wrong=0):
    return [WRONG if number < wrong else RIGHT for number in range(len(page["tasks"]))]


def answer(account, page, answers):
    return bench.control(account, "POST", f"/assignments/{page['assignment_id']}/submit", {"answers": answers})


@pytest.fixture
def gate(opened):
    """A training of ten tasks, and the pool behind it."""
    training = opened(spec(kind="training", key="practice", page_size=10, price_micro=0), known(10, hint="Look again."))
    plan = spec(needs_skill="Practice", needs_value=70, needs_batch=training)
    return training, opened(plan)


@pytest.mark.parametrize(("wrong", "let_in"), [(0, True), (3, True), (4, False)])
def test_a_training_lets_in_whoever_has_enough_right_at_first(account, gate, wrong, let_in):
    training, main = gate
    who = bench.worker(account)
    page = bench.take(account, who, training)
    if wrong:
        assert answer(account, page, answers_of(page, wrong))["hints"] == dict.fromkeys(
            map(str, range(wrong)), "Look again."
        )
    answer(account, page, answers_of(page))
    assert (main in offered(account, who)) is let_in


def test_first_answers_of_a_training_are_told_apart_from_the_corrected_ones(account, adapter, gate):
    training, _ = gate
    page = bench.take(account, bench.worker(account), training)
    answer(account, page, answers_of(page, wrong=4))
    answer(account, page, answers_of(page))
    (one,) = adapter.pull(account, training, "").assignments
    assert one.state == "accepted"
    assert [answer["answer"] for answer in one.answers.values()] == ["correct"] * 10
    assert sorted(answer["answer"] for answer in one.first_answers.values()) == ["correct"] * 6 + ["incorrect"] * 4
    assert one.first_answers.keys() == one.answers.keys()


def test_a_training_opens_closes_and_is_updated_like_a_pool(account, adapter, gate):
    training, main = gate
    adapter.set_priority(account, training, 5)
    plan = spec(kind="training", key="practice", page_size=5, price_micro=0)
    adapter.update_batch(account, training, plan)
    there = pool(account, training)
    assert (there.form["training_tasks_in_task_suite_count"], there.status) == (5, "OPEN")
    adapter.archive(account, main, NOON)
    adapter.archive(account, training, NOON)
    assert there.status == "ARCHIVED"


@pytest.mark.parametrize(("wrong", "value", "let_in"), [(3, 70, True), (4, 60, False)])
def test_an_exam_gives_its_skill_once_and_the_pool_asks_for_it(account, opened, wrong, value, let_in):
    exam = opened(spec(kind="exam", key="exam", page_size=10, price_micro=0, grants_skill="Exam"), known(10))
    main = opened(spec(needs_skill="Exam", needs_value=70, needs_batch=exam))
    who = bench.worker(account)
    assert offered(account, who) == {exam}
    page = bench.take(account, who, exam)
    answer(account, page, answers_of(page, wrong))
    (skill,) = bench.emulator(account).market.workers.get(who).skills.values()
    assert skill.value == value
    assert offered(account, who) == ({main} if let_in else set())


def test_training_exam_and_pool_of_the_same_words_are_one_project(account, adapter, gate):
    training, main = gate
    exam = adapter.ensure_batch(
        account, spec(kind="exam", key="exam", grants_skill="Exam", needs_skill="Practice", needs_batch=training)
    )
    assert len({pool(account, one).project_id for one in (training, exam, main)}) == 1


def test_the_price_follows_the_skill_at_the_moment_the_page_is_taken(account, adapter, opened):
    plan = spec(price_table=[(0, 95, 30_000), (96, 100, 40_000)], price_skill="Accepted")
    remote_id = opened(plan)
    rich, poor = bench.worker(account), bench.worker(account)
    adapter.set_skill(account, rich, "Accepted", 96)
    adapter.set_skill(account, poor, "Accepted", 95)
    first = bench.take(account, rich, remote_id)
    adapter.set_skill(account, rich, "Accepted", 10)
    bench.hand_in(account, first)
    bench.hand_in(account, bench.take(account, poor, remote_id))
    prices = {one.worker_ext_id: one.price_micro for one in adapter.pull(account, remote_id, "").assignments}
    assert prices == {rich: 40_000, poor: 30_000}


def test_control_tasks_are_mixed_in(account, adapter, opened):
    plan = spec(page_size=5, control_per_page=1)
    remote_id = opened(plan, [*tasks(8), *known(3)])
    page = bench.take(account, bench.worker(account), remote_id)
    assert sorted(bool(task["known"]) for task in page["tasks"]) == [False] * 4 + [True]
    assert {task["values"]["winnow_task"] for task in page["tasks"] if not task["known"]} == {
        f"task-{number}" for number in range(4)
    }


def test_only_people_of_the_audience_are_let_in(account, opened):
    remote_id = opened(spec(audience=Audience(languages=["DE"], countries=["AT", "CH"], devices=["SMARTPHONE"])))
    fits = {"languages": ["EN", "DE"], "country": "CH", "attributes": {"device_category": "SMARTPHONE"}}
    assert remote_id in offered(account, bench.worker(account, **fits))
    for other in ({"languages": ["EN"]}, {"country": "DE"}, {"attributes": {"device_category": "TABLET"}}):
        assert remote_id not in offered(account, bench.worker(account, **{**fits, **other}))


def test_an_author_is_not_given_his_own_picture(account, adapter, opened):
    author, other = bench.worker(account), bench.worker(account)
    remote_id = opened(None, tasks(1, author_ext_id=author))
    assert offered(account, author) == set()
    assert offered(account, other) == {remote_id}


def test_an_update_of_an_open_pool_closes_it_and_opens_it_again(account, adapter, opened):
    plan = spec(audience=Audience(languages=["DE"], top_percent=50), priority=3)
    remote_id = opened(plan)
    changed = replace(plan, price_micro=50_000, audience=Audience(countries=["AT"]), priority=9, overlap=2)
    adapter.update_batch(account, remote_id, changed)
    form = pool(account, remote_id).form
    assert pool(account, remote_id).status == "OPEN"
    assert (float(form["reward_per_assignment"]), form["priority"]) == (0.05, 9)
    assert [line["or"][0]["key"] for line in form["filter"]["and"]] == ["country"]
    assert form.get("speed_quality_balance") is None
    assert bench.requests(account, "POST", "/close-for-update")


def test_an_update_that_changes_nothing_asks_and_leaves_it(account, adapter, opened):
    plan = spec(audience=Audience(languages=["DE"]), price_table=[(0, 9, 40_000)], price_skill="Eyes")
    rule = {"kind": "control", "method": "bound", "least_answers": 6}
    plan = replace(plan, rules=[rule])
    remote_id = opened(plan)
    adapter.update_batch(account, remote_id, plan)
    assert bench.requests(account, "PUT", "/pools") == []
    assert bench.requests(account, "POST", "/close-for-update") == []


def test_an_update_whose_closing_takes_time_goes_on_where_it_was(account, adapter, opened):
    remote_id = opened()
    bench.control(account, "PUT", "/settings", {"operation_delay": 60})
    changed = spec(price_micro=50_000)
    with pytest.raises(StillRunning, match="closing for an update"):
        adapter.update_batch(account, remote_id, changed)
    bench.control(account, "POST", "/clock/advance", {"minutes": 2})
    with pytest.raises(StillRunning, match="opening after an update"):
        adapter.update_batch(account, remote_id, changed)
    bench.control(account, "POST", "/clock/advance", {"minutes": 2})
    adapter.update_batch(account, remote_id, changed)
    assert pool(account, remote_id).status == "OPEN"
    assert float(pool(account, remote_id).form["reward_per_assignment"]) == 0.05
    assert len(bench.requests(account, "PUT", "/pools")) == 1


def test_an_update_of_a_paused_pool_does_not_open_it(account, adapter, opened):
    remote_id = opened()
    adapter.close(account, remote_id, NOON)
    adapter.update_batch(account, remote_id, spec(price_micro=50_000))
    assert pool(account, remote_id).status == "CLOSED"


def test_the_eleventh_change_of_overlap_in_an_hour_waits(account, adapter, monkeypatch):
    monkeypatch.setattr(client, "database_now", lambda: NOON)
    remote_id = adapter.ensure_batch(account, spec())
    for overlap in range(2, 12):
        adapter.update_batch(account, remote_id, spec(overlap=overlap))
    with pytest.raises(Throttled, match="overlap: 10 an hour are used"):
        adapter.update_batch(account, remote_id, spec(overlap=12))


def test_opening_that_takes_time_is_asked_for_again(account, adapter):
    remote_id = adapter.ensure_batch(account, spec())
    adapter.push_tasks(account, remote_id, tasks(2), "push-1")
    bench.control(account, "PUT", "/settings", {"operation_delay": 60})
    with pytest.raises(StillRunning, match="opening"):
        adapter.open(account, remote_id, NOON)
    bench.control(account, "POST", "/clock/advance", {"minutes": 2})
    adapter.open(account, remote_id, NOON)
    assert pool(account, remote_id).status == "OPEN"


@pytest.fixture
def done(account, adapter, opened):
    """A pool whose one task is done, and that Toloka has closed for want of work."""
    remote_id = opened(spec(), tasks(1))
    page = bench.hand_in(account, bench.take(account, bench.worker(account), remote_id))
    bench.control(account, "POST", "/clock/advance", {"days": 3, "minutes": 1})
    assert pool(account, remote_id).last_close_reason == "COMPLETED"
    return remote_id, page


def test_new_tasks_open_a_pool_that_toloka_has_closed(account, adapter, done):
    remote_id, _ = done
    adapter.push_tasks(account, remote_id, tasks(3)[1:], "push-2")
    assert pool(account, remote_id).status == "OPEN"


def test_another_answer_opens_a_pool_that_toloka_has_closed(account, adapter, done):
    remote_id, page = done
    adapter.set_overlap(account, remote_id, page["tasks"][0]["id"], 2)
    assert pool(account, remote_id).status == "OPEN"
    bench.hand_in(account, bench.take(account, bench.worker(account), remote_id))


def test_a_pool_that_we_have_closed_stays_closed(account, adapter, done):
    remote_id, page = done
    market.batch(at=account, remote_id=remote_id, state=Batch.State.CLOSED)
    adapter.push_tasks(account, remote_id, tasks(3)[1:], "push-2")
    adapter.set_overlap(account, remote_id, page["tasks"][0]["id"], 2)
    assert pool(account, remote_id).status == "CLOSED"


def test_a_pool_without_money_stays_closed_but_its_new_tasks_are_in(account, adapter, done):
    remote_id, _ = done
    bench.control(account, "PUT", "/balance", {"balance": 0})
    receipt = adapter.push_tasks(account, remote_id, tasks(3)[1:], "push-2")
    assert (receipt.created, pool(account, remote_id).status) == (2, "CLOSED")


@pytest.mark.parametrize("told_before", [True, False])
def test_rejected_work_is_done_again_by_one_other(account, adapter, opened, told_before):
    """Whatever comes first: our word that the task is given out once more, or the rejection."""
    remote_id = opened(None, tasks(1))
    page = bench.hand_in(account, bench.take(account, bench.worker(account), remote_id))
    assert offered(account, bench.worker(account)) == set()
    moves = [
        lambda: adapter.set_overlap(account, remote_id, page["tasks"][0]["id"], 2),
        lambda: adapter.reject(account, page["id"], "cut off", NOON),
    ]
    for move in moves if told_before else reversed(moves):
        move()
    bench.hand_in(account, bench.take(account, bench.worker(account), remote_id))
    assert offered(account, bench.worker(account)) == set()


def test_an_overlap_of_zero_stops_a_task(account, adapter, opened):
    remote_id = opened(None, tasks(1))
    (task,) = bench.emulator(account).market.tasks
    adapter.set_overlap(account, remote_id, task.id, 0)
    assert offered(account, bench.worker(account)) == set()


def test_yandex_tasks_looks_at_a_pool_before_it_opens(account, adapter):
    account.settings = {"yandex": True}
    remote_id = adapter.ensure_batch(account, spec())
    adapter.push_tasks(account, remote_id, tasks(2), "push-1")
    adapter.open(account, remote_id, NOON)
    paths = [one["path"].partition("/api")[2] for one in bench.requests(account)][-3:]
    assert paths == [
        f"/new/requester/pools/{remote_id}/validate",
        f"/new/requester/poolModeration/{remote_id}",
        f"/v1/pools/{remote_id}/open",
    ]


def test_a_pool_ends_when_its_time_is_over(account, adapter, opened):
    remote_id = opened(spec(expires_at=NOON + timedelta(days=2)))
    bench.control(account, "POST", "/clock/advance", {"days": 3})
    assert pool(account, remote_id).last_close_reason == "EXPIRED"


def test_the_projects_of_an_account_are_looked_through_page_by_page(account, adapter, monkeypatch):
    monkeypatch.setattr("crowd.platforms.toloka.pools.MOST_LISTED", 2)
    first = [adapter.ensure_batch(account, spec(title=f"Sign {number}", key=f"b{number}")) for number in range(5)]
    assert [adapter.ensure_batch(account, spec(title=f"Sign {n}", key=f"b{n}")) for n in range(5)] == first


def test_pages_in_halves_hide_nothing(account, adapter):
    bench.control(account, "PUT", "/faults", {"half_pages": {"rate": 1, "path": "/projects"}})
    first = [adapter.ensure_batch(account, spec(title=f"Sign {number}", key=f"b{number}")) for number in range(5)]
    assert [adapter.ensure_batch(account, spec(title=f"Sign {n}", key=f"b{n}")) for n in range(5)] == first
