"""Every address outside the API, taken from the address list itself, and whose it is: the one list of truth.

tests/security/test_matrix.py asks each of them in every role and fails at one that nobody has put into a list here.
Below is what has to be made before it can be asked for: files, exports, websockets.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth.models import AnonymousUser
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from crowd.models import Assignment
from curation.asgi import application
from curation.live.doorbell import STRANGER
from curation.live.routes import routes
from curation.models import Asset, AssetPreview, Job, Pool, Project, User
from curation.services import jobs
from tests.doors.conftest import photo
from tests.factories import make_answer, make_asset, make_evidence, make_worker

pytestmark = pytest.mark.django_db

# What metrics answers to whom is in tests/operation.
OPEN_TO_ALL = {"healthz", "metrics", "readyz", "sign-in", "sign-in-code", "sign-in-link", "theme"}
OF_THE_PERSON = {
    "account", "account-confirm", "forecast", "forecast-start", "help", "help-page", "home-pools", "live-home",
    "new-project", "new-project-plan", "own-keys", "own-session-end", "own-sessions-end", "own-token-revoke", "palette",
    "plan-discard", "plan-draft", "plan-file", "plan-load", "plan-preset", "plan-rehearse", "plan-rest", "plan-save",
    "plan-tried", "plan-try", "platform-account", "platform-account-change", "platform-account-new",
    "platform-account-test", "platform-account-use", "platform-account-webhook", "platform-accounts",
    "platform-command-decide", "projects", "rehearsal", "rehearsal-cancel", "rehearsal-compare", "rehearsal-remove",
    "rehearsals-all", "sign-out", "trash", "try-code", "two-factor",
}  # fmt: skip
OF_OPERATORS = {"system", "system-job", "system-log", "system-processes", "system-storage"}
VIEWERS_POST = {"view-add"}
REVIEWERS_POST = {
    "asset-flag", "duplicates-say", "likeness-decide", "publish-report", "publish-suggest", "review-checks-decisions",
    "review-decisions", "review-release", "submissions-judge",
}  # fmt: skip


def addresses(patterns: Any = None, before: str = "") -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Return name, place and parameters of every address outside the API and the workers' own pages."""
    for one in get_resolver().url_patterns if patterns is None else patterns:
        place = before + str(one.pattern)
        if isinstance(one, URLResolver):
            if place not in {"api/", "w/", "x/"}:
                yield from addresses(one.url_patterns, place)
        elif isinstance(one, URLPattern):
            yield one.name or place, place, tuple(one.pattern.converters)


OF_PROJECTS = [(name, place) for name, place, parts in addresses() if {"public_id", "asset_id"} & set(parts)]


@pytest.fixture
def world(project: Project, pool: Pool) -> dict[str, Any]:
    """Return what stands for each part of an address; a part of a new kind must be added here."""
    worker = make_worker()
    make_answer(pool, worker, Assignment.State.SUBMITTED)
    sent = make_asset(project, Asset.State.HELD, stage="checks", worker=worker, answer=make_answer(pool, worker))
    picture = project.assets.exclude(pk=sent.pk).earliest("pk")
    thumb = default_storage.save("thumb.jpg", ContentFile(photo(9)))
    AssetPreview.objects.create(asset=picture, thumb_key=thumb, screen_key=thumb, grey_key=thumb)
    version = project.versions.first()
    return {
        "public_id": project.public_id,
        "asset_id": picture.public_id,
        "pool_id": pool.pk,
        "worker_id": worker.pk,
        "evidence_id": make_evidence(sent).pk,
        "dataset_id": version.public_id if version else UUID(int=1),
        "by": "worker",
        "kind": "csv",
        "variant": "thumb",
    }


@pytest.fixture
def browsers(people: dict[str, User]) -> dict[str, Client]:
    """A signed-in browser for everybody, and one without a session."""
    clients = {name: Client() for name in (*people, "nobody")}
    for name, user in people.items():
        clients[name].force_login(user)
    return clients


def url_of(place: str, world: dict[str, Any]) -> str:
    usual = {"int": 1, "uuid": UUID(int=1), "slug": "x", "str": "x", "path": "x"}
    parts = []
    for part in place.split("/"):
        head, opened, rest = part.partition("<")
        kind, _, name = rest.partition(">")[0].partition(":")
        parts.append(f"{head}{world.get(name, usual[kind])}{rest.partition('>')[2]}" if opened else part)
    return "/" + "/".join(parts)


@pytest.mark.parametrize("page", ["ledger-csv", "statement-csv", "assets-ids", "project", "live", "media"])
def test_a_member_finds_what_strangers_do_not(page: str, world, browsers):
    place = next(place for name, place in OF_PROJECTS if name == page)
    assert browsers["Vera"].get(url_of(place, world)).status_code == 200


def test_an_original_and_an_export_are_for_leads(world, browsers, export):
    jobs.run(job_id=Job.objects.get(kind="export").pk, now=timezone.now())
    media = f"/m/{world['asset_id']}/original/"
    zipped = f"/p/{world['public_id']}/exports/{export.public_id}/"
    for url in (media, zipped):
        seen = {name: browser.get(url).status_code for name, browser in browsers.items()}
        assert seen == {"Alice": 200, "Rita": 404, "Vera": 404, "Charlie": 404, "nobody": 302}, url


@pytest.mark.django_db(transaction=True)
def test_a_websocket_opens_for_members_only(people: dict[str, User], project: Project):
    assert [str(route.pattern) for route in routes] == ["ws/projects/<uuid:public_id>/", ""]

    async def first_word(user: Any) -> dict[str, Any]:
        place = {"args": (), "kwargs": {"public_id": project.public_id}}
        socket = ApplicationCommunicator(routes[0].callback, {"type": "websocket", "user": user, "url_route": place})
        await socket.send_input({"type": "websocket.connect"})
        said: dict[str, Any] = await socket.receive_output(timeout=60)
        await socket.send_input({"type": "websocket.disconnect", "code": 1000})
        await socket.wait(timeout=60)
        return said

    assert async_to_sync(first_word)(people["Vera"])["type"] == "websocket.accept"
    for stranger in (people["Charlie"], AnonymousUser()):
        said = async_to_sync(first_word)(stranger)
        assert (said["type"], said["code"]) == ("websocket.close", STRANGER)


def test_a_websocket_is_no_door_for_pages_of_other_sites(project: Project):
    """A browser sends the cookie of whoever is signed in along with a websocket, wherever the page came from."""
    path = f"/ws/projects/{project.public_id}/"
    assert _first_word_at(path).get("code") == STRANGER  # asked who it is
    elsewhere = _first_word_at(path, b"https://elsewhere.example")
    assert elsewhere["type"] == "websocket.close"
    assert elsewhere.get("code") != STRANGER


@pytest.mark.parametrize("path", ["/ws/", "/ws/projects/1/", "/"])
def test_where_no_websocket_is_one_is_closed_without_a_word(path: str, caplog):
    said = _first_word_at(path)
    assert (said["type"], said["code"], caplog.text) == ("websocket.close", STRANGER, "")


def _first_word_at(path: str, origin: bytes = b"http://127.0.0.1") -> dict[str, Any]:
    async def answer() -> dict[str, Any]:
        place = {"path": path, "headers": [(b"origin", origin)], "query_string": b""}
        socket = ApplicationCommunicator(application, {"type": "websocket", **place})
        await socket.send_input({"type": "websocket.connect"})
        said: dict[str, Any] = await socket.receive_output(timeout=60)
        return said

    return async_to_sync(answer)()
