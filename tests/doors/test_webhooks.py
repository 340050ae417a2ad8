"""Webhooks: other teams are told once what happened, signed, tried for days, and never at a private address."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from crowd.models import Budget
from curation.models import Asset, Job, Project, User, Webhook, WebhookDelivery, WebhookNotice
from curation.services import assets, budgets, delivering, jobs, pools, webhooks
from curation.services.datasets import freeze_version, request_export
from tests.doors.conftest import photo, publish
from tests.factories import make_asset, make_pool, make_project, make_user

pytestmark = pytest.mark.django_db
State = WebhookDelivery.State


@dataclass
class Listener:
    """Another team's server: answers with `status` and keeps what it was sent."""

    url: str = ""
    status: int = 200
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def listening() -> Iterator[Listener]:
    listener = Listener()

    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            listener.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(listener.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    listener.url = f"http://127.0.0.1:{server.server_port}/told?key=abc"
    yield listener
    server.shutdown()
    server.server_close()


@pytest.fixture
def listener(settings: Any) -> Iterator[Listener]:
    with listening() as found:
        settings.ALLOWED_PRIVATE_HOSTS = [found.url.split("/")[2]]
        yield found


@pytest.fixture
def alice(db: None) -> User:
    return make_user("Alice")


@pytest.fixture
def project(alice: User) -> Project:
    return make_project(lead=alice)


def hook(project: Project, by: User, url: str, *topics: str) -> tuple[Webhook, str]:
    return webhooks.make(project=project, url=url, topics=topics, by=by, now=timezone.now())


def deliver(made: Webhook) -> None:
    """Do what the two jobs do."""
    delivering.write_deliveries(project_id=made.project_id, now=timezone.now())
    delivering.run_deliver(Job(kind="deliver", key=str(made.pk)), timezone.now() + timedelta(seconds=1))


def test_a_frozen_version_is_told_signed_and_once(project, alice, listener):
    made, secret = hook(project, alice, listener.url, "version.published")
    publish(project, photo(1), [("gesture", 0.1)])
    version = freeze_version(project_id=project.pk, by=alice, now=timezone.now())
    deliver(made)
    deliver(made)
    ((headers, body),) = listener.heard
    told = json.loads(body)
    assert (told["type"], told["project"]["slug"]) == ("version.published", project.slug)
    version.refresh_from_db()
    assert told["data"]["items"][0]["datasetversion"] == str(version.public_id)
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert made.deliveries.get().state == State.DELIVERED
    assert not WebhookNotice.objects.exists()


def test_pictures_that_end_at_one_moment_are_told_together_and_only_what_was_asked_for(project, alice, listener):
    made, _ = hook(project, alice, listener.url, "asset.rejected")
    rows = [publish(project, photo(number), []) for number in (1, 2, 3)]
    Asset.objects.update(state="waiting")
    moves = [assets.Move(Asset.objects.get(pk=row.pk), "dropped", reason="blurred") for row in rows]
    assets.decide_all(moves=moves, by_kind="rule", now=timezone.now())
    deliver(made)
    ((_, body),) = listener.heard
    items = json.loads(body)["data"]["items"]
    assert {item["asset"] for item in items} == {str(Asset.objects.get(pk=row.pk).public_id) for row in rows}
    assert {item["reason"] for item in items} == {"blurred"}


def test_nothing_is_noted_where_nobody_listens_and_nothing_of_what_was_undone(project, alice, listener):
    publish(project, photo(1), [])
    freeze_version(project_id=project.pk, by=alice, now=timezone.now())
    assert not WebhookNotice.objects.exists()
    made, _ = hook(project, alice, listener.url, "version.published")
    webhooks.change(webhook_id=made.pk, by=alice, now=timezone.now(), is_active=False)
    freeze_version(project_id=project.pk, by=alice, now=timezone.now())
    assert not WebhookNotice.objects.exists()


def test_a_failing_address_is_tried_for_four_days_longer_apart_each_time_and_then_given_up(project, alice, listener):
    made, _ = hook(project, alice, listener.url, "pool.finished")
    delivery = webhooks.send_test(webhook=made, now=timezone.now())
    listener.status, waits = 503, []
    while delivery.state == State.WAITING:
        assert delivery.next_at is not None
        delivering.run_deliver(Job(kind="deliver", key=str(made.pk)), delivery.next_at)
        delivery.refresh_from_db()
        last = delivery.tries[-1]
        assert (last["status"], last["error"]) == (503, "")
        if delivery.next_at:
            waits.append(round((delivery.next_at - datetime.fromisoformat(last["at"])).total_seconds()))
            WebhookDelivery.objects.filter(pk=delivery.pk).update(next_at=timezone.now())
            delivery.refresh_from_db()
    assert delivery.state == State.GIVEN_UP
    assert tuple(waits) == delivering.PAUSES
    assert 3 * 86_400 < sum(waits) < 5 * 86_400
    assert len({headers["webhook-id"] for headers, _ in listener.heard}) == 1
    listener.status = 200
    webhooks.redeliver(delivery_id=delivery.pk, now=timezone.now())
    deliver(made)
    delivery.refresh_from_db()
    assert delivery.state == State.DELIVERED


def test_an_address_that_is_gone_is_switched_off_with_the_reason(project, alice, listener):
    made, _ = hook(project, alice, listener.url, "pool.finished")
    webhooks.send_test(webhook=made, now=timezone.now())
    listener.status = 410
    deliver(made)
    made.refresh_from_db()
    assert not made.is_active
    assert made.note.startswith("It answered 410")


def test_a_switched_off_webhook_sends_nothing_and_says_so(project, alice, listener):
    made, _ = hook(project, alice, listener.url, "pool.finished")
    delivery = webhooks.send_test(webhook=made, now=timezone.now())
    made = webhooks.change(webhook_id=made.pk, by=alice, now=timezone.now(), is_active=False)
    deliver(made)
    assert listener.heard == []
    for refused in (
        lambda: webhooks.send_test(webhook=made, now=timezone.now()),
        lambda: webhooks.redeliver(delivery_id=delivery.pk, now=timezone.now()),
    ):
        with pytest.raises(webhooks.WebhookRefused, match="switched off"):
            refused()


def test_an_address_that_fails_is_left_alone_before_the_next_message_is_tried(project, alice, listener):
    made, _ = hook(project, alice, listener.url, "pool.finished")
    for _ in range(3):
        webhooks.send_test(webhook=made, now=timezone.now())
    listener.status = 500
    outcome = delivering.run_deliver(Job(kind="deliver", key=str(made.pk)), timezone.now() + timedelta(seconds=1))
    assert outcome is not None
    assert outcome.after == delivering.AFTER_A_FAILURE
    assert len(listener.heard) == 1


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://example.com/", "must start with https"),
        ("https://example.com:22/", "cannot be used; the address must be on port 443 / 8443"),
        ("https://user@example.com/", "without a user name"),
        ("gopher://example.com/", "must start with https"),
    ],
)
def test_an_address_that_can_be_seen_to_be_wrong_is_refused_at_once(project, alice, url, sentence):
    with pytest.raises(webhooks.WebhookRefused, match=sentence):
        hook(project, alice, url, "pool.finished")
    assert not Webhook.objects.exists()


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "https://169.254.169.254/latest/", "https://[::1]:8443/x"])
def test_a_private_address_is_never_called(project, alice, listener, url):
    made, _ = hook(project, alice, url, "pool.finished")
    webhooks.send_test(webhook=made, now=timezone.now())
    deliver(made)
    (one,) = made.deliveries.get().tries
    assert "is not on the public internet" in one["error"]
    assert listener.heard == []


