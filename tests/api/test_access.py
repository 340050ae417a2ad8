"""Every address by every caller: anonymous 401, strangers 404, members by role, tokens by scope and project."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from curation.api import urls
from curation.models import (
    ApiToken,
    Membership,
    Pool,
    User,
)
from tests.api.conftest import Caller, token_of
from tests.doors.conftest import photo
from tests.factories import make_project


@dataclass(frozen=True)
class Route:
    """One method of one address: the scope it needs, and whether only leads, or they and reviewers, may use it."""

    method: str
    name: str
    path: str
    scope: str
    lead_only: bool = False
    reviewers: bool = False
    is_list: bool = False
    data: Any = None
    ok: int = 200


FILES = ("file", "lines", "piece")  # what doors take that need no key: files have identities of their own
NOBODYS = str(uuid4())
ABOUT = {"project": "{project}", "reason": "careless"}
ROUTES = [
    Route("GET", "api-projects", "projects", "read", is_list=True),
    Route("POST", "api-projects", "projects", "admin", is_list=True, data={"recipe": "no-such", "name": "x"}, ok=400),
    Route("GET", "api-project", "projects/{project}", "read"),
    Route("GET", "api-stages", "projects/{project}/stages", "read"),
    Route("GET", "api-project-tags", "projects/{project}/tags", "read"),
    Route(
        "POST", "api-project-assets", "projects/{project}/assets", "assets:write", lead_only=True, data="file", ok=201
    ),
    Route(
        "POST",
        "api-project-buckets",
        "projects/{project}/buckets",
        "assets:write",
        lead_only=True,
        data={"address": "s3://nobody/"},
        ok=409,
    ),
    Route("GET", "api-pools", "pools", "read", is_list=True),
    Route("GET", "api-pool", "pools/{pool}", "read"),
    Route("PATCH", "api-pool", "pools/{pool}", "pools", lead_only=True, data={"priority": 3}),
    Route("POST", "api-pool-action", "pools/{pool}/pause", "pools", lead_only=True),
    Route("GET", "api-price-trials", "price-trials", "read", is_list=True),
    Route(
        "POST",
        "api-price-trials",
        "price-trials",
        "pools",
        lead_only=True,
        data={"pool": "{pool}", "prices_usd": ["0.02", "0.03"], "cap_usd": "1.00"},
        ok=409,
    ),
    Route("GET", "api-price-trial", "price-trials/{trial}", "read"),
    Route("POST", "api-price-trial-stop", "price-trials/{trial}/stop", "pools", lead_only=True, data={}),
    Route("GET", "api-assets", "assets", "read", is_list=True),
    Route("POST", "api-assets-batch", "assets:batch?project={project}", "assets:write", lead_only=True, data="lines"),
    Route("GET", "api-asset", "assets/{asset}", "read"),
    Route("GET", "api-asset-original", "assets/{asset}/original", "export", lead_only=True),
    Route("GET", "api-uploads", "uploads", "assets:write", is_list=True),
    Route(
        "POST",
        "api-uploads",
        "uploads",
        "assets:write",
        lead_only=True,
        data={"project": "{project}", "name": "b.jpg", "size": 10, "sha256": "0" * 64},
        ok=201,
    ),
    Route("GET", "api-upload", "uploads/{upload}", "assets:write", lead_only=True),
    Route("PATCH", "api-upload", "uploads/{upload}", "assets:write", lead_only=True, data="piece", ok=204),
    Route("DELETE", "api-upload", "uploads/{upload}", "assets:write", lead_only=True, ok=204),
    Route("POST", "api-upload-complete", "uploads/{upload}/complete", "assets:write", lead_only=True, ok=409),
    Route("GET", "api-batches", "batches", "assets:write", is_list=True),
    Route("GET", "api-batch", "batches/{batch}", "assets:write", lead_only=True),
    Route("GET", "api-links", "links", "assets:write", is_list=True),
    Route("GET", "api-imports", "imports", "assets:write", is_list=True),
    Route(
        "POST",
        "api-imports",
        "imports",
        "assets:write",
        lead_only=True,
        data={"project": "{project}", "address": "s3://nobody/"},
        ok=409,
    ),
    Route("GET", "api-import", "imports/{import}", "assets:write", lead_only=True),
    Route("POST", "api-import-start", "imports/{import}/start", "assets:write", lead_only=True, data={}, ok=409),
    Route("POST", "api-import-cancel", "imports/{import}/cancel", "assets:write", lead_only=True),
    Route("GET", "api-annotations", "annotations", "read", is_list=True),
    Route("GET", "api-annotation", "annotations/{annotation}", "read"),
    Route("GET", "api-consensus-list", "consensus", "read", is_list=True),
    Route("GET", "api-consensus", "consensus/{consensus}", "read"),
    Route("GET", "api-reviews", "reviews", "read", is_list=True),
    Route("POST", "api-reviews", "reviews", "review", reviewers=True, data="decisions"),
    Route("GET", "api-review", "reviews/{review}", "read"),
    Route("GET", "api-workers", "workers?project={project}", "read"),
    Route("GET", "api-worker", "workers/{worker}?project={project}", "read"),
    Route("POST", "api-worker-ban", "workers/{worker}/ban", "admin", lead_only=True, data={**ABOUT, "days": 3}),
    Route("POST", "api-worker-warn", "workers/{worker}/warn", "admin", lead_only=True, data=ABOUT),
    Route(
        "POST",
        "api-worker-lift",
        "workers/{worker}/lift",
        "admin",
        lead_only=True,
        data={"project": "{project}", "restriction": "{restriction}"},
    ),
    Route("GET", "api-evidence-list", "evidence", "read", is_list=True),
    Route("GET", "api-evidence", "evidence/{evidence}", "read"),
    Route("POST", "api-evidence-word", "evidence/{evidence}/confirm", "review", lead_only=True),
    Route("GET", "api-ledger", "ledger", "read", is_list=True),
    Route("GET", "api-ledger-entry", "ledger/{entry}", "read"),
    Route("GET", "api-forecast", "forecast?project={project}", "read"),
    Route("POST", "api-forecast", "forecast", "read", is_list=True, data={"recipe": "no-such", "name": "x"}, ok=400),
    Route("GET", "api-events", "events", "read", is_list=True),
    Route("GET", "api-event", "events/{event}", "read", lead_only=True),
    Route("GET", "api-datasets", "datasets", "read", is_list=True),
    Route("POST", "api-datasets", "datasets", "export", lead_only=True, data={"project": "{project}"}, ok=202),
    Route("GET", "api-dataset", "datasets/{dataset}", "read"),
    Route("GET", "api-dataset-difference", "datasets/{dataset}/difference?since={dataset}", "read"),
    Route("GET", "api-dataset-changes", "datasets/{dataset}/changes?since={dataset}&kind=added", "read"),
    Route("POST", "api-dataset-split", "datasets/{dataset}/split", "export", lead_only=True, data={"seed": 3}, ok=202),
    Route("GET", "api-dataset-readers", "datasets/{dataset}/readers", "read"),
    Route("GET", "api-predictions", "predictions", "read", is_list=True),
    Route(
        "POST",
        "api-predictions",
        "predictions?dataset={dataset}&model=detector&model_version=2",
        "assets:write",
        lead_only=True,
        data="lines",
        ok=409,
    ),
    Route("GET", "api-predictions-one", "predictions/{predictions}", "read"),
    Route("GET", "api-scenarios", "scenarios", "read", is_list=True),
    Route("GET", "api-exports", "exports", "read", is_list=True),
    Route(
        "POST",
        "api-exports",
        "exports",
        "export",
        lead_only=True,
        data={"dataset": "{dataset}", "format": "coco"},
        ok=202,
    ),
    Route("GET", "api-export", "exports/{export}", "read"),
    Route("POST", "api-export-cancel", "exports/{export}/cancel", "export", lead_only=True),
    Route("GET", "api-export-download", "exports/{export}/download", "export", lead_only=True, ok=409),
    Route("GET", "api-webhooks", "webhooks", "admin", is_list=True),
    Route(
        "POST",
        "api-webhooks",
        "webhooks",
        "admin",
        lead_only=True,
        data={"project": "{project}", "url": "https://example.com/told", "topics": ["pool.finished"]},
        ok=201,
    ),
    Route("GET", "api-webhook", "webhooks/{webhook}", "admin", lead_only=True),
    Route("PATCH", "api-webhook", "webhooks/{webhook}", "admin", lead_only=True, data={"is_active": False}),
    Route("DELETE", "api-webhook", "webhooks/{webhook}", "admin", lead_only=True, ok=204),
    Route("POST", "api-webhook-secret", "webhooks/{webhook}/secret", "admin", lead_only=True),
    Route("POST", "api-webhook-test", "webhooks/{webhook}/test", "admin", lead_only=True, ok=202),
    Route("GET", "api-deliveries", "webhooks/{webhook}/deliveries", "admin", lead_only=True),
    Route(
        "POST", "api-delivery-again", "webhooks/{webhook}/deliveries/{delivery}/again", "admin", lead_only=True, ok=202
    ),
    Route("GET", "api-jobs", "jobs", "read", is_list=True),
    Route("GET", "api-job", "jobs/{job}", "read"),
]
every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")


def call(caller: Client, route: Route, world: dict[str, str]) -> Any:
    path = "/api/v1/" + route.path.format(**world)
    if route.data == "file":
        from django.core.files.uploadedfile import SimpleUploadedFile

        return caller.post(path, {"file": SimpleUploadedFile("a.jpg", photo(50)), "client_key": "k"})
    if route.data == "lines":
        return caller.post(path, '{"client_key": "k", "data_base64": "AAAA"}', content_type="application/jsonl")
    if route.data == "piece":
        kind = "application/offset+octet-stream"
        return caller.patch(path, b"ten bytes.", content_type=kind, headers={"Upload-Offset": "0"})
    if route.data == "decisions":
        nothing = {"key": NOBODYS, "asset": NOBODYS, "verdict": "accept"}
        return Caller.send(caller, route.method, path, {"project": world["project"], "decisions": [nothing]})  # type: ignore[arg-type]
    data = route.data and {
        name: text.format(**world) if isinstance(text, str) else text for name, text in route.data.items()
    }
    return Caller.send(caller, route.method, path, data)  # type: ignore[arg-type]


def test_every_address_of_the_api_is_in_this_matrix():
    open_to_all = {"api-schema", "api-docs", "api-nothing"}
    assert {one.name for one in urls.urlpatterns} == {route.name for route in ROUTES} | open_to_all
    methods = ("get", "post", "put", "patch", "delete")
    for one in urls.urlpatterns:
        if one.name not in open_to_all:
            view = one.callback.view_class
            served = {method.upper() for method in methods if hasattr(view, method)}
            assert served == {route.method for route in ROUTES if route.name == one.name}, one.name
    assert get_resolver().resolve("/api/v1/projects").url_name == "api-projects"


@every_route
def test_the_anonymous_are_told_to_identify_themselves(route: Route, world: dict[str, str]):
    answer = call(Client(), route, world)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer["Content-Type"] == "application/problem+json"


@every_route
def test_a_stranger_finds_nothing(route: Route, world: dict[str, str], charlie: Caller):
    answer = call(charlie, route, world)
    if route.is_list:
        assert route.method == "POST" or answer.json()["results"] == []
    else:
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@every_route
def test_an_operator_who_is_no_member_is_a_stranger(route: Route, world: dict[str, str], people: dict[str, User]):
    User.objects.filter(pk=people["Charlie"].pk).update(is_staff=True, is_superuser=True)
    test_a_stranger_finds_nothing(route, world, Caller(token_of(people["Charlie"])))


@every_route
@pytest.mark.parametrize("name", ["Rita", "Vera"])
def test_members_read_and_only_leads_change(route: Route, world: dict[str, str], people: dict[str, User], name: str):
    answer = call(Caller(token_of(people[name])), route, world)
    if route.lead_only:
        assert (answer.status_code, answer.json()["code"]) == (403, "lead_only")
    elif route.reviewers and name == "Vera":
        assert (answer.status_code, answer.json()["code"]) == (403, "reviewer_only")
    else:
        assert answer.status_code == route.ok


@every_route
def test_a_lead_may_do_everything(route: Route, world: dict[str, str], alice: Caller):
    assert call(alice, route, world).status_code == route.ok


@pytest.mark.parametrize(
    "route",
    [one for one in ROUTES if one.method != "GET" and one.data not in FILES],
    ids=lambda route: f"{route.method} {route.path}",
)
def test_a_write_sent_twice_with_one_key_is_answered_the_same(route: Route, world: dict[str, str], alice: Caller):
    alice.defaults["HTTP_IDEMPOTENCY_KEY"] = "once"
    first, second = call(alice, route, world), call(alice, route, world)
    assert second.status_code == first.status_code
    if first.content:
        assert second.json().items() <= first.json().items()  # a secret is shown once only
    assert second.headers.get("Idempotency-Replayed") == ("true" if first.status_code < 300 else None)


@every_route
def test_a_token_without_the_scope_is_told_which_one_it_needs(
    route: Route, world: dict[str, str], people: dict[str, User]
):
    others = [scope for scope in ("read", "assets:write", "review", "pools", "export", "admin") if scope != route.scope]
    answer = call(Caller(token_of(people["Alice"], *others)), route, world)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert repr(route.scope) in answer.json()["detail"]


@every_route
def test_a_token_for_another_project_finds_nothing_here(route: Route, world: dict[str, str], people: dict[str, User]):
    other = make_project("Other", lead=people["Alice"])
    answer = call(Caller(token_of(people["Alice"], projects=[other])), route, world)
    if route.is_list:
        found = answer.json().get("results", [])
        assert [row["id"] for row in found] in ([], [str(other.public_id)])
    else:
        assert answer.status_code == 404


@pytest.mark.parametrize(
    ("change", "code"),
    [({"expires_at": timezone.now()}, "token_expired"), ({"revoked_at": timezone.now()}, "token_revoked")],
)
def test_a_dead_token_says_why(people: dict[str, User], change: dict[str, Any], code: str):
    text = token_of(people["Alice"])
    ApiToken.objects.update(**change)
    answer = Caller(text).get("/api/v1/projects")
    assert (answer.status_code, answer.json()["code"]) == (401, code)


def test_somebody_who_was_removed_is_a_stranger_at_once(world: dict[str, str], alice: Caller, people: dict[str, User]):
    assert alice.get(f"/api/v1/projects/{world['project']}").status_code == 200
    Membership.objects.filter(user=people["Alice"]).delete()
    assert alice.get(f"/api/v1/projects/{world['project']}").status_code == 404


def test_the_browser_session_reads_but_writes_only_with_its_csrf_token(pool: Pool, people: dict[str, User]):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(people["Alice"])
    path = f"/api/v1/pools/{pool.pk}"
    assert browser.get(path).status_code == 200
    refused = browser.patch(path, {"priority": 5}, content_type="application/json")
    assert refused.status_code == 403
    browser.cookies["csrftoken"] = "a" * 32
    answer = browser.patch(path, {"priority": 5}, content_type="application/json", headers={"X-CSRFToken": "a" * 32})
    assert answer.json()["priority"] == 5


def test_too_many_requests_are_told_when_to_come_back(alice: Caller, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("curation.api.doors.ApiThrottle.rate", "2/min")
    assert [alice.get("/api/v1/projects").status_code for _ in range(3)] == [200, 200, 429]
    answer = alice.get("/api/v1/projects")
    assert answer.json()["code"] == "throttled"
    assert 0 < int(answer["Retry-After"]) <= 60
