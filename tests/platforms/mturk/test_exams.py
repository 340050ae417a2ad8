"""Exams as MTurk's own tests, where an account wants them."""

from dataclasses import replace

import pytest

from crowd.emulators.mturk import worker_side
from crowd.platforms.base import TaskSpec
from crowd.platforms.mturk import exams
from crowd.platforms.mturk.door import MTurkDoor
from tests.crowd import market
from tests.platforms.mturk.conftest import NOW, SPEC

pytestmark = pytest.mark.django_db
EXAM = replace(
    SPEC, key="exam-1", kind="exam", price_micro=0, grants_skill="Checking: exam", spec=market.SPECS["choice"]
)
TASKS = [
    TaskSpec(
        f"known-{n}",
        {"class": "peace & <love>", "image": f"https://winnow.example/x/media/{n}"},
        known_answer={"answer": value},
    )
    for n, value in enumerate(("correct", "incorrect", "correct", "incorrect"))
]


@pytest.fixture
def exam(turk, account) -> str:
    account.settings = {"exams": "platform"}
    account.save()
    remote_id = turk.ensure_batch(account, EXAM)
    turk.push_tasks(account, remote_id, TASKS)
    return remote_id


@pytest.fixture
def behind(turk, account, exam, there) -> str:
    """Work that needs 70 in the exam."""
    work = replace(SPEC, needs_skill="Checking: exam", needs_value=70, needs_batch=exam)
    remote_id = turk.ensure_batch(account, work)
    turk.open(account, remote_id, NOW)
    turk.offer_pages(account, remote_id, 9, "k")
    return remote_id


def takes_the_test(there, worker: str, answers: list[str]) -> None:
    found = there.house.market
    skill = next(one for one in found.qualification_types.values() if one.name == "winnow skill: Checking: exam")
    asked = worker_side.ask_for_qualification(found, found.worker(worker), skill.id, NOW)
    fields = {f"q{number}": answer for number, answer in enumerate(answers)}
    worker_side.hand_in_test(found, asked, fields, NOW)


RIGHT = ["correct", "incorrect", "correct", "incorrect"]


def test_who_passes_the_test_may_take_the_work_and_who_does_not_may_not(behind, there):
    good, bad, idle = there.worker(), there.worker(), there.worker()
    takes_the_test(there, good, RIGHT)
    takes_the_test(there, bad, ["correct"] * 4)
    assert [len(there.may_take(worker)) for worker in (good, bad, idle)] == [1, 0, 0]


def test_the_test_gives_the_same_number_as_our_own_exam(behind, there, account):
    worker = there.worker()
    takes_the_test(there, worker, [*RIGHT[:3], "correct"])
    assert MTurkDoor().score(account, worker, "Checking: exam") == 75
    assert MTurkDoor().score(account, there.worker(), "Checking: exam") is None
    assert MTurkDoor().score(account, worker, "Another") is None


def test_a_test_that_people_have_taken_is_not_changed(turk, account, exam, there):
    skill = next(one for one in there.house.market.qualification_types.values() if one.test)
    before = skill.test
    turk.ensure_batch(account, EXAM)
    turk.push_tasks(account, exam, [*TASKS, *TASKS])
    assert skill.test == before


def test_questions_kept_for_second_tries_are_not_asked_at_once(turk, account, there):
    account.settings = {"exams": "platform"}
    account.save()
    remote_id = turk.ensure_batch(account, replace(EXAM, page_size=2))
    turk.push_tasks(account, remote_id, TASKS)
    skill = next(one for one in there.house.market.qualification_types.values() if one.test)
    assert skill.test.count("<QuestionIdentifier>") == 2


def test_without_the_setting_the_exam_is_on_our_page(turk, account, there):
    remote_id = turk.ensure_batch(account, EXAM)
    turk.push_tasks(account, remote_id, TASKS)
    assert not any(one.test for one in there.house.market.qualification_types.values())
    work = turk.ensure_batch(
        account, replace(SPEC, needs_skill="Checking: exam", needs_value=70, needs_batch=remote_id)
    )
    turk.open(account, work, NOW)
    turk.offer_pages(account, work, 3, "k")
    assert there.may_take(there.worker())
    assert MTurkDoor().score(account, there.worker(), "Checking: exam") is None


UNFIT = {
    "boxes": {"interface": "boxes", "spec": market.SPECS["boxes"]},
    "training": {"kind": "training"},
}


@pytest.mark.parametrize("changes", UNFIT.values(), ids=UNFIT)
def test_what_cannot_be_a_test_stays_on_our_page(turk, account, there, changes):
    account.settings = {"exams": "platform"}
    remote_id = turk.ensure_batch(account, replace(EXAM, **changes))
    turk.push_tasks(account, remote_id, TASKS)
    assert not any(one.test for one in there.house.market.qualification_types.values())


def test_a_test_too_long_for_mturk_stays_on_our_page(turk, account, there):
    account.settings = {"exams": "platform"}
    remote_id = turk.ensure_batch(account, replace(EXAM, page_size=200))
    turk.push_tasks(account, remote_id, TASKS * 50)
    assert not any(one.test for one in there.house.market.qualification_types.values())


def test_words_from_outside_are_only_words_in_a_test(exam, there):
    test = next(one.test for one in there.house.market.qualification_types.values() if one.test)
    assert "peace &amp; &lt;love&gt;" in test
    assert exams.key_xml(TASKS).count("<AnswerScore>1</AnswerScore>") == 4
