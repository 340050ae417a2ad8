"""A project from the browser: the price first, every mistake in one sentence, made by a job."""

import pytest
from django.urls import reverse
from django.utils import timezone

from crowd.errors import CrowdError
from crowd.models import Account
from curation.engine import set_up
from curation.models import Job, Membership, Pool, Project
from tests.factories import make_project, make_worker

pytestmark = pytest.mark.django_db
FORM = {
    "recipe": "gestures",
    "name": "Two signs",
    "classes": ["call", "like"],
    "wanted": "5",
    "platform": "inhouse",
    "budget": "20",
}


def test_the_form_shows_the_price_before_anything_is_made(people):
    page = people["charlie"].get(reverse("new-project")).content.decode()
    assert "Expected cost" in page
    assert not Project.objects.exists()


def test_the_cost_sheet_follows_what_is_typed(people):
    sheet = people["alice"].post(reverse("new-project-plan"), FORM).content.decode()
    assert "$1.02" in sheet  # 10 photos 0.30, 15 checked by 2.27 on 4 pages 0.36, boxes of 3.4 on 6 pages 0.36
    assert "does not carry" not in sheet
    dear = people["alice"].post(reverse("new-project-plan"), {**FORM, "budget": "1"}).content.decode()
    assert "The budget does not carry this plan." in dear


def test_what_was_asked_for_is_made_by_a_job_and_led_by_who_asked(people, alice):
    assert people["alice"].post(reverse("new-project"), FORM).status_code == 302
    assert "“Two signs” is being set up" in people["alice"].get(reverse("projects")).content.decode()
    set_up.run_set_up(Job.objects.get(kind="set_up"), timezone.now())
    made = Project.objects.get(slug="two-signs")
    assert Membership.objects.get(project=made, user=alice).role == "lead"
    assert set(Pool.objects.filter(project=made).values_list("state", flat=True)) == {"draft"}


def test_a_name_that_is_asked_for_already_is_refused(people):
    people["alice"].post(reverse("new-project"), FORM)
    again = people["charlie"].post(reverse("new-project"), FORM)
    assert again.status_code == 400
    assert "There is a project “Two signs” already." in again.content.decode()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": " "}, "Give the project a name."),
        ({"classes": []}, "Choose at least one class."),
        ({"classes": ["call", "wave"]}, "&#x27;wave&#x27; is not a class"),
        ({"wanted": "0"}, "must be from 1 to 1,000,000, not 0"),
        ({"wanted": "many"}, "must be a whole number"),
        ({"budget": "-3"}, "The budget cannot be negative"),
        ({"budget": "1"}, "is needed but only $1.00"),
        ({"platform": "moon"}, "is not a known platform"),
        ({"recipe": "soup"}, "There is no recipe"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(people, wrong, sentence):
    answer = people["alice"].post(reverse("new-project"), {**FORM, **wrong})
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert not Job.objects.filter(kind="set_up").exists()


def test_nobody_starts_a_project_without_signing_in(people):
    assert people["nobody"].get(reverse("new-project")).status_code == 302
    assert people["nobody"].post(reverse("new-project"), FORM).status_code == 302
    assert not Job.objects.exists()


def test_a_wish_without_classes_is_refused_by_the_service():
    with pytest.raises(CrowdError, match="at least one class"):
        set_up.Wanted("gestures", "X", [], 5, "inhouse", "20").checked()


def test_an_account_of_somebody_else_is_no_choice(people, alice, charlie):
    make_project("One", lead=alice)
    make_project("Two", lead=charlie)
    Account.objects.create(slug="far", platform="toloka", label="Far", is_shared=False, created_by_id=charlie.pk)
    assert 'value="far"' not in people["alice"].get(reverse("new-project")).content.decode()
    assert 'value="far"' in people["charlie"].get(reverse("new-project")).content.decode()
    refused = people["alice"].post(reverse("new-project"), {**FORM, "platform": "far"})
    assert "not an account you can use" in refused.content.decode()
    ticked = {**FORM, "boxes.shown": "yes", "boxes.platforms": "far"}
    assert "is not a crowd you can choose" in people["alice"].post(reverse("new-project"), ticked).content.decode()


def test_people_without_a_skill_are_counted_as_unrated(people, alice):
    make_project("One", lead=alice)
    make_worker()
    page = people["alice"].get(reverse("new-project")).content.decode()
    assert "1 person known" in page
    assert '"bins": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "known": 1' in page


def test_more_accounts_need_no_more_queries(people, alice, django_assert_max_num_queries):
    make_project("One", lead=alice)
    for number in range(6):
        Account.objects.create(slug=f"far-{number}", platform="toloka", label=f"Far {number}")
    with django_assert_max_num_queries(14):
        people["alice"].get(reverse("new-project"))
    with django_assert_max_num_queries(14):
        people["alice"].post(reverse("new-project-plan"), FORM)
