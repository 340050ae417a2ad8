"""Coming to work by an invitation, and what a worker's session may not do."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crowd.models import Worker, WorkerInvitation
from crowd.services import invitations
from tests import scenes

pytestmark = pytest.mark.django_db
FORM = {"name": "Wanda", "language": "en", "agree": "yes", "adult": "yes"}


@pytest.fixture
def world():
    return scenes.project(Rita="reviewer")


@pytest.fixture
def link(world) -> str:
    token = invitations.invite(
        project_id=world.pk,
        account_id=invitations.inhouse_account().pk,
        label="Friends",
        max_uses=2,
        expires_at=timezone.now() + timedelta(days=1),
        by_id=None,
    )
    return reverse("w-join", args=[token])


def test_the_invitation_says_what_it_is_about(client, link):
    page = client.get(link).content.decode()
    assert "Hand gestures" in page
    assert "I am 18 or older" in page


def test_who_agrees_becomes_a_worker_and_sees_the_work(client, link):
    assert client.post(link, FORM).url == reverse("w-home")
    worker = Worker.objects.get()
    assert (worker.name, worker.is_adult) == ("Wanda", True)
    assert len(worker.consent_version) == 64
    assert "Hello, Wanda" in client.get(reverse("w-home")).content.decode()


def test_who_joins_twice_is_one_worker(client, link):
    client.post(link, FORM)
    client.post(link, FORM)
    assert Worker.objects.count() == 1
    assert WorkerInvitation.objects.get().uses == 1


@pytest.mark.parametrize("missing", ["agree", "adult", "name"])
def test_nobody_joins_without_consent_age_and_a_name(client, link, missing):
    answer = client.post(link, {name: value for name, value in FORM.items() if name != missing})
    assert answer.status_code == 422
    assert not Worker.objects.exists()


def test_a_used_up_invitation_is_gone(client, link):
    for _ in range(2):
        Client().post(link, FORM)
    assert Client().get(link).status_code == 404


def test_a_wrong_token_is_not_there(client, world):
    assert client.get(reverse("w-join", args=["nonsense"])).status_code == 404


def test_without_an_invitation_the_portal_says_what_to_do(client, db):
    assert "Open your invitation" in client.get(reverse("w-home")).content.decode()


def test_a_worker_has_no_rights_on_office_pages(client, link, world):
    client.post(link, FORM)
    assert client.get(reverse("review", args=[world.public_id])).status_code in {302, 404}
    assert client.get(reverse("review-next", args=[world.public_id])).status_code in {302, 404}


def test_joining_signs_a_member_out_of_the_office(client, link, world):
    client.force_login(scenes.person("Alice"))
    client.post(link, FORM)
    assert client.get(reverse("review", args=[world.public_id])).status_code in {302, 404}


def test_who_is_signed_in_to_the_office_is_no_worker(client, link):
    client.post(link, FORM)
    client.force_login(scenes.person("Alice"))
    assert "Open your invitation" in client.get(reverse("w-home")).content.decode()


def test_an_invitation_opens_one_project_and_no_other():
    from crowd.models import Worker

    worker = Worker(only_projects=[7])
    assert worker.may_see(7)
    assert not worker.may_see(8)
    assert Worker().may_see(8)