def test_the_secret_is_stored_encrypted_and_a_new_one_signs_from_then_on(project, alice, listener):
    made, secret = hook(project, alice, listener.url, "pool.finished")
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM curation_webhook")
        assert secret.removeprefix("whsec_") not in cursor.fetchone()[0]
    renewed = webhooks.renew_secret(webhook_id=made.pk, by=alice, now=timezone.now())
    assert renewed != secret
    made.refresh_from_db()
    webhooks.send_test(webhook=made, now=timezone.now())
    deliver(made)
    ((headers, body),) = listener.heard
    ident, at = headers["webhook-id"], int(headers["webhook-timestamp"])
    assert headers["webhook-signature"] == webhooks.signature(renewed, ident, at, body)


def test_the_jobs_are_woken_by_what_happens(project, alice, listener):
    hook(project, alice, listener.url, "version.published")
    publish(project, photo(1), [])
    freeze_version(project_id=project.pk, by=alice, now=timezone.now())
    job = Job.objects.get(kind="write_deliveries")
    assert jobs.run(job_id=job.pk, now=timezone.now() + timedelta(seconds=1))
    job = Job.objects.get(kind="deliver")
    assert jobs.run(job_id=job.pk, now=timezone.now() + timedelta(seconds=2))
    assert len(listener.heard) == 1


def told(made: Webhook, listener: Listener) -> dict[str, list[dict[str, Any]]]:
    """Deliver what waits and return the items by topic."""
    deliver(made)
    messages = [json.loads(body) for _, body in listener.heard]
    return {message["type"]: message["data"]["items"] for message in messages}


def test_pictures_are_told_when_people_have_done_with_them_and_when_they_are_through(project, alice, listener):
    made, _ = hook(project, alice, listener.url, "task.completed", "asset.accepted")
    asset = make_asset(project, Asset.State.WORKING, stage="validate", client_key="mine")
    for _ in range(2):
        assets.decide_all(moves=[assets.Move(asset, "passed")], by_kind="crowd", now=timezone.now())
    found = told(made, listener)
    assert [(item["client_key"], item["stage"]) for item in found["task.completed"]] == [("mine", "validate")]
    assert [(item["asset"], item["stage"]) for item in found["asset.accepted"]] == [(str(asset.public_id), "publish")]


def test_a_pool_that_ends_a_budget_that_runs_low_and_an_export_that_is_ready_are_told(project, alice, listener):
    made, _ = hook(project, alice, listener.url, "pool.finished", "budget.warning", "export.ready")
    pool = make_pool(project)
    pools.close_pool(pool_id=pool.pk, by=None, now=timezone.now())
    Budget.objects.filter(project_id=project.pk).update(spent_micro=490_000_000)
    budgets.warn_due(now=timezone.now())
    publish(project, photo(1), [])
    version = freeze_version(project_id=project.pk, by=alice, now=timezone.now())
    export = request_export(dataset_id=version.pk, format="coco", by=alice, now=timezone.now())
    assert jobs.run(job_id=Job.objects.get(kind="export").pk, now=timezone.now() + timedelta(seconds=1))
    found = told(made, listener)
    assert set(found) == {"pool.finished", "budget.warning", "export.ready"}
    assert "reached 10" in found["pool.finished"][0]["text"]
    assert found["budget.warning"][0]["percent"] == 98
    export.refresh_from_db()
    assert found["export.ready"][0]["export"] == str(export.public_id)
