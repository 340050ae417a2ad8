"""Bans that Toloka holds by itself are taken over with scope, reason and end, and lifting one here lifts it there."""

from datetime import timedelta

import pytest

from crowd.clock import database_now
from crowd.emulators.toloka import restrictions
from crowd.models import Batch, Restriction, Worker
from crowd.services import bans_there, pulling, trust
from tests.crowd import bench_toloka as bench
from tests.platforms.toloka.test_lifted import is_offered, published, sent, settle

LATER = bans_there.EVERY + timedelta(seconds=1)


@pytest.fixture
def batch(account) -> Batch:
    return published(account)


@pytest.fixture
def who(account, batch) -> str:
    """Somebody who has worked for us."""
    found = bench.worker(account)
    sent(account, batch, found)
    return found


def keep_out(account, who: str, scope: str = "POOL", **more: str) -> str:
    """Let Toloka, or a person there, keep somebody out."""
    market = bench.emulator(account).market
    form = {"scope": scope, "user_id": who, **more}
    return restrictions.put(market, market.workers.get(who), form).id


def look(batch: Batch, minutes: int = 11) -> None:
    batch.refresh_from_db()
    pulling.pull_batch(batch_id=batch.pk, now=database_now() + timedelta(minutes=minutes))


def in_force() -> list[Restriction]:
    return list(Restriction.objects.in_force(database_now()))


def pool_of(batch: Batch) -> dict[str, str]:
    return {"pool_id": batch.remote_id}


def test_a_ban_made_there_is_listed_with_scope_reason_and_end(account, batch, who):
    until = (database_now() + timedelta(days=10)).replace(microsecond=0)
    end = until.replace(tzinfo=None).isoformat()
    keep_out(account, who, **pool_of(batch), private_comment="skips too much", will_expire=end)
    look(batch)
    (ban,) = in_force()
    assert (ban.worker.ext_id, ban.scope, ban.scope_id) == (who, "batch", batch.pk)
    assert (ban.reason, ban.until) == (f"{account.label}: skips too much", until)


@pytest.mark.parametrize(
    ("scope", "ours"), [("PROJECT", "project"), ("ALL_PROJECTS", "account"), ("SYSTEM", "account")]
)
def test_wider_bans_are_listed_too(account, batch, who, scope, ours):
    project = bench.emulator(account).market.pool(batch.remote_id).project_id
    keep_out(account, who, scope, **({"project_id": project} if scope == "PROJECT" else {}))
    look(batch)
    (ban,) = in_force()
    assert (ban.scope, ban.may_be_lifted) == (ours, scope != "SYSTEM")


def test_lifting_it_here_lifts_it_there_and_it_does_not_come_back(account, batch, who):
    keep_out(account, who, **pool_of(batch))
    look(batch)
    assert not is_offered(account, batch, who)
    trust.lift(restriction_id=in_force()[0].pk, now=database_now())
    look(batch, minutes=30)  # before it was told there
    assert in_force() == []
    settle()
    assert is_offered(account, batch, who)
    look(batch, minutes=60)
    assert in_force() == []


def test_a_ban_that_has_ended_there_ends_here(account, batch, who):
    there = keep_out(account, who, **pool_of(batch))
    look(batch)
    restrictions.lift(bench.emulator(account).market, there)
    look(batch, minutes=30)
    assert in_force() == []
    keep_out(account, who, **pool_of(batch))
    look(batch, minutes=60)
    assert len(in_force()) == 1


def test_the_pool_lists_who_is_kept_out(account, batch, who):
    keep_out(account, who, **pool_of(batch), private_comment="skips too much")
    look(batch)
    assert [row.reason for row in bans_there.keeping_out(batch=batch, now=database_now())] == [
        f"{account.label}: skips too much"
    ]
    trust.lift(restriction_id=in_force()[0].pk, now=database_now())
    assert not bans_there.keeping_out(batch=batch, now=database_now()).exists()


def test_our_own_ban_is_not_taken_for_one_of_theirs(account, batch, who):
    worker = Worker.objects.get(ext_id=who)
    trust.restrict(worker_id=worker.pk, scope="batch", scope_id=batch.pk, reason="cuts hands off", until=None)
    settle()
    look(batch)
    (ban,) = in_force()
    assert ban.reason == "cuts hands off"


def test_bans_of_ours_for_two_causes_are_not_taken_for_theirs(account, batch, who):
    where = {"worker_id": Worker.objects.get(ext_id=who).pk, "scope": "batch", "scope_id": batch.pk}
    trust.restrict(**where, reason="cuts hands off", until=None)
    trust.restrict(**where, reason="too fast", until=None, by_rule="speed")
    settle()
    look(batch)
    assert {ban.reason for ban in in_force()} == {"cuts hands off", "too fast"}


def test_who_never_worked_for_us_is_not_kept(account, batch):
    keep_out(account, bench.worker(account), **pool_of(batch))
    look(batch)
    assert not Restriction.objects.exists()


def test_the_platform_is_asked_every_ten_minutes_only(account, batch, who):
    look(batch, minutes=1)
    keep_out(account, who, **pool_of(batch))
    look(batch, minutes=9)
    assert in_force() == []
    look(batch, minutes=12)
    assert len(in_force()) == 1
