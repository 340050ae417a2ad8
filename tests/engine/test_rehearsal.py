"""A rehearsal is reproducible: the same seed gives the same document, interrupted or not."""

import gc
from collections import Counter
from typing import Any

import pytest
from django.db import transaction

from crowd.models import Assignment, Worker
from crowd.rehearsal import visits
from crowd.services.rounds import NotTogether, Round
from curation.engine import campaigns, flow, rehearsal, rehearsal_driver
from curation.engine.wish import Wish
from curation.models import Asset, Project
from curation.services import people
from tests.crowd.market import NOON
from tests.engine import world

pytestmark = pytest.mark.django_db
SHORT = {
    "collect": {"per_worker": 0},
    "validate": {"training_tasks": 2, "exam_tasks": 2, "control_per_page": 0, "exam_gate": 0, "training_gate": 0},
    "boxes": {"needs_value": 0},
}
WISH = Wish(recipe="gestures", seed=3, size=6, settings=SHORT)


class Killed(Exception):
    """The process is gone."""


def rehearsed() -> dict[str, Any]:
    document = rehearsal.rehearse(wish=WISH)
    document["time"] = {name: value for name, value in document["time"].items() if name != "wall_seconds"}
    return document


@pytest.fixture(scope="module")
def undisturbed(django_db_setup, django_db_blocker) -> dict[str, Any]:
    """The document of a run that nothing disturbed; its rows are gone afterwards."""
    with django_db_blocker.unblock(), transaction.atomic():
        document = rehearsed()
        transaction.set_rollback(True)
    return document


@pytest.fixture
def killed_at(monkeypatch):
    """Let a function of a module die at its n-th call."""

    def arrange(module: object, name: str, n: int) -> None:
        whole, calls = getattr(module, name), Counter[str]()

        def dies(*given: Any, **named: Any) -> Any:
            calls[name] += 1
            if calls[name] == n:
                raise Killed
            return whole(*given, **named)

        monkeypatch.setattr(module, name, dies)

    return arrange


def test_the_same_seed_gives_the_same_document_and_everything_comes_to_an_end(undisturbed):
    assert rehearsed() == undisturbed
    project = Project.objects.get()
    assert project.archived_at is not None
    moving = [Asset.State.WAITING, Asset.State.WORKING, Asset.State.HELD]
    assert not Asset.objects.filter(project=project, state__in=moving).exists()
    assert not Assignment.objects.filter(processed_at=None, submitted_at__isnull=False).exists()


def test_visitors_one_by_one_take_the_same_course_as_together(undisturbed, monkeypatch):
    def too_dear(_round: Round) -> None:
        raise NotTogether

    monkeypatch.setattr(Round, "write", too_dear)
    assert rehearsed() == undisturbed


def test_who_comes_for_the_first_time_is_first_seen_then():
    account = world.batch(world.campaign(), "collect").account
    visits.ensure_crowd(
        account=account, seed="seven", population=50, start=NOON, visits_per_second=1.0, follows_wall_clock=False
    )
    moments = [one.at for one in visits.visit_some(account_id=account.pk, visitors=6)]
    seen = Worker.objects.filter(account=account).order_by("first_seen").values_list("first_seen", "consented_at")
    assert 1 < len(seen) == len(set(seen))
    assert set(seen) <= {(at, at) for at in moments}


def test_what_is_charged_is_the_accepted_work(undisturbed):
    money = undisturbed["ledger"]
    assert money["charged_usd"] == money["accepted_work_usd"] == undisturbed["cost"]["total_usd"]
    assert float(money["charged_usd"]) > 0


def test_the_funnel_adds_up(undisturbed):
    for row in undisturbed["funnel"]:
        assert row["in"] == row["passed"] + row["dropped"]
        assert row["dropped"] == sum(row["reasons"].values())
    assert undisturbed["funnel"][-1]["passed"] == undisturbed["quality"]["delivered"]


def test_killed_twice_and_continued_it_gives_the_same_document(undisturbed, killed_at):
    """Once in the middle of the visits of a turn, once in the middle of its machine work."""
    killed_at(visits.acting, "visit", 23)
    killed_at(flow, "work_stage", 60)
    for _ in range(2):
        with pytest.raises(Killed):
            rehearsed()
        assert Project.objects.get().archived_at is None
    assert rehearsed() == undisturbed
    assert Project.objects.count() == 1


def test_who_signs_in_for_the_first_time_after_a_rehearsal_leads_its_project(killed_at):
    killed_at(campaigns, "open_all", 1)
    with pytest.raises(Killed):
        rehearsal.rehearse(wish=WISH)
    (membership,) = Project.objects.get().memberships.all()
    assert (membership.user, membership.role) == (people.operator(), "lead")


@pytest.mark.parametrize(
    ("photos", "visits_a_turn"), [(10, 6), (1_000, 20), (2_000, 40), (5_000, 250), (10_000, 1_000), (100_000, 10_000)]
)
def test_the_larger_a_campaign_the_more_people_come_before_machines_work(photos, visits_a_turn):
    assert Wish("gestures", 1, photos, {}).visits == visits_a_turn
    assert Wish("gestures", 1, photos, {}, visits_a_turn=7).visits == 7


def test_garbage_is_collected_as_before_once_a_rehearsal_is_over():
    before = gc.get_threshold()
    with rehearsal_driver.seldom_collected():
        meanwhile = gc.get_threshold()
    assert meanwhile[0] > before[0]
    assert gc.get_threshold() == before
