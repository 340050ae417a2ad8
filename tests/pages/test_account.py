"""Getting in: a welcome link for somebody new, a password of one's own, never a key to somebody else's account."""

import html
import re
from urllib.parse import urlencode

import pytest
from django.urls import reverse
from django.utils import timezone

from curation.dashboard.proving import PROVED
from curation.models import User
from curation.services import tokens

pytestmark = pytest.mark.django_db
GOOD = "correct horse battery"


def add(client, project, email):
    return client.post(reverse("member-add", args=[project.public_id]), {"email": email, "role": "reviewer"})


def test_somebody_new_gets_a_link_that_signs_in_once(people, project, client):
    page = add(people["alice"], project, "nora@example.com").content.decode()
    link = re.search(r'id="welcome-link">([^<]+)<', page).group(1)
    path = "/" + link.split("/", 3)[3]
    assert client.post(path).status_code == 302
    assert client.get(reverse("project", args=[project.public_id])).status_code == 200
    client.post(reverse("sign-out"))
    assert client.post(path).status_code == 404


def test_a_lead_never_gets_a_link_for_somebody_who_has_an_account(people, project, charlie):
    assert add(people["alice"], project, charlie.email).status_code == 302
    operator = User.objects.create_superuser("olaf@example.com", "Olaf")
    assert add(people["alice"], project, operator.email).status_code == 302


@pytest.fixture
def nora():
    """Somebody who came by a link and has no password yet."""
    return User.objects.create_user("nora@example.com", "Nora")


def test_a_password_is_set_and_signs_in(nora, client):
    client.force_login(nora)
    assert client.post(reverse("account"), {"password": GOOD}).status_code == 302
    client.post(reverse("sign-out"))
    response = client.post(reverse("sign-in"), {"email": nora.email, "password": GOOD})
    assert response.status_code == 302


def test_a_short_password_is_refused_with_a_sentence(nora, client):
    client.force_login(nora)
    response = client.post(reverse("account"), {"password": "short"})
    assert response.status_code == 400
    assert "at least 12 characters" in response.content.decode()
    assert not User.objects.get(pk=nora.pk).has_usable_password()


def test_the_current_password_must_be_known_to_change_it(nora, client):
    client.force_login(nora)
    client.post(reverse("account"), {"password": GOOD})
    response = client.post(reverse("account"), {"current": "wrong", "password": "another long password"})
    assert response.status_code == 400
    assert User.objects.get(pk=nora.pk).check_password(GOOD)


def test_single_letter_keys_are_switched_off_for_the_person_on_every_page(nora, client):
    client.force_login(nora)
    assert client.get("/").context["shell"].start["keys"] == {}
    client.post(reverse("account"), {"keys": "off"})
    assert client.get("/").context["shell"].start["keys"] == {"off": True}
    client.post(reverse("account"), {"keys": "on"})
    assert client.get("/").context["shell"].start["keys"] == {"off": False}


def test_one_ends_ones_own_tokens_and_nobody_elses(nora, client, alice, project):
    mine, _ = tokens.create_token(user=nora, name="mine", scopes=["read"], all_projects=True, now=timezone.now())
    other, _ = tokens.create_token(user=alice, name="other", scopes=["read"], all_projects=True, now=timezone.now())
    client.force_login(nora)
    page = client.get(reverse("account")).content.decode()
    assert ("mine" in page, "Revoke other" in page) == (True, False)
    statuses = [client.post(reverse("own-token-revoke", args=[one.pk])).status_code for one in (mine, other)]
    assert statuses == [302, 404]


def test_who_has_no_password_is_asked_before_an_account_is_typed_in_sets_one_and_comes_back(nora, client, project):
    project.memberships.create(user=nora, role="lead")
    client.force_login(nora)
    form = f"{reverse('platform-account-new')}?platform=toloka"
    session = client.session
    session[PROVED] = 0
    session.save()
    asks = client.get(form)
    assert asks.url == f"{reverse('account-confirm')}?{urlencode({'next': form})}"
    found = re.search(r'href="([^"]+)#password-h"', client.get(asks.url).content.decode())
    account = html.unescape(found[1])
    page = client.get(account).content.decode().partition('id="password-h"')[2]
    back = html.unescape(re.search(r'name="next" value="([^"]*)"', page)[1])
    assert client.post(account, {"password": GOOD, "next": back}).url == form
    assert client.get(form).status_code == 200


def test_a_password_leads_nowhere_outside(nora, client):
    client.force_login(nora)
    answer = client.post(reverse("account"), {"password": GOOD, "next": "https://elsewhere.example/"})
    assert answer.url == reverse("projects")
