"""Guessing is slow and leads nowhere: passwords, links, tokens; a session that somebody planted is not the one used."""

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection, connections
from django.test import Client

from curation.models import ApiToken, Event, SignInLink, User
from curation.services import sign_in
from curation.services.attempts import number_of
from curation.services.people import sign_in_link
from tests.api.conftest import Caller, token_of

PASSWORD = "Alice-likes-winnow"
ROOT = Path(__file__).resolve().parents[2]


def with_password(user: User) -> User:
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.mark.django_db
def test_after_five_links_that_never_were_only_those_that_were_given_out_are_looked_at(people):
    good = urlsplit(sign_in_link(user=people["Alice"], base_url="http://t")).path
    guess = [Client().get(f"/sign-in/link/guess-{n}/", REMOTE_ADDR="10.1.1.1").status_code for n in range(6)]
    assert guess == [404] * 5 + [429]
    refused = Client().get("/sign-in/link/guess-7/", REMOTE_ADDR="10.1.1.1").content.decode()
    assert "one that is good still opens" in refused
    assert "ask your operator for a sign-in link" not in refused
    assert Client().post(good, REMOTE_ADDR="10.1.1.1").status_code == 302


@pytest.mark.django_db
def test_a_link_that_is_used_up_is_no_guess(people):
    used = urlsplit(sign_in_link(user=people["Alice"], base_url="http://t")).path
    Client().post(used)
    assert {Client().get(used).status_code for _ in range(8)} == {404}


@pytest.mark.django_db(transaction=True)
def test_guesses_sent_all_at_once_count_like_guesses_in_a_row(people, monkeypatch):
    """One guess is looked at, and the others meet it: none of them learns whether it was right."""
    email = with_password(people["Alice"]).email
    statuses: list[int] = []
    others_are_answered, first, check = threading.Event(), threading.Lock(), sign_in.authenticate

    def looked_at_slowly(*request: Any, **given: Any) -> Any:
        if first.acquire(blocking=False):
            others_are_answered.wait(120)
        return check(*request, **given)

    monkeypatch.setattr(sign_in, "authenticate", looked_at_slowly)

    def guess(number: int) -> None:
        answer = Client().post(
            "/sign-in/", {"email": email, "password": f"wrong-{number}"}, REMOTE_ADDR=f"10.2.0.{number}"
        )
        statuses.append(answer.status_code)
        if len(statuses) == 11:
            others_are_answered.set()
        connections.close_all()

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [429] * 11 + [400]
    assert Event.objects.filter(kind="sign_in.failed", subject_type="sign-in-account").count() == 1


@pytest.fixture
def held(people) -> Iterator[str]:
    """Alice's address, while another process looks at a password for it."""
    email = with_password(people["Alice"]).email
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [number_of(email)])
        yield email
        # A closed connection's locks are let go when its server process ends, a moment later.
        cursor.execute("SELECT pg_advisory_unlock(%s)", [number_of(email)])
    other.close()


@pytest.mark.django_db
def test_a_double_click_on_sign_in_is_no_failure(held: str):
    answer = Client().post("/sign-in/", {"email": held, "password": PASSWORD})
    assert (answer.status_code, Event.objects.count()) == (429, 0)
    assert "Try again in a second" in answer.content.decode()


@pytest.mark.django_db
def test_guesses_at_the_account_page_stand_in_the_same_line(held: str):
    thief = Client()
    thief.force_login(User.objects.get(email=held))
    answer = thief.post("/account/", {"current": PASSWORD, "password": "quite another one"})
    assert answer.status_code == 429
    assert User.objects.get(email=held).check_password(PASSWORD)


@pytest.mark.django_db
def test_a_session_planted_before_is_not_the_one_that_is_signed_in(people):
    client = Client()
    session = client.session
    session["planted"] = "yes"
    session.save()
    planted = session.session_key
    client.cookies["sessionid"] = planted
    client.post("/sign-in/", {"email": with_password(people["Alice"]).email, "password": PASSWORD})
    assert client.cookies["sessionid"].value != planted
    other = Client()
    other.cookies["sessionid"] = planted
    assert other.get("/account/").status_code == 302


@pytest.mark.django_db
def test_signing_out_and_a_new_password_end_what_was_stolen(people):
    alice = with_password(people["Alice"])
    stolen, own = Client(), Client()
    stolen.force_login(alice)
    own.force_login(alice)
    own.post("/account/", {"current": PASSWORD, "password": "quite another one"})
    assert stolen.get("/account/").status_code == 302
    assert own.get("/account/").status_code == 200


@pytest.mark.django_db
def test_of_a_token_and_a_link_the_database_knows_the_hash_only(people, project):
    text = token_of(people["Alice"], "read", projects=[project])
    link = sign_in_link(user=people["Alice"], base_url="http://t").rstrip("/").rpartition("/")[2]
    token = ApiToken.objects.get()
    _, public, secret = text.split("_", 2)
    assert (token.public_id, bytes(token.secret_hash)) == (public, hashlib.sha256(secret.encode()).digest())
    assert bytes(SignInLink.objects.get().token_hash) == hashlib.sha256(link.encode()).digest()
    assert Caller(text).get("/api/v1/projects").status_code == 200
    assert Caller(text[:-1] + ("A" if text[-1] != "A" else "B")).get("/api/v1/projects").status_code == 401


@pytest.mark.parametrize(
    "key",
    ["", "short", "x" * 64, "django-insecure-" + "ab1!" * 16, "only for the tests: " + "abcdefghijk" * 6],
    ids=["missing", "short", "one letter", "of a tutorial", "of this repository"],
)
def test_production_refuses_to_start_with_a_secret_that_is_no_secret(key: str):
    environment = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": os.environ["DATA_DIR"],
        "ALLOWED_HOSTS": "winnow.example",
        "SECRET_KEY": key,
    }
    start = [sys.executable, "-c", "import curation.settings.production"]
    done = subprocess.run(start, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("winnow: SECRET_KEY")
    assert "Traceback" not in done.stderr
