"""What a platform has to know when a pool comes to it: who has the skills it asks for, and who is banned."""

from datetime import timedelta
from typing import Any

import pytest

from crowd.clock import database_now
from crowd.models import Batch, OutboxCommand, Skill, Task, Worker
from crowd.models.worker import digest_of
from crowd.services import dispatch, outbox, publishing, skills, tasks, trust
from tests.crowd import bench_toloka as bench
from tests.crowd import market

FILTER = {"skills": [{"skill": "Quality", "low": 80}]}


def settle():
    for minute in range(10):
        dispatch.drain(now=database_now() + timedelta(minutes=minute))


def publish(account, **fields: Any) -> Batch:
    batch = market.batch("choice", at=account, state=Batch.State.DRAFT, auto_accept=False, **fields)
    row = Task(batch=batch, key="one", project_id=batch.project_id, payload={"class": "peace"}, overlap=1)
    tasks.add(batch=batch, tasks=[row])
    publishing.publish(batch=batch)
    outbox.enqueue(kind="open_batch", key=f"open-{batch.pk}", account=account, batch_id=batch.pk)
    settle()
    batch.refresh_from_db()
    assert batch.state == Batch.State.OPEN
    return batch


def update(batch: Batch) -> None:
    number = OutboxCommand.objects.filter(kind="update_batch", batch_id=batch.pk).count()
    outbox.enqueue(
        kind="update_batch", key=f"update_batch-{batch.pk}-{number}", account=batch.account, batch_id=batch.pk
    )
    settle()


def known_worker(account, value: int | None = None):
    """Somebody of the platform with a value of ours."""
    ext_id = bench.worker(account)
    who = Worker.objects.create(account=account, ext_id=ext_id, ext_digest=digest_of(ext_id))
    if value is not None:
        skill = skills.ensure_skill(account=account, name="Quality")
        skills.set_measured(worker_id=who.pk, skill_id=skill.pk, value=value, ok=9, n=10, reason="", now=database_now())
    return who


def is_offered(account, who, batch) -> bool:
    offers = bench.control(account, "GET", f"/workers/{who.ext_id}/offers")
    return batch.remote_id in {offer["pool_id"] for offer in offers}


def remove_skill(account) -> str:
    """A person removes the skill on the platform, and with it everybody's value."""
    at = bench.emulator(account).market
    (skill,) = [one for one in at.skills if one.form["name"] == "Quality"]
    for known in [one for one in at.user_skills if one.skill_id == skill.id]:
        at.user_skills.remove(known.id)
        del at.workers.get(known.user_id).skills[skill.id]
    at.skills.remove(skill.id)
    return skill.id


# Skills


def test_a_pool_that_begins_to_ask_for_a_skill_finds_those_who_have_it(account):
    able, weak, unknown = known_worker(account, 90), known_worker(account, 60), known_worker(account)
    batch = publish(account, audience=FILTER)
    assert [is_offered(account, who, batch) for who in (able, weak, unknown)] == [True, False, False]


def test_an_open_pool_that_begins_to_ask_for_a_skill_finds_them_too(account):
    able = known_worker(account, 90)
    batch = publish(account)
    Batch.objects.filter(pk=batch.pk).update(audience=FILTER)
    update(batch)
    assert is_offered(account, able, batch)


def test_a_value_that_changes_reaches_a_pool_that_asks_for_it(account):
    batch = publish(account, audience=FILTER)
    able = known_worker(account, 90)
    settle()
    assert is_offered(account, able, batch)


def test_a_value_is_sent_once_however_many_pools_ask_for_it(account):
    known_worker(account, 90)
    batch = publish(account, audience=FILTER)
    publish(account, audience=FILTER)
    update(batch)
    assert len(bench.requests(account, "PUT", "/user-skills")) == 1


@pytest.mark.parametrize("noticed_by", ["a pool", "a value"])
def test_a_skill_removed_there_is_made_anew_with_its_values_and_pools_ask_for_the_new_one(account, noticed_by):
    able, other = known_worker(account, 90), known_worker(account, 85)
    batch = publish(account, audience=FILTER)
    gone = remove_skill(account)
    assert not is_offered(account, able, batch)
    if noticed_by == "a pool":
        Batch.objects.filter(pk=batch.pk).update(price_micro=50_000)
        update(batch)
    else:
        known = Skill.objects.get(account=account, name="Quality")
        skills.set_measured(worker_id=other.pk, skill_id=known.pk, value=99, ok=9, n=10, reason="", now=database_now())
    settle()
    assert Skill.objects.get(account=account, name="Quality").remote_id not in ("", gone)
    assert [is_offered(account, who, batch) for who in (able, other)] == [True, True]
    assert not OutboxCommand.objects.exclude(state="done").exists()


# Bans


def test_a_ban_made_before_anything_was_published_keeps_people_out(account):
    budget = market.budget()
    banned, everywhere, free = (known_worker(account) for _ in range(3))
    trust.restrict(worker_id=banned.pk, scope="project", scope_id=budget, reason="guesses", until=None)
    trust.restrict(worker_id=everywhere.pk, scope="account", scope_id=account.pk, reason="guesses", until=None)
    settle()
    batch = publish(account, project_id=budget)
    settle()
    assert [is_offered(account, who, batch) for who in (banned, everywhere, free)] == [False, False, True]


def test_a_ban_from_a_project_holds_for_pools_that_become_another_project_there(account):
    first = publish(account)
    banned = known_worker(account)
    trust.restrict(worker_id=banned.pk, scope="project", scope_id=first.project_id, reason="guesses", until=None)
    settle()
    words = {**market.SPECS["choice"], "title": "Is the hand whole?"}
    second = publish(account, project_id=first.project_id, spec=words)
    at = bench.emulator(account).market.pools
    assert at.get(first.remote_id).project_id != at.get(second.remote_id).project_id
    assert [is_offered(account, banned, batch) for batch in (first, second)] == [False, False]


def test_a_ban_that_is_over_or_lifted_is_not_told(account):
    project = market.budget()
    lifted, over = known_worker(account), known_worker(account)
    row = trust.restrict(worker_id=lifted.pk, scope="project", scope_id=project, reason="", until=None)
    trust.lift(restriction_id=row.pk, now=database_now())
    past = database_now() - timedelta(days=1)
    trust.restrict(worker_id=over.pk, scope="project", scope_id=project, reason="", until=past)
    settle()
    publish(account, project_id=project)
    assert bench.requests(account, "PUT", "/user-restrictions") == []
