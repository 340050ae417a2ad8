"""API tokens made in the browser: shown once, with snippets that work, ended by those whose they are."""

import subprocess
import sys
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from curation.models import ApiToken, Project
from curation.services import tokens
from tests.factories import make_project

pytestmark = pytest.mark.django_db


def page(project: Project) -> str:
    return reverse("settings-tokens", args=[project.public_id])


def made(client: Client, project: Project, **more: str) -> str:
    answer = client.post(page(project), {"name": "nightly", "scopes": ["read"], "days": "30", "reach": "this", **more})
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def token_in(text: str) -> str:
    return text.split('id="token">')[1].split("<")[0]


def test_a_token_is_shown_once_and_opens_only_this_project(project: Project, alice, people, client: Client):
    other = make_project("Other", lead=alice)
    text = token_in(made(people["alice"], project))
    assert text not in people["alice"].get(page(project)).content.decode()
    found = client.get("/api/v1/projects", headers={"Authorization": f"Bearer {text}"}).json()
    names = {row["name"] for row in found["results"]}
    assert names == {project.name}
    assert other.name not in names


def test_bad_wishes_get_a_sentence_and_make_nothing(project: Project, people):
    for given in ({"days": "0"}, {"days": "soon"}, {"scopes": "fly"}, {"name": " "}):
        answer = people["alice"].post(
            page(project), {"name": "x", "scopes": ["read"], "days": "9", "reach": "this", **given}
        )
        assert answer.status_code == 400
        assert 'role="alert"' in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_a_lead_ends_a_token_of_this_project_only_never_one_that_reaches_further(project: Project, rita, people):
    now = timezone.now()
    here, _ = tokens.create_token(user=rita, name="here", scopes=["read"], projects=[project], now=now)
    wide, _ = tokens.create_token(user=rita, name="wide", scopes=["read"], all_projects=True, now=now)
    revoke = [reverse("settings-token-revoke", args=[project.public_id, token.pk]) for token in (here, wide)]
    assert [people["alice"].post(where).status_code for where in revoke] == [302, 404]
    here.refresh_from_db()
    assert here.revoked_at is not None
    assert tokens.opening(project).first() == wide  # the good ones first
    assert people["rita"].post(revoke[1]).status_code == 404  # the page is the leads'; his own he ends by command
    assert people["charlie"].get(page(project)).status_code == 404


def test_an_old_token_is_said_to_be_expired(project: Project, alice, people):
    tokens.create_token(
        user=alice, name="old", scopes=["read"], projects=[project], now=timezone.now() - timedelta(days=99)
    )
    assert '<span class="pill">expired</span>' in people["alice"].get(page(project)).content.decode()


@pytest.mark.django_db(transaction=True)
def test_the_snippets_on_the_page_work_as_they_stand(server: str, project: Project, people):
    text = (
        people["alice"]
        .post(
            page(project),
            {"name": "try", "scopes": ["read"], "days": "1", "reach": "this"},
            headers={"host": server.removeprefix("http://")},
        )
        .content.decode()
    )
    python = unescape(text.split('id="snippet-python">')[1].split("</pre>")[0])
    curl = unescape(text.split('id="snippet-curl">')[1].split("</pre>")[0])
    done = subprocess.run([sys.executable, "-c", python], capture_output=True, text=True, timeout=180, check=False)
    assert (done.stdout.strip(), done.stderr) == (project.name, "")
    done = subprocess.run(
        ["/bin/sh", "-c", f"{curl} --silent"], capture_output=True, text=True, timeout=180, check=False
    )
    assert project.name in done.stdout
