"""The forecast in the browser: both sides, an address that says it all, mistakes in a sentence, a plan begun."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from curation.models import PlanDraft, User
from tests.factories import make_user

pytestmark = pytest.mark.django_db
URL = "/forecast/"


@pytest.fixture
def alice() -> User:
    return make_user("Alice")


@pytest.fixture
def browser(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def numbers(page: str) -> str:
    """Return the words of a page without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_ten_thousand_images_have_a_price_a_time_and_a_quality(browser: Client):
    said = numbers(browser.get(URL, {"recipe": "gestures", "images": "10000", "people": "20"}).content.decode())
    for title in ("Cost", "Per delivered image", "Sum of unit prices", "Time", "Checks right", "Boxes for a reviewer"):
        assert title in said
    assert "10,000 images" in said
    assert "as the recipe has it" in said


def test_a_turned_knob_stands_beside_the_recipe_with_what_it_changes(browser: Client):
    asked = {"recipe": "gestures", "images": "10000", "people": "20", "validate.overlap": "5"}
    answer = browser.get(URL, asked, headers={"HX-Request": "true"})
    said = numbers(answer.content.decode())
    assert "beside the recipe as it is" in said
    assert "+$" in said
    assert "<html" not in answer.content.decode()
    assert answer["HX-Replace-Url"] == "/forecast/?recipe=gestures&images=10000&people=20&validate.overlap=5"


def test_boxes_by_so_many_people_as_were_never_simulated_are_not_guessed(browser: Client):
    def row(**asked: str) -> str:
        page = numbers(browser.get(URL, {"recipe": "gestures", **asked}).content.decode())
        return page.partition("Boxes for a reviewer")[2][:120]

    assert "not known" not in row()
    assert "not known: simulated for three people at first and five at most —" in row(**{"boxes.overlap": "5"})


def test_an_address_opens_with_the_knobs_as_they_were(browser: Client):
    page = browser.get(URL, {"recipe": "gestures", "images": "900", "boxes.price_usd": "7.5"}).content.decode()
    assert re.search(r'name="boxes.price_usd"[^>]*value="7.5"', page)
    assert re.search(r'name="images"[^>]*value="900"', page)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"images": "none"}, "Images wanted: a whole number from 18"),
        ({"images": "5"}, "from 18 (one a class)"),
        ({"people": "0"}, "People at work at once: a whole number from 1"),
        ({"validate.overlap": "99"}, "Validated, people about one photo: from 1 to 9."),
        ({"collect.price_usd": "x"}, "an amount in cents"),
        ({"validate.page_size": "3", "validate.control_per_page": "3"}, "no room"),
    ],
)
def test_a_wrong_number_is_answered_with_one_sentence(browser: Client, asked, says):
    answer = browser.get(URL, {"recipe": "gestures", **asked})
    assert answer.status_code == 400
    assert says in numbers(answer.content.decode())


def test_every_recipe_can_be_forecast(browser: Client):
    for recipe in ("gestures", "feet-videos", "camera-footage", "cars-search", "tools-search"):
        assert browser.get(URL, {"recipe": recipe}).status_code == 200


def test_a_campaign_begins_as_a_plan_with_these_settings(browser: Client, alice: User):
    asked = {"recipe": "gestures", "images": "1800", "people": "20", "validate.overlap": "5", "collect.price_usd": "4"}
    answer = browser.post(reverse("forecast-start"), asked)
    draft = PlanDraft.objects.of(alice).get()
    assert answer["Location"] == reverse("plan-draft", args=[draft.public_id])
    assert draft.fields["validate.overlap"] == ["5"]
    assert draft.fields["collect.price_usd"] == ["0.04"]
    assert "100" in draft.fields["quotas"][0] or draft.fields["wanted"] == ["100"]
    assert browser.get(answer["Location"]).status_code == 200


def test_a_better_exam_lets_fewer_clickers_in(browser: Client):
    def clicking(gate: str) -> float:
        page = browser.get(URL, {"recipe": "gestures", "validate.exam_gate": gate}).content.decode()
        found = re.search(r"Only clicking.*?<b>([\d.]+) %", page, re.DOTALL)
        assert found is not None
        return float(found[1])

    assert clicking("40") < clicking("20")


def test_without_a_session_one_is_asked_to_sign_in():
    assert Client().get(URL).status_code == 302
