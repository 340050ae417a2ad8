"""What keeps a worker away is seen on his page, and a lead lifts it there."""

import pytest
from django.urls import reverse

from crowd.models import Account, Assignment, Batch, Restriction
from crowd.services import trust
from curation.models import Event
from tests.factories import make_answer, make_pool, make_project, make_worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker(project):
    pool, row = make_pool(project), make_worker()
    make_answer(pool, row)
    return row


def suspend(worker, scope="batch", effect="no_work", scope_id=None):
    batch = Batch.objects.get()
    ids = {"batch": batch.pk, "project": batch.project_id, "account": batch.account_id}
    return trust.restrict(
        worker_id=worker.pk,
        scope=scope,
        scope_id=scope_id or ids[scope],
        reason="Too fast",
        until=None,
        by_rule="speed",
        effect=effect,
    )


def lift(client, project, row):
    return client.post(reverse("restriction-lift", args=[project.public_id, row.pk]), follow=True)


def test_a_lead_sees_why_and_lifts_it(project, worker, people):
    row = suspend(worker)
    address = reverse("worker", args=[project.public_id, worker.pk])
    page = people["alice"].get(address).content.decode()
    assert "Too fast" in page
    assert "until a person lifts it" in page
    assert "Lift</button>" in page
    assert "Lift</button>" not in people["vera"].get(address).content.decode()
    assert "may go on" in lift(people["alice"], project, row).content.decode()
    row.refresh_from_db()
    assert row.lifted_at is not None
    assert "Alice lifted “Too fast” from worker" in Event.objects.get(kind="worker.lifted").text
    assert "Lift</button>" not in people["alice"].get(address).content.decode()


def test_what_the_platform_itself_has_decided_is_seen_and_only_it_can_lift_it(project, worker, people):
    Restriction.objects.filter(pk=suspend(worker).pk).update(by_rule=Restriction.BY_THE_PLATFORM)
    page = people["alice"].get(reverse("worker", args=[project.public_id, worker.pk])).content.decode()
    assert "Too fast" in page
    assert "Lift</button>" not in page


def test_pages_that_waited_are_accepted_with_it(project, worker, people):
    Batch.objects.update(auto_accept=True)
    row = suspend(worker, effect="unpaid")
    waiting = make_answer(project.pools.get(), worker, Assignment.State.SUBMITTED).assignment
    lift(people["alice"], project, row)
    waiting.refresh_from_db()
    assert waiting.state == Assignment.State.ACCEPTED


def test_pages_go_on_waiting_while_another_cause_stops_their_pay(project, worker, people):
    Batch.objects.update(auto_accept=True)
    row = suspend(worker, effect="unpaid")
    more = {"worker_id": worker.pk, "scope": "batch", "scope_id": row.scope_id, "effect": "unpaid"}
    trust.restrict(**more, reason="Wrong too often", until=None, by_rule="control")
    waiting = make_answer(project.pools.get(), worker, Assignment.State.SUBMITTED).assignment
    lift(people["alice"], project, row)
    waiting.refresh_from_db()
    assert waiting.state == Assignment.State.SUBMITTED


def test_what_holds_in_the_whole_account_is_lifted_by_its_maker(project, worker, people, alice):
    row = suspend(worker, "account")
    assert "Its maker or an operator can lift it" in lift(people["alice"], project, row).content.decode()
    row.refresh_from_db()
    assert row.lifted_at is None
    Account.objects.update(created_by_id=alice.pk)
    lift(people["alice"], project, row)
    row.refresh_from_db()
    assert row.lifted_at is not None


def test_nobody_lifts_what_is_not_his(project, worker, people, charlie):
    row = suspend(worker)
    theirs = make_project("Charlie's", lead=charlie)
    for name in ("rita", "vera", "charlie"):
        assert lift(people[name], project, row).status_code == 404
    assert lift(people["charlie"], theirs, row).status_code == 404
    assert not Restriction.objects.filter(lifted_at__isnull=False).exists()


def test_whom_another_cause_keeps_out_is_not_said_to_go_on(project, worker, people):
    row = suspend(worker)
    more = {"worker_id": worker.pk, "scope": "project", "scope_id": project.pk, "until": None}
    trust.restrict(**more, reason="Level 5: sent the example", by_rule="dishonesty")
    said = lift(people["alice"], project, row).content.decode()
    assert "may go on" not in said
    assert "still stays out because of “Level 5: sent the example”" in said
