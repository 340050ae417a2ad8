"""From the outbox to Prolific and back: a pool is published with its places, worked on, paid in both books."""

import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from crowd.clock import database_now
from crowd.emulators.guests import Answer, Guest
from crowd.emulators.prolific import Clock, submissions
from crowd.emulators.prolific.crowd import Crowd
from crowd.links import batch_key_of
from crowd.models import Account, Assignment, Batch, OutboxCommand, SkillValue
from crowd.services import dispatch, hosting, ledger, outbox, publishing, pulling, reconcile
from tests import scenes
from tests.crowd import market
from tests.crowd.market import NOON
from tests.portal import hosting as hosting_page

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch(account: Account) -> Batch:
    batch = market.batch(
        "choice", at=account, state=Batch.State.DRAFT, price_micro=90_000, page_size=2, auto_accept=True
    )
    market.tasks(batch, 6)
    batch.tasks.update(to_push=True)
    publishing.publish(batch=batch)
    outbox.enqueue(kind="open_batch", key=f"open-{batch.pk}", account=account, batch_id=batch.pk)
    settle()
    batch.refresh_from_db()
    return batch


def settle(moments: int = 8) -> None:
    """Carry out all that is due, and what becomes due by it."""
    for second in range(moments):
        dispatch.drain(now=database_now() + timedelta(seconds=5 * second))
    assert list(OutboxCommand.objects.exclude(state="done").values_list("kind", "state", "last_error")) == []


def works(batch: Batch, there) -> Assignment:
    """Let somebody come from Prolific, answer a page of ours, and go back with the code."""
    taken = there.takes(batch.remote_id)
    worker = hosting.arrive(account=batch.account, worker_ext_id=taken.participant)
    page = hosting.next_page(batch=batch, worker=worker, ext_id=taken.id, now=NOON)
    market.submit(page)
    there.ends(taken.id)
    return page


def test_a_pool_is_published_with_as_many_places_as_it_has_pages(batch, there):
    study = there.market.studies[batch.remote_id]
    assert (study.status, study.places, batch.state) == ("ACTIVE", 3, "open")
    address = study.form["external_study_url"]
    assert batch_key_of(address.partition("?")[0].rstrip("/").rsplit("/", 1)[1]) == batch.key


def test_what_was_handed_in_is_paid_once_in_both_books(batch, there):
    pages = [works(batch, there) for _ in range(3)]
    for _ in range(2):
        pulling.pull_batch(batch_id=batch.pk, now=NOON)
        settle()
    assert {Assignment.objects.get(pk=page.pk).state for page in pages} == {"accepted"}
    assert there.books()["rewards"] == 27
    totals = ledger.totals(project_id=batch.project_id)
    assert (totals.reserved_micro, totals.paid_micro) == (0, 3 * (90_000 + 36_000))
    assert reconcile.reconcile(account=batch.account, now=NOON) == []


def comes(batch: Batch, there, participant: str = "", judgement: str = "correct") -> str:
    """Let a person come to our own pages over HTTP, do what they ask for first, and finish what is paid."""
    taken = there.takes(batch.remote_id, participant)

    def answer(_page: Mapping[str, Any], _task: Mapping[str, Any], _chance: random.Random) -> Mapping[str, Any]:
        return {"answer": judgement}

    told = Guest().work(submissions.address(there.market, taken), answer, random.Random(7))
    submissions.end(there.market, taken.id, "complete" if told["state"] == "done" else "return")
    return taken.participant


def in_three_steps(account: Account) -> list[Batch]:
    """A training, an exam and the paid work that asks for them, the work published first."""
    trained, examined = hosting_page.skill(account, "Training"), hosting_page.skill(account, "Exam")
    world, key = scenes.project(), scenes.stored(scenes.jpeg(size=(480, 270)))
    plans: list[dict[str, Any]] = [
        {"kind": "main", "n": 4, "image": key, "needs_skill": examined, "needs_value": 70, "price_micro": 90_000},
        {"kind": "exam", "needs_skill": trained, "grants_skill": examined, "price_micro": 0},
        {"kind": "training", "grants_skill": trained, "price_micro": 0},
    ]
    usual = {"state": Batch.State.DRAFT, "overlap": 1, "page_size": 2, "auto_accept": True}
    made = [hosting_page.batch(world, "choice", account, **usual, **plan) for plan in plans]
    for gate in made[1:]:
        scenes.task(gate, "known", image=key, known="correct", hint="Look again.")
    for batch in made:
        batch.tasks.update(to_push=True)
        publishing.publish(batch=batch)
        outbox.enqueue(kind="open_batch", key=f"open-{batch.pk}", account=account, batch_id=batch.pk)
    settle()
    return [Batch.objects.get(pk=batch.pk) for batch in made]


class Attentive:
    """People who are always right."""

    def of(self, _worker_id: str) -> Answer:
        return lambda _page, _task, _chance: {"answer": "correct"}


@pytest.mark.django_db(transaction=True)
def test_the_stand_ins_own_people_come_by_until_nothing_is_left(
    transactional_db, live_server, settings, account, there
):
    settings.BASE_URL = live_server.url
    there.market.clock = Clock(database_now())
    work, *_ = in_three_steps(account)
    crowd = Crowd(there.market, Attentive(), population=3)
    for _ in range(6):
        crowd.visit()
    pulling.pull_batch(batch_id=work.pk, now=database_now())
    settle()
    assert Assignment.objects.filter(batch=work, state="accepted").count() == 2
    assert not crowd.visit()


@pytest.mark.django_db(transaction=True)
def test_training_and_exam_are_on_our_own_page_and_only_the_work_is_a_paid_study(
    transactional_db, live_server, settings, account, there
):
    settings.BASE_URL = live_server.url
    there.market.clock = Clock(database_now())
    work, exam, training = in_three_steps(account)
    assert [one.state for one in (work, exam, training)] == ["open"] * 3
    mine = [one for one in there.market.studies.values() if one.workspace == there.workspace.id]
    assert [one.id for one in mine] == [work.remote_id]
    able = comes(work, there)
    weak = comes(work, there, judgement="incorrect")
    comes(work, there, able)
    for batch in (training, exam, work):
        pulling.pull_batch(batch_id=batch.pk, now=database_now())
    settle()
    reached = SkillValue.objects.filter(skill=work.needs_skill).values_list("worker__ext_id", "value")
    assert dict(reached) == {able: 100, weak: 0}
    assert Assignment.objects.filter(batch=work, state="accepted").count() == 2
    assert there.books()["rewards"] == 18
    assert reconcile.reconcile(account=account, now=database_now()) == []
