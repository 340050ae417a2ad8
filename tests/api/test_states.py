"""ETags, fields, order: reading only what changed, only what is asked for, and editing only what was read."""

import pytest

from curation.models import Asset, Event, Pool, Project, Webhook, WebhookDelivery
from tests.api.conftest import Caller
from tests.factories import make_asset


def test_who_knows_a_row_already_gets_nothing_until_it_changes(alice: Caller, pool: Pool):
    path = f"/api/v1/pools/{pool.pk}"
    tag = alice.get(path)["ETag"]
    again = alice.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
    assert alice.get(path, headers={"If-None-Match": f'"other", W/{tag}'}).status_code == 304
    Pool.objects.filter(pk=pool.pk).update(priority=7)
    assert alice.get(path, headers={"If-None-Match": tag}).json()["priority"] == 7


def test_an_edit_of_what_changed_meanwhile_is_refused_and_changes_nothing(alice: Caller, pool: Pool):
    path = f"/api/v1/pools/{pool.pk}"
    tag = alice.get(path)["ETag"]
    first = alice.send("PATCH", path, {"priority": 5}, **{"If-Match": tag})
    assert first.json()["priority"] == 5
    second = alice.send("PATCH", path, {"priority": 6}, **{"If-Match": tag})
    assert (second.status_code, second.json()["code"]) == (412, "changed_meanwhile")
    pool.refresh_from_db()
    assert (pool.priority, Event.objects.filter(kind="pool.changed").count()) == (5, 1)
    assert alice.send("PATCH", path, {"priority": 6}, **{"If-Match": first["ETag"]}).json()["priority"] == 6
    assert alice.send("PATCH", path, {"priority": 8}, **{"If-Match": "*"}).status_code == 200


@pytest.mark.parametrize("action", ["pause", "close"])
def test_a_pool_is_stopped_only_as_it_was_seen(alice: Caller, pool: Pool, action: str):
    answer = alice.send("POST", f"/api/v1/pools/{pool.pk}/{action}", **{"If-Match": '"stale"'})
    assert answer.status_code == 412
    pool.refresh_from_db()
    assert pool.state == Pool.State.OPEN


def test_a_webhook_is_changed_and_removed_only_as_it_was_seen(alice: Caller, delivery: WebhookDelivery):
    path = f"/api/v1/webhooks/{delivery.webhook.public_id}"
    tag = alice.get(path)["ETag"]
    changed = alice.send("PATCH", path, {"is_active": False}, **{"If-Match": tag})
    assert alice.delete(path, headers={"If-Match": tag}).status_code == 412
    assert Webhook.objects.count() == 1
    assert alice.delete(path, headers={"If-Match": changed["ETag"]}).status_code == 204


def test_only_the_fields_that_are_asked_for_come(alice: Caller, project: Project):
    page = alice.get("/api/v1/assets", {"fields": "id,state", "limit": "1"}).json()
    assert [list(row) for row in page["results"]] == [["id", "state"]]
    one = f"/api/v1/assets/{page['results'][0]['id']}"
    assert alice.get(one, {"fields": "name,decisions"}).json() == {"name": "", "decisions": []}
    assert alice.get(one, {"fields": "name"})["ETag"] == alice.get(one)["ETag"]


@pytest.mark.parametrize("path", ["assets", "pools", "projects", "events", "ledger", "jobs"])
def test_a_field_that_does_not_exist_is_named(alice: Caller, path: str):
    answer = alice.get(f"/api/v1/{path}", {"fields": "id,project__slug"})
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_field")
    assert "'project__slug'" in answer.json()["detail"]


def test_what_nobody_asked_for_is_not_read(alice: Caller, project: Project, django_assert_num_queries):
    alice.get("/api/v1/assets", {"fields": "id"})
    with django_assert_num_queries(3):  # the token with the clock, the project, the rows
        alice.get("/api/v1/assets", {"fields": "id", "project": str(project.public_id)})


def test_the_newest_come_first_when_asked_for_and_pages_go_on_so(alice: Caller, project: Project):
    made = [make_asset(project, Asset.State.DROPPED, reason="same_photo") for _ in range(3)]
    first = alice.get("/api/v1/assets", {"order": "newest", "limit": "2"}).json()
    rest = alice.get("/api/v1/assets", {"order": "newest", "limit": "2", "cursor": first["next"]}).json()
    names = [row["id"] for row in first["results"] + rest["results"]]
    assert names[:3] == [str(one.public_id) for one in reversed(made)]
    turned = alice.get("/api/v1/assets", {"limit": "2", "cursor": first["next"]})
    assert turned.json()["code"] == "bad_cursor"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "pools/{pool}"), ("PATCH", "pools/{pool}"), ("POST", "pools/{pool}/pause"), ("POST", "datasets")],
)
def test_a_parameter_nobody_knows_is_refused_everywhere(alice: Caller, pool: Pool, method: str, path: str):
    answer = alice.send(method, f"/api/v1/{path.format(pool=pool.pk)}?project__name=x", {})
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_parameter")
    assert "'project__name'" in answer.json()["detail"]


def test_a_parameter_given_twice_is_refused(alice: Caller):
    answer = alice.get("/api/v1/assets?state=dropped&state=held")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")


def test_a_name_that_a_body_does_not_know_is_refused(alice: Caller, project: Project):
    wish = {"project": str(project.public_id), "noet": "for Friday"}
    answer = alice.send("POST", "/api/v1/datasets", wish)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert "'noet' is no field here" in answer.json()["detail"]
