"""Who has failed an exam tries again as often, and after as many days, as the pool allows, with other questions."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crowd.errors import CrowdError, NoWork
from crowd.models import Answer, Batch, SkillValue, Worker
from crowd.services import control, offers, qualifying, retrying
from crowd.services.retrying import Retries
from tests.crowd import market
from tests.crowd.market import NOON

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)


def exam(*, questions: int = 4, times: int = 1) -> Batch:
    """An exam of two questions, with paid work behind it that asks for 70."""
    at, project_id = market.account(), market.budget()
    skill = market.skill(at)
    spec = {**market.SPECS["choice"], **Retries(times, 7).spec()}
    found = market.batch(
        at=at, project_id=project_id, kind=Batch.Kind.EXAM, page_size=2, price_micro=0, grants_skill=skill, spec=spec
    )
    market.tasks(found, questions, known="correct")
    market.tasks(market.batch(at=at, project_id=project_id, needs_skill=skill, needs_value=70), 5)
    return found


def fail(of: Batch, who: Worker, now=NOON) -> None:
    market.sent(of, who, now, answer="incorrect")


def offered(of: Batch, who: Worker, now) -> str | None:
    """What keeps somebody from the exam; None = it is not shown at all."""
    offer = offers.offer_of(batch=of, worker=who, now=now)
    return offer.needs if offer else None


def test_after_the_days_it_is_offered_again_with_questions_that_are_new():
    of = exam()
    wanda = market.worker(of.account)
    fail(of, wanda)
    assert offered(of, wanda, NOON) == "You may try again on May 11, 2026, from 12:00 UTC."
    with pytest.raises(NoWork, match="You may try again on May 11"):
        market.claim(of, wanda, NOON + timedelta(days=6))
    assert offered(of, wanda, NOON + WEEK) == ""
    market.sent(of, wanda, NOON + WEEK)
    assert SkillValue.objects.get(worker=wanda).value == 100
    assert Answer.objects.filter(worker=wanda).values("task").distinct().count() == 4
    assert offered(of, wanda, NOON + 2 * WEEK) is None


def test_who_has_used_up_the_tries_is_not_asked_again():
    of = exam(questions=8)
    wanda = market.worker(of.account)
    fail(of, wanda)
    fail(of, wanda, NOON + WEEK)
    assert offered(of, wanda, NOON + 9 * WEEK) is None
    with pytest.raises(NoWork, match="done this already"):
        market.claim(of, wanda, NOON + 9 * WEEK)


@pytest.mark.parametrize(("questions", "times"), [(4, 0), (3, 1)])
def test_an_exam_is_sat_once_where_nothing_is_said_or_its_questions_are_known(questions, times):
    of = exam(questions=questions, times=times)
    wanda = market.worker(of.account)
    fail(of, wanda)
    assert offered(of, wanda, NOON + WEEK) is None


def test_who_has_passed_or_lost_the_skill_by_hand_does_not_sit_it_again():
    of = exam()
    wanda, willa = market.workers(of.account, 2)
    market.sent(of, wanda)
    fail(of, willa)
    qualifying.take_away(worker_id=willa.pk, skill=of.grants_skill, reason="Shared the questions.", now=NOON)
    assert [retrying.next_try(batch=of, worker=who) for who in (wanda, willa)] == [None, None]


@pytest.mark.parametrize("wrong", [Retries(11, 7), Retries(1, 0), Retries(1, 366)])
def test_tries_and_days_have_limits(wrong):
    with pytest.raises(CrowdError, match="a number from"):
        wrong.checked()


def test_a_control_task_never_reaches_those_whose_answers_made_it():
    watched = market.batch(page_size=2, control_per_page=1)
    wanda, willa, will = market.workers(watched.account, 3)
    (made,) = market.tasks(watched, 1, known="correct", author=will)
    made.known_answer = {**made.known_answer, control.NOT_FOR: [wanda.pk]}
    made.save(update_fields=["known_answer"])
    met = [control.for_page(batch=watched, worker=who) for who in (wanda, willa, will)]
    assert met == [[], [made], []]


def test_an_exam_that_may_be_sat_again_is_looked_up_once_for_the_list():
    of = exam()
    wanda = market.worker(of.account)
    fail(of, wanda)
    with CaptureQueriesContext(connection) as asked:
        assert offered(of, wanda, NOON) is not None
    tried = [one for one in asked if "crowd_assignment" in one["sql"] and "submitted_at" in one["sql"]]
    assert len(tried) == 1
