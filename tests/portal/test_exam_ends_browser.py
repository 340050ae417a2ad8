"""On a phone an exam that ends early leads to its result by itself."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from crowd.models import Answer, Skill
from crowd.services import invitations
from crowd.services.exam_ending import Ending
from tests import scenes
from tests.browsing import PHONE, breaches, chromium, watched
from tests.portal.conftest import phone_of

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


def test_two_wrong_answers_end_a_sequential_exam_and_the_result_says_so(browser, live_server):
    world = scenes.project()
    skill = Skill.objects.create(account=invitations.inhouse_account(), name="Checking: exam")
    exam = scenes.batch(world, "choice", kind="exam", price_micro=0, page_size=8, grants_skill=skill)
    exam.spec |= Ending("sequential").spec()
    exam.save(update_fields=["spec"])
    picture = scenes.stored(scenes.jpeg(size=(640, 480)))
    for n in range(8):
        scenes.task(exam, f"question-{n}", known="correct", image=picture)
    scenes.task(scenes.batch(world, "choice", needs_skill=skill, needs_value=70), "work", image=picture)
    cookie = phone_of(scenes.worker("Wanda")).cookies["sessionid"].value
    with watched(browser, live_server.url, cookie=cookie, **PHONE) as phone:
        phone.goto(reverse("w-home"))
        phone.get_by_role("button", name="Start").first.tap()
        expect(phone.locator("body")).to_have_attribute("data-ready", "yes")
        expect(phone.get_by_text("of at most 8")).to_be_visible()
        for number in (1, 2):
            phone.locator(f"#task-{number}").get_by_role("button", name="No").tap()
        expect(phone.get_by_text("It ended early: your answers were enough to tell.")).to_be_visible(timeout=40_000)
        expect(phone.get_by_text("0 of 2 right")).to_be_visible()
        assert breaches(phone) == []
    assert Answer.objects.count() == 2
