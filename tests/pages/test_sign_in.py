"""Coming in: passwords with a limit, links that a scanner cannot burn."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from curation.models import Event, User
from curation.services.people import sign_in_link

pytestmark = pytest.mark.django_db
WRONG = "do not belong together"


def sign_in(client: Client, email: str, password: str, address: str = "10.0.0.1"):
    return client.post("/sign-in/", {"email": email, "password": password}, REMOTE_ADDR=address)


def test_alice_signs_in_and_lands_where_she_wanted(alice: User, client: Client):
    answer = client.post("/sign-in/", {"email": "Alice@Example.org", "password": "Alice-likes-winnow", "next": "/?a=1"})
    assert answer["Location"] == "/?a=1"
    assert client.get("/").status_code == 200


def test_signing_in_never_leads_to_another_site(alice: User, client: Client):
    form = {"email": alice.email, "password": "Alice-likes-winnow", "next": "https://evil.example/"}
    assert client.post("/sign-in/", form)["Location"] == "/"


def test_an_unknown_person_and_a_wrong_password_get_the_same_answer(alice: User, client: Client):
    unknown = sign_in(client, "nobody@example.org", "x", "10.0.0.2")
    wrong = sign_in(client, alice.email, "x", "10.0.0.3")
    assert unknown.status_code == wrong.status_code == 400
    assert WRONG in unknown.content.decode()
    assert WRONG in wrong.content.decode()


def test_five_failures_close_the_account_for_a_while_even_with_the_right_password(alice: User, client: Client):
    for number in range(5):
        sign_in(client, alice.email, "wrong", f"10.0.1.{number}")
    assert sign_in(client, alice.email, "Alice-likes-winnow", "10.0.2.1").status_code == 429


def test_five_failures_close_the_address_for_every_account(alice: User, client: Client):
    for number in range(5):
        sign_in(client, f"guess{number}@example.org", "wrong", "10.0.3.1")
    assert sign_in(client, alice.email, "Alice-likes-winnow", "10.0.3.1").status_code == 429
    assert sign_in(client, alice.email, "Alice-likes-winnow", "10.0.3.2").status_code == 302


def test_failures_older_than_a_quarter_of_an_hour_are_forgotten(alice: User, client: Client):
    from curation.services.attempts import KIND, number_of

    old = timezone.now() - timedelta(minutes=16)
    for _ in range(5):
        Event.objects.create(
            kind=KIND, text="-", subject_type="sign-in-account", subject_id=number_of(alice.email), created_at=old
        )
    assert sign_in(client, alice.email, "Alice-likes-winnow").status_code == 302


def test_no_failed_attempt_stores_what_was_typed(client: Client):
    sign_in(client, "my-password-by-mistake@example.org", "x")
    assert "mistake" not in str(list(Event.objects.values()))


def test_looking_at_a_link_does_not_use_it_up_and_pressing_the_button_does(alice: User, client: Client):
    path = urlsplit(sign_in_link(user=alice, base_url="http://testserver")).path
    assert client.get(path).status_code == 200
    assert client.get(path).status_code == 200
    assert client.post(path)["Location"] == "/"
    assert Client().post(path).status_code == 404


def test_a_made_up_link_is_not_found(client: Client):
    assert client.get("/sign-in/link/made-up/").status_code == 404


def test_signing_out_ends_the_session(people: dict[str, Client]):
    people["alice"].post("/sign-out/")
    assert people["alice"].get("/").status_code == 302


def test_the_theme_is_remembered_and_rendered_by_the_server(people: dict[str, Client], alice: User):
    people["alice"].post("/theme/", {"theme": "dark", "next": "/"})
    assert '<html lang="en" data-theme="dark">' in people["alice"].get("/").content.decode()
    alice.refresh_from_db()
    assert alice.theme == "dark"


def test_an_operator_without_projects_is_told_what_to_do(people: dict[str, Client]):
    assert "You are not a member of any project" in people["charlie"].get("/").content.decode()
