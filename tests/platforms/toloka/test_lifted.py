"""A ban that was lifted here stays lifted, although the platform's own rule remembers what led to it."""

from datetime import timedelta

from crowd.clock import database_now
from crowd.models import Assignment, Batch, Restriction, Task
from crowd.services import dispatch, judging, outbox, publishing, pulling, tasks, trust
from tests.crowd import bench_toloka as bench
from tests.crowd import market

RULE = {"kind": "acceptance", "least_rate": 0.7, "least_pages": 2, "action": {"kind": "suspend", "days": 10}}


def settle() -> None:
    for minute in range(10):
        dispatch.drain(now=database_now() + timedelta(minutes=minute))


def published(account) -> Batch:
    batch = market.batch("choice", at=account, state=Batch.State.DRAFT, auto_accept=False, rules=[RULE])
    rows = [
        Task(batch=batch, key=f"task-{n}", project_id=batch.project_id, payload={"class": "peace"}, overlap=3)
        for n in range(6)
    ]
    tasks.add(batch=batch, tasks=rows)
    publishing.publish(batch=batch)
    outbox.enqueue(kind="open_batch", key=f"open-{batch.pk}", account=account, batch_id=batch.pk)
    settle()
    batch.refresh_from_db()
    return batch


def sent(account, batch: Batch, who: str) -> Assignment:
    page = bench.hand_in(account, bench.take(account, who, batch.remote_id))
    pulling.pull_batch(batch_id=batch.pk, now=database_now())
    return Assignment.objects.get(ext_id=page["id"])


def is_offered(account, batch: Batch, who: str) -> bool:
    return batch.remote_id in {offer["pool_id"] for offer in bench.control(account, "GET", f"/workers/{who}/offers")}


def lifted_after_two_rejections(account, batch: Batch, who: str) -> None:
    pages = [sent(account, batch, who) for _ in range(2)]
    third = bench.take(account, who, batch.remote_id)
    for page in pages:
        judging.reject(assignment_id=page.pk, reason="cut off", now=database_now())
    settle()
    bench.hand_in(account, third)
    pulling.pull_batch(batch_id=batch.pk, now=database_now())
    settle()
    assert not is_offered(account, batch, who)
    trust.lift(restriction_id=Restriction.objects.get(lifted_at=None).pk, now=database_now())
    settle()
    assert is_offered(account, batch, who)


def test_the_next_verdict_does_not_bring_a_lifted_ban_back(account):
    batch, who = published(account), bench.worker(account)
    lifted_after_two_rejections(account, batch, who)
    page = sent(account, batch, who)
    judging.accept(assignment_id=page.pk, now=database_now())
    settle()
    assert is_offered(account, batch, who)


def test_a_ban_of_a_person_is_not_lifted_along_with_it(account):
    batch, who = published(account), bench.worker(account)
    lifted_after_two_rejections(account, batch, who)
    in_hand = bench.take(account, who, batch.remote_id)
    worker = Assignment.objects.filter(batch=batch)[0].worker_id
    trust.restrict(worker_id=worker, scope="batch", scope_id=batch.pk, reason="by hand", until=None)
    settle()
    bench.hand_in(account, in_hand)
    pulling.pull_batch(batch_id=batch.pk, now=database_now())
    settle()
    assert not is_offered(account, batch, who)
