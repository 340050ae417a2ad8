"""A person reports a picture, confirms what a check found, or says that it was a false alarm."""

from datetime import timedelta

import pytest

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.honesty import Policy
from crowd.models import Assignment, Evidence, Restriction
from crowd.services import trust
from curation.dashboard.board import board
from curation.services import assets, bans, honesty, suspicions
from curation.services.workers import workers_of
from tests.crowd.market import NOON
from tests.engine import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return world.campaign(wanted=20)


@pytest.mark.parametrize("back", ["cleared", "restored"])
def test_a_reported_picture_is_offered_to_nobody_until_it_is_back_where_it_was(project, back):
    alice = world.person("Alice")
    asset = world.checked(project, world.photo("one"))
    world.validate(project, "correct")
    wanted = world.on_offer(project, "validate")
    assert wanted
    evidence = honesty.flag(asset_id=asset.pk, by=alice, note="six fingers", now=NOON)
    assert world.on_offer(project, "validate") == 0
    if back == "cleared":
        suspicions.clear(evidence_id=evidence.pk, by=alice, now=NOON)
    else:
        assets.restore(asset_id=asset.pk, by=alice, now=NOON)
    assert world.stands(asset) == ("validate", "waiting", "")
    assert world.page_of(asset).state == Assignment.State.REJECTED
    world.work(project, "validate")
    assert world.on_offer(project, "validate") == wanted
    world.validate(project, "correct", "correct", "correct")
    assert world.stands(asset)[0] == "boxes"
    assert world.page_of(asset).state == Assignment.State.ACCEPTED


def test_a_picture_reported_again_after_a_false_alarm_is_evidence_again_and_the_old_bans_nobody(project):
    alice = world.person("Alice")
    asset = world.checked(project, world.photo("one"))
    first = honesty.flag(asset_id=asset.pk, by=alice, note="six fingers", now=NOON)
    suspicions.clear(evidence_id=first.pk, by=alice, now=NOON)
    with pytest.raises(CrowdError, match="no cheating"):
        bans.reject_and_ban(evidence=first, project=project, by=alice, days=10, now=NOON)
    assert not Restriction.objects.exists()
    again = honesty.flag(asset_id=asset.pk, by=alice, note="seven, in fact", now=NOON)
    assert again.pk != first.pk
    assert list(Evidence.counting()) == [again]
    assert bans.reject_and_ban(evidence=again, project=project, by=alice, days=10, now=NOON)


def test_what_is_held_counts_against_its_worker_only_when_a_person_has_confirmed_it(project):
    asset = world.checked(project, world.edited_example("mirrored"))
    evidence = Evidence.objects.get()
    assert world.stands(asset)[1] == "held"
    assert not Evidence.counting().exists()
    suspicions.confirm(evidence_id=evidence.pk, by=None, now=NOON)
    assert Evidence.counting().get() == evidence


@pytest.mark.parametrize(("days", "is_banned"), [(-1, False), (1, True), (None, True)])
@pytest.mark.parametrize("scope", ["batch", "project", "account"])
def test_the_board_and_the_list_call_banned_whom_a_ban_in_force_keeps_out(project, scope, days, is_banned):
    wanda = world.worker(project)
    asset = world.checked(project, world.photo("one"), wanda)
    honesty.flag(asset_id=asset.pk, by=world.person("Alice"), note="six fingers", now=NOON)
    ids = {"batch": world.batch(project, "collect").pk, "project": project.pk, "account": wanda.account_id}
    until = None if days is None else database_now() + timedelta(days=days)
    trust.restrict(worker_id=wanda.pk, scope=scope, scope_id=ids[scope], reason="", until=until)
    (card,) = [card for column in board(project, policy=Policy(), now=database_now()).columns for card in column.cards]
    assert card.banned == is_banned
    assert workers_of(project).get(pk=wanda.pk).banned == is_banned
