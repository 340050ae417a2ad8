"""Bonuses in the browser: for one worker, or a list of a pool's workers."""

import pytest
from django.test import Client
from django.urls import reverse

from crowd.models import Bonus, OutboxCommand
from crowd.services import bonuses, ledger
from curation.models import Pool, Project
from tests.factories import make_pool, make_project, make_worker
from tests.money.world import CENT, paid

pytestmark = pytest.mark.django_db


@pytest.fixture
def pool(project: Project) -> Pool:
    return make_pool(project, "PALM")


@pytest.fixture
def wanda(pool: Pool):
    worker = make_worker("Wanda")
    paid(pool, worker)
    return worker


def address(project: Project, name: str, pk: int) -> str:
    return reverse(name, args=[project.public_id, pk])


def give(client: Client, project: Project, worker, **changed: str):
    asked = {"amount": "0.50", "key": "sharpest of May", "message": "Thank you!", **changed}
    return client.post(address(project, "worker-bonuses", worker.pk), asked)


def give_list(client: Client, pool: Pool, text: str, **changed: str):
    asked = {"list": text, "key": "sharpest of May", "message": "Thank you!", **changed}
    return client.post(address(pool.project, "pool-bonuses", pool.pk), asked)


def held(project: Project) -> int:
    return ledger.totals(project_id=project.pk).reserved_micro // CENT


def test_a_lead_gives_a_worker_a_bonus_once(project: Project, people: dict[str, Client], wanda):
    for _ in range(2):
        assert give(people["alice"], project, wanda).status_code == 302
    bonus = Bonus.objects.get()
    assert (bonus.amount_micro, bonus.key, bonus.message) == (50 * CENT, "sharpest of May", "Thank you!")
    assert held(project) == 50
    assert OutboxCommand.objects.filter(kind="pay_bonus").count() == 1
    assert "nothing is paid twice" in people["alice"].get(address(project, "worker", wanda.pk)).content.decode()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"amount": "some"}, "is not an amount of money"),
        ({"amount": "0"}, "must be above zero"),
        ({"amount": "900"}, "$900.00 is needed but only"),
        ({"key": " "}, "needs a reason"),
    ],
)
def test_what_a_bonus_cannot_be_is_said_and_what_was_typed_stays(
    project: Project, people: dict[str, Client], wanda, wrong: dict[str, str], sentence: str
):
    answer = give(people["alice"], project, wanda, **wrong)
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert "Thank you!" in answer.content.decode()
    assert not Bonus.objects.exists()


def test_a_list_is_given_in_one_go(project: Project, people: dict[str, Client], pool: Pool, wanda):
    walt = make_worker("Walt")
    paid(pool, walt)
    text = f"{wanda.short_id} 0.50\n\n{walt.short_id}; 0.25; you were the fastest\r\n"
    assert give_list(people["alice"], pool, text).status_code == 302
    made = {bonus.worker_id: (bonus.amount_micro // CENT, bonus.message) for bonus in Bonus.objects.all()}
    assert made == {wanda.pk: (50, "Thank you!"), walt.pk: (25, "you were the fastest")}
    assert held(project) == 75
    page = people["vera"].get(address(project, "pool-bonuses", pool.pk)).content.decode()
    assert wanda.short_id in page
    assert "Give these bonuses" not in page


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("w_ffffff 0.10", "Line 2: Nobody here is called"),
        ("{wanda} much", "Line 2: &#x27;much&#x27; is not an amount of money"),
        ("{wanda}", "Line 2: &#x27;{wanda}&#x27; is not a worker and an amount"),
        ("{idle} 0.10", "Line 2: {idle} has sent nothing in PALM"),
    ],
)
def test_one_wrong_line_gives_nobody_anything(people: dict[str, Client], pool: Pool, wanda, line: str, sentence: str):
    idle = make_worker("Idle")
    paid(make_pool(pool.project, "FIST"), idle)
    names = {"wanda": wanda.short_id, "idle": idle.short_id}
    text = f"{wanda.short_id} 0.50\n{line.format(**names)}"
    answer = give_list(people["alice"], pool, text)
    assert answer.status_code == 400
    assert sentence.format(**names) in answer.content.decode()
    assert f"{wanda.short_id} 0.50" in answer.content.decode()
    assert not Bonus.objects.exists()


def test_an_empty_list_is_refused(people: dict[str, Client], pool: Pool):
    assert "The list is empty" in give_list(people["alice"], pool, " \n ").content.decode()


def test_a_refused_bonus_is_tried_again_by_a_lead(project: Project, people: dict[str, Client], wanda):
    give(people["alice"], project, wanda)
    bonus = Bonus.objects.get()
    Bonus.objects.update(state="refused", note="The account is locked.")
    ledger.release(ref=f"bonus:{bonus.pk}")
    assert "The account is locked." in people["vera"].get(address(project, "worker-bonuses", wanda.pk)).content.decode()
    again = address(project, "bonus-again", bonus.pk)
    assert people["vera"].post(again).status_code == 404
    assert people["alice"].post(again).status_code == 302
    assert Bonus.objects.get().state == "planned"
    assert held(project) == 50


@pytest.mark.parametrize("person", ["rita", "vera", "charlie"])
def test_only_a_lead_gives_bonuses(project: Project, people: dict[str, Client], pool: Pool, wanda, person: str):
    assert give(people[person], project, wanda).status_code == 404
    assert give_list(people[person], pool, f"{wanda.short_id} 1").status_code == 404
    assert not Bonus.objects.exists()


def test_a_stranger_sees_no_bonuses(project: Project, people: dict[str, Client], pool: Pool, wanda):
    for name, pk in (("worker-bonuses", wanda.pk), ("pool-bonuses", pool.pk)):
        assert people["charlie"].get(address(project, name, pk)).status_code == 404
        assert people["vera"].get(address(project, name, pk)).status_code == 200


def test_nobody_gives_a_bonus_through_another_project(
    project: Project, people: dict[str, Client], charlie, pool: Pool, wanda
):
    theirs = make_project("Charlie's", lead=charlie)
    assert give(people["charlie"], theirs, wanda).status_code == 404
    where = address(theirs, "pool-bonuses", pool.pk)
    assert people["charlie"].post(where, {"list": f"{wanda.short_id} 1", "key": "x"}).status_code == 404
    give(people["alice"], project, wanda)
    assert people["charlie"].post(address(theirs, "bonus-again", Bonus.objects.get().pk)).status_code == 404


def test_a_workers_bonuses_in_other_projects_are_not_shown(project: Project, people: dict[str, Client], wanda):
    other = make_pool(make_project("Other"))
    page = paid(other, wanda)
    bonuses.plan(wish=bonuses.Wish(page, CENT, "secret reason"), by_id=None)
    assert "secret reason" not in people["vera"].get(address(project, "worker-bonuses", wanda.pk)).content.decode()
