"""Lines of the log say what they are about: the request, who asked, the job, its project."""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client

from crowd.clock import database_now
from curation import logs
from curation.models import Job
from curation.services import job_kinds, jobs
from curation.services.job_kinds import JobKind
from tests.factories import make_user

pytestmark = pytest.mark.django_db
log = logging.getLogger("curation.tests")


@pytest.fixture
def lines() -> Iterator[Any]:
    """Give a call that returns what was logged so far, line by line."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.JsonLine())
    logging.getLogger().addHandler(handler)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def broken(monkeypatch) -> None:
    def breaks(**_: Any) -> None:
        log.warning("on the way")
        raise ValueError("broken")

    monkeypatch.setattr("curation.dashboard.account.people.rename", breaks)


def test_every_line_of_a_request_and_its_answer_and_its_page_have_one_name(broken, lines):
    browser, alice = Client(raise_request_exception=False), make_user("Alice")
    browser.force_login(alice)
    answer = browser.post("/account/", {"name": "x"})
    name = answer["X-Request-Id"]
    assert (answer.status_code, len(name)) == (500, 16)
    assert name in answer.content.decode()
    own = [line for line in lines() if line["logger"] in {"curation.tests", "django.request"}]
    assert len(own) == 2
    assert {(line["request_id"], line["user_id"]) for line in own} == {(name, alice.pk)}
    assert "broken" in own[-1]["error"]


def test_two_requests_have_two_names(client):
    assert len({client.get("/sign-in/")["X-Request-Id"] for _ in range(3)}) == 3


def test_what_is_not_there_is_logged_with_its_request(client, lines):
    name = client.get("/api/v1/nothing/")["X-Request-Id"]
    (line,) = [line for line in lines() if line["logger"] == "django.request"]
    assert line["request_id"] == name
    assert "user_id" not in line


@pytest.mark.parametrize(
    ("told", "is_kept"),
    [
        ("proxy-4711-abc", True),
        ("short", False),
        ("a" * 65, False),
        ('aaaaaaaa" x=1', False),
        ("aaaa\u00e4\u00e4aaaa", False),
    ],
)
def test_a_proxys_name_is_kept_where_it_is_one(client, told, is_kept):
    answer = client.get("/sign-in/", headers={"X-Request-Id": told})
    assert (answer["X-Request-Id"] == told) is is_kept


def test_a_fault_of_the_api_tells_its_name_and_nothing_else(client, monkeypatch):
    def breaks(*_: Any, **__: Any) -> None:
        raise ValueError("secret words")

    monkeypatch.setattr("curation.api.projects.ProjectOne.get", breaks)
    client.raise_request_exception = False
    client.force_login(make_user("Alice"))
    answer = client.get(f"/api/v1/projects/{uuid4()}")
    assert answer.status_code == 500
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["X-Request-Id"] in answer.json()["detail"]
    assert "secret words" not in answer.content.decode()


def test_a_job_knows_its_request_and_so_do_the_jobs_it_asks_for(rf, monkeypatch, lines):
    def works(job: Job, _now: Any) -> None:
        log.warning("works at %s", job.key)
        if job.key == "first":
            jobs.enqueue(kind="test", key="second", project_id=7)

    def asks(_request: Any) -> Any:
        with transaction.atomic():
            jobs.enqueue(kind="test", key="first", project_id=7)
        return logs.HttpResponse()

    monkeypatch.setitem(job_kinds.JOB_KINDS, "test", JobKind("not:loaded", lease_seconds=60))
    monkeypatch.setattr(jobs, "handler_of", lambda _kind: works)
    name = logs.RequestIdMiddleware(asks)(rf.post("/"))["X-Request-Id"]
    for key in ("first", "second"):
        assert jobs.run(job_id=Job.objects.get(key=key).pk, now=database_now() + timedelta(seconds=1))
    own = [line for line in lines() if line["logger"] == "curation.tests"]
    assert [(line["request_id"], line["job"], line["project_id"], line["event"]) for line in own] == [
        (name, "test", 7, "works at first"),
        (name, "test", 7, "works at second"),
    ]
    assert [line["job_id"] for line in own] == list(Job.objects.order_by("pk").values_list("pk", flat=True))


def test_the_servers_own_lines_are_of_the_same_form():
    """In a process of its own, as the server makes it: servers of other tests change the loggers of this one."""
    served = (
        "import logging, uvicorn; uvicorn.Config('curation.asgi:application').load(); "
        "logging.getLogger('uvicorn.error').warning('of the server')"
    )
    said = subprocess.run([sys.executable, "-c", served], capture_output=True, text=True, timeout=120, check=True)
    (line,) = [json.loads(line) for line in said.stderr.splitlines()]
    assert (line["logger"], line["event"]) == ("uvicorn.error", "of the server")


def test_outside_of_requests_and_jobs_there_are_no_ids(lines):
    log.warning("alone")
    assert not {"request_id", "job_id", "user_id", "project_id"} & set(lines()[-1])
