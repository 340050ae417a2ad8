"""Headers of every answer, cookies, framing: pages, media, files, errors, the API, pages inside platforms."""

import json
import os
import string
import subprocess
import sys
from http.cookies import SimpleCookie
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from curation.models import User
from tests.api.conftest import world as api_world
from tests.api.test_access import ROUTES, call
from tests.api.test_strangers import addresses, url_of, world
from tests.security.test_matrix import ask, plain, roles

__all__ = ["api_world", "roles", "world"]
pytestmark = pytest.mark.django_db
PARTS = {"token": "x", "visit": "x", "answer_id": 1, "page_id": 1, "batch_id": 1, "upload_id": UUID(int=1), "slug": "x"}

COOKIES = """
import django, json
django.setup()
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpResponse
from django.middleware.csrf import CsrfViewMiddleware, get_token
from django.test import RequestFactory

def answer(request):
    request.session = SessionStore()
    request.session["person"] = 1
    get_token(request)
    return HttpResponse()

given = SessionMiddleware(CsrfViewMiddleware(answer))(RequestFactory().get("/", secure=True)).cookies
print(json.dumps([one.OutputString() for one in given.values()]))
"""


def troubles(answer: Any) -> list[str]:
    """Return what is missing or too wide in the headers of one answer."""
    policy = answer.headers.get("Content-Security-Policy", "")
    parts = dict(part.strip().partition(" ")[::2] for part in policy.split(";") if part.strip())
    found = [name for name in ("Permissions-Policy", "Cross-Origin-Opener-Policy") if name not in answer.headers]
    if answer.headers.get("X-Content-Type-Options") != "nosniff":
        found.append("nosniff")
    if answer.headers.get("Referrer-Policy") != "same-origin":
        found.append("referrer")
    if parts.get("default-src") != "'none'":
        found.append("default-src")
    if "unsafe-inline" in parts.get("script-src", "") or "unsafe-eval" in policy:
        found.append("unsafe script")
    if "sandbox" not in parts and parts.get("frame-ancestors") != "'none'":
        found.append("frame-ancestors")
    if answer.headers.get("X-Frame-Options") != "DENY":
        found.append("framed")
    return found


def test_every_page_and_every_refusal_has_all_headers(world, roles):
    seen: dict[str, Any] = {}
    for name, place, _ in addresses():
        for role in ("lead", "anonymous"):
            answer = roles[role].get(url_of(place, world))
            seen[f"{role} {answer.status_code} {name}"] = troubles(answer)
    seen["nothing here"] = troubles(roles["lead"].get("/no-such-page/"))
    seen["no method"] = troubles(roles["lead"].delete("/"))
    assert {what: wrong for what, wrong in seen.items() if wrong} == {}
    assert len(seen) > 300


def test_every_answer_of_the_api_has_all_headers(api_world, roles):
    for route in ROUTES:
        answer = call(roles["lead"], route, api_world) if route.method == "GET" else call(Client(), route, api_world)
        assert troubles(answer) == [], route


def test_the_workers_pages_are_not_framed_and_alone_may_use_the_camera(world, roles):
    for name, place in plain("w/"):
        answer = roles["worker"].get(url_of(place, PARTS))
        assert troubles(answer) == [], name
        assert "camera=(self)" in answer["Permissions-Policy"]
    assert "camera=()" in roles["lead"].get("/")["Permissions-Policy"]


def test_pages_inside_platforms_set_no_cookie(world, roles):
    for name, place in plain("x/"):
        for method in ("get", "post"):
            answer = getattr(Client(), method)(url_of(place, PARTS))
            assert (name, dict(answer.cookies)) == (name, {})


def test_a_page_of_ours_cannot_be_framed_and_no_form_goes_without_its_token(people: dict[str, User], project):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(people["Alice"])
    page = browser.get("/account/")
    assert page["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert "form-action 'self'" in page["Content-Security-Policy"]
    for name, place, parts in addresses():
        if not parts and name not in {"sign-in-link", "metrics", "healthz", "readyz"}:
            answer = browser.post(url_of(place, {}))
            assert answer.status_code in {403, 405}, name
    assert ask(browser, "post", reverse("settings-trash", args=[project.public_id])) == 403


def test_cookies_cannot_be_read_by_scripts_or_sent_by_other_sites(people: dict[str, User]):
    people["Alice"].set_password("Alice-likes-winnow")
    people["Alice"].save()
    browser = Client()
    browser.post("/sign-in/", {"email": people["Alice"].email, "password": "Alice-likes-winnow"})
    session = browser.cookies["sessionid"]
    assert (session["httponly"], session["samesite"]) == (True, "Lax")


def test_cookies_in_production_go_by_https_alone_and_belong_to_this_host(tmp_path):
    told = subprocess.run(
        [sys.executable, "-c", COOKIES], cwd=settings.BASE_DIR, capture_output=True, text=True, check=True,
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "ALLOWED_HOSTS": "winnow.example",
             "BASE_URL": "https://winnow.example", "SECRET_KEY": string.ascii_letters + string.digits,
             "DJANGO_SETTINGS_MODULE": "curation.settings.production"},
    ).stdout  # fmt: skip
    given = [SimpleCookie(one) for one in json.loads(told.splitlines()[-1])]
    assert {name for one in given for name in one} == {"__Host-session", "__Host-csrf"}
    for cookie in (cookie for one in given for cookie in one.values()):
        assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")
