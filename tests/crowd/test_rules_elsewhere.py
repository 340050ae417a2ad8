"""Quality rules where other platforms give out the pages."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crowd.models import (
    OutboxCommand,
    Restriction,
)
from crowd.platforms import registry
from crowd.platforms.local import LocalMarket
from crowd.services import trust
from tests.crowd import farside, market
from tests.crowd.market import NOON
from tests.crowd.ruled import pool

DAY = timedelta(days=1)


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch):
    farside.set_up(monkeypatch)
    monkeypatch.setattr(registry, "PLATFORMS", {**registry.PLATFORMS})
    registry.elsewhere.cache_clear()
    yield market.account("farside")
    registry.elsewhere.cache_clear()


@pytest.mark.django_db
def test_another_platform_is_told_of_each_restriction_and_of_its_end(remote):
    batch = market.batch(at=remote)
    wanda = market.worker(remote)
    ban = {"worker_id": wanda.pk, "scope": "batch", "scope_id": batch.pk, "reason": "guesses"}
    row = trust.restrict(**ban, until=NOON + DAY)
    trust.restrict(**ban, until=NOON + DAY)
    trust.restrict(**ban, until=NOON + 2 * DAY)
    trust.lift(restriction_id=row.pk, now=NOON)
    told = list(OutboxCommand.objects.order_by("id").values_list("kind", "key", "payload", "batch_id", "lane"))
    payload, lane = {"restriction_id": row.pk}, f"worker:{wanda.pk}"
    assert told == [
        ("restrict", f"restrict-{row.pk}-20260505T120000", payload, batch.pk, lane),
        ("restrict", f"restrict-{row.pk}-20260506T120000", payload, batch.pk, lane),
        ("unrestrict", f"unrestrict-{row.pk}", payload, batch.pk, lane),
    ]


@pytest.mark.django_db
def test_another_platform_keeps_the_longest_ban_of_several_causes(remote):
    batch = market.batch(at=remote)
    wanda = market.worker(remote)
    ban = {"worker_id": wanda.pk, "scope": "batch", "scope_id": batch.pk, "reason": "guesses"}
    by_rule = trust.restrict(**ban, until=NOON + 2 * DAY, by_rule="dishonesty")
    by_person = trust.restrict(**ban, until=NOON + DAY)
    trust.lift(restriction_id=by_rule.pk, now=NOON)
    trust.lift(restriction_id=by_person.pk, now=NOON)
    assert list(OutboxCommand.objects.order_by("id").values_list("kind", "payload__restriction_id")) == [
        ("restrict", by_rule.pk),
        ("restrict", by_person.pk),
        ("unrestrict", by_person.pk),
    ]


@pytest.mark.django_db
def test_nobody_is_told_of_warnings_nor_of_our_own_people(remote):
    wanda, own = market.worker(remote), market.worker(market.account())
    trust.restrict(worker_id=wanda.pk, scope="project", scope_id=1, reason="", until=NOON, effect="warning")
    trust.restrict(worker_id=own.pk, scope="project", scope_id=1, reason="", until=None)
    assert not OutboxCommand.objects.exists()


@pytest.mark.django_db
def test_where_the_platform_gives_out_pages_a_limit_becomes_a_restriction(remote):
    watched = pool({"kind": "answer_count", "most": 1}, {"kind": "income", "most_micro": 1}, at=remote)
    market.sent(watched, market.worker(remote))
    rows = Restriction.objects.order_by("by_rule").values_list("by_rule", "scope", "until")
    assert list(rows) == [("answer_count", "batch", None), ("income", "batch", NOON + DAY)]
    assert OutboxCommand.objects.filter(kind="restrict").count() == 1


def test_the_test_platform_is_really_elsewhere():
    assert farside.FarSide.capabilities.pages == "remote"
    assert replace(LocalMarket.capabilities).pages == "local"


@pytest.mark.django_db
def test_a_timed_ban_of_a_rule_is_told_once_and_its_end_once_whatever_pages_come_after(remote, monkeypatch):
    knows_rules = replace(farside.FarSide.capabilities, platform_rules=frozenset({"answer_count"}))
    monkeypatch.setattr(farside.FarSide, "capabilities", knows_rules)
    watched = pool({"kind": "answer_count", "most": 1, "action": {"kind": "suspend", "days": 10}}, at=remote)
    page = market.sent(watched, market.worker(remote))
    for hour in range(1, 4):
        trust.apply_rules(page=page, now=NOON + timedelta(hours=hour))
    trust.end_timed(now=NOON + 11 * DAY)
    for _ in range(2):
        trust.stand_by_lifted(page=page, now=NOON + 12 * DAY)
    assert list(OutboxCommand.objects.order_by("id").values_list("kind", flat=True)) == ["restrict", "unrestrict"]
