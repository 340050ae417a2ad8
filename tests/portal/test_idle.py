"""An empty queue explains itself; results and bars say what follows; what is in check says until when."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crowd.models import Assignment, Batch, Restriction, Skill, SkillValue
from crowd.services import claims, handing_in, invitations, trust
from tests import scenes
from tests.portal.test_own_people import home, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def exam(world) -> Batch:
    skill = Skill.objects.create(account=invitations.inhouse_account(), name="Checking: exam")
    batch = scenes.batch(world, "choice", kind=Batch.Kind.EXAM, price_micro=0, page_size=2, grants_skill=skill)
    for key, known in (("a", "correct"), ("b", "incorrect")):
        scenes.task(batch, key, known=known, hint="That is a fist.")
    return batch


def hand_in(batch: Batch, worker, *answers: str) -> Assignment:
    now = timezone.now()
    page = claims.claim_page(batch_id=batch.pk, worker_id=worker.pk, now=now)
    rows = page.answers.order_by("seq")
    given = {row.pk: {"answer": one} for row, one in zip(rows, answers, strict=True)}
    handing_in.submit_page(assignment_id=page.pk, worker_id=worker.pk, answers=given, duration_ms=9, now=now)
    page.refresh_from_db()
    return page


# --- nothing to begin -------------------------------------------------------------------------------------------------
def test_it_says_what_others_hold_and_what_an_exam_guards(wandas, world):
    exam = Skill.objects.create(account=invitations.inhouse_account(), name="Checking: exam")
    work(world, n=4, needs_skill=exam, needs_value=70)
    held = work(world, n=2, page_size=2, overlap=1)
    page = claims.claim_page(batch_id=held.pk, worker_id=scenes.worker("Willa").pk, now=timezone.now())
    shown = home(wandas)
    assert f"2 tasks are held by others until {page.lease_until:%H:%M} UTC at the latest." in shown
    assert "4 tasks need “Checking: exam”." in shown


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (Batch.State.PAUSED, "1 pool is paused; it may go on at any time."),
        (Batch.State.CLOSED, "All work here is finished for now."),
        (Batch.State.DRAFT, "No pool is open for you at this moment."),
    ],
)
def test_it_says_that_work_rests_or_is_finished(wandas, world, state, sentence):
    Batch.objects.filter(pk=work(world).pk).update(state=state)
    assert sentence in home(wandas)


def test_nothing_is_explained_while_there_is_something_to_do(wandas, world):
    work(world)
    Batch.objects.filter(pk=work(world).pk).update(state=Batch.State.PAUSED)
    assert "Nothing to do right now" not in home(wandas)


def test_somebody_who_is_barred_reads_until_when_and_what_to_do(wandas, wanda, world):
    until = timezone.now() + timedelta(days=2)
    here = {"worker_id": wanda.pk, "scope": Restriction.Scope.PROJECT, "scope_id": world.pk}
    trust.restrict(**here, reason="internal words", until=until, by_rule="speed")
    shown = home(wandas)
    assert "You get no work in this project at present." in shown
    assert "Pages came back faster than anybody can look at them." in shown
    assert "tell the person who invited you" in shown
    assert "internal words" not in shown


# --- results ----------------------------------------------------------------------------------------------------------
def result(client: Client, page: Assignment) -> str:
    return client.get(reverse("w-result", args=[page.pk])).content.decode()


def test_an_exam_says_the_score_and_leads_on(wandas, wanda, world, exam):
    behind = work(world, needs_skill=exam.grants_skill, needs_value=50)
    shown = result(wandas, hand_in(exam, wanda, "correct", "correct"))
    assert "50 of 100" in shown
    assert "1 of 2 right" in shown
    assert "50 were needed: you have passed." in shown
    assert reverse("w-take", args=[behind.pk]) in shown
    assert "That is a fist." not in shown


def test_an_exam_that_was_not_enough_says_what_was_needed(wandas, wanda, world, exam):
    behind = work(world, needs_skill=exam.grants_skill, needs_value=70)
    shown = result(wandas, hand_in(exam, wanda, "correct", "correct"))
    assert "70 were needed for the work behind it." in shown
    assert "It is taken once." in shown
    assert reverse("w-take", args=[behind.pk]) not in shown


def test_handing_an_exam_in_leads_to_its_result_and_no_other_page_has_one(wandas, willas, wanda, world, exam):
    page = claims.claim_page(batch_id=exam.pk, worker_id=wanda.pk, now=timezone.now())
    url = reverse("w-result", args=[page.pk])
    assert wandas.get(url).status_code == 404
    for row in page.answers.all():
        wandas.post(reverse("w-answer", args=[page.pk, row.pk]), {"answer": "correct"})
    assert wandas.post(reverse("w-submit", args=[page.pk])).url == url
    assert SkillValue.objects.get().value == 50
    assert (wandas.get(url).status_code, willas.get(url).status_code) == (200, 404)
    paid = hand_in(work(world, n=1), wanda, "correct")
    assert wandas.get(reverse("w-result", args=[paid.pk])).status_code == 404


# --- until when -------------------------------------------------------------------------------------------------------
def test_pay_in_check_says_by_when_it_is_looked_at(wandas, wanda, world):
    page = hand_in(work(world, n=1, auto_accept=False, review_days=3), wanda, "correct")
    due = page.submitted_at + timedelta(days=3)
    shown = wandas.get(reverse("w-earnings")).content.decode()
    assert f"to be looked at by {due:%B} {due.day}, {due.year}" in shown or f"{due.day} {due:%B} {due.year}" in shown
