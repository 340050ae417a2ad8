"""The same rehearsal in our own market and through the Toloka adapter, over HTTP against the emulator."""

import pytest

from crowd.models import Account, Assignment, OutboxCommand
from crowd.services.reconcile import reconcile
from curation.engine import asking, campaigns
from curation.engine.rehearsal import rehearse
from curation.engine.rehearsal_setup import START
from curation.engine.wish import Wish
from curation.models import Project

pytestmark = pytest.mark.django_db(transaction=True)
SETTINGS = {
    "validate": {"whole_pages": True, "training_tasks": 3, "exam_tasks": 3, "page_size": 4},
    "boxes": {"whole_pages": True},
}


@pytest.fixture(autouse=True)
def few_control_tasks(monkeypatch):
    """Drawing sixty known pictures takes longer than the rehearsal itself."""
    monkeypatch.setattr(campaigns, "CONTROL_STOCK", 6)


def rehearsed(platform: str) -> dict:
    document = rehearse(wish=Wish("gestures", 7, 2, SETTINGS, platform=platform, visits_a_turn=1))
    document["time"].pop("wall_seconds")
    return document


def test_a_rehearsal_through_toloka_gives_the_same_funnel_and_the_same_ledger_as_our_own_market():
    own = rehearsed("rehearsal")
    assert own["ledger"]["charged_usd"] != "0.00"
    assert rehearsed("toloka") == own
    elsewhere = Account.objects.get(platform="toloka")
    sent = OutboxCommand.objects.filter(account=elsewhere)
    assert set(sent.values_list("state", flat=True)) <= {"done", "cancelled"}
    judged = Assignment.objects.filter(account=elsewhere, state="accepted").exclude(batch__kind="training")
    assert sent.filter(kind="accept").count() == judged.count()


def test_a_rehearsal_is_not_moved_by_the_workers_of_the_product():
    from curation.engine import market

    asked = asking.campaign(recipe="gestures", platform="rehearsal", name="Other", classes=["call"], wanted=1)
    project = campaigns.ensure_project(asked=asked, by=None, now=START, clock=START).project
    campaigns.open_all(project=project, by=None, now=START)
    before = OutboxCommand.objects.filter(state="planned").count()
    market.send_due(now=START.replace(year=2030))
    assert OutboxCommand.objects.filter(state="planned").count() == before > 0
    assert Project.objects.get(pk=project.pk).is_rehearsal
    assert reconcile(now=START) == []
