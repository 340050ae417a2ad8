"""Webhooks in the browser: added with a secret shown once, watched in their log, sent again, paused, removed."""

import pytest
from django.conf import settings
from django.core.cache import caches
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from curation.dashboard import webhook_pages
from curation.models import Project, User, Webhook, WebhookDelivery
from curation.services import webhooks
from tests.factories import make_project

pytestmark = pytest.mark.django_db
State = WebhookDelivery.State


def page(project: Project) -> str:
    return reverse("settings-webhooks", args=[project.public_id])


def one(project: Project, hook: Webhook) -> str:
    return reverse("settings-webhook", args=[project.public_id, hook.public_id])


def act(project: Project, hook: Webhook, action: str) -> str:
    return reverse("settings-webhook-act", args=[project.public_id, hook.public_id, action])


@pytest.fixture
def hook(project: Project, alice: User) -> Webhook:
    made, _ = webhooks.make(
        project=project, url="https://team.example/told?key=1", topics=["pool.finished"], by=alice, now=timezone.now()
    )
    made.refresh_from_db()
    return made


def sent(hook: Webhook, state: str, **tried: object) -> WebhookDelivery:
    delivery = webhooks.send_test(webhook=hook, now=timezone.now())
    tries = [{"at": timezone.now().isoformat(), "status": None, "error": "", "ms": 12, **tried}] if tried else []
    WebhookDelivery.objects.filter(pk=delivery.pk).update(state=state, tries=tries)
    delivery.refresh_from_db()
    return delivery


def test_a_webhook_is_added_and_its_secret_shown_once(project: Project, people: dict[str, Client]):
    wish = {"url": "https://team.example/told", "topics": ["asset.accepted", "budget.warning"]}
    text = people["alice"].post(page(project), wish).content.decode()
    secret = text.split('id="secret">')[1].split("<")[0]
    made = Webhook.objects.get()
    assert secret == f"whsec_{made.secrets['signing']}"
    assert made.topics == ["asset.accepted", "budget.warning"]
    again = people["alice"].get(page(project)).content.decode()
    assert secret not in again
    assert "team.example" in again
    assert ">new<" in again


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"url": "http://team.example/", "topics": ["pool.finished"]}, "must start with https"),
        ({"url": "https://team.example/"}, "Choose at least one topic"),
        ({"url": "https://team.example/", "topics": ["asset.eaten"]}, "asset.eaten is no topic"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_added(project, people, wish, sentence):
    answer = people["alice"].post(page(project), wish)
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert wish["url"] in answer.content.decode()
    assert not Webhook.objects.exists()


def test_the_log_shows_bodies_and_tries_and_narrows_by_state(project: Project, hook: Webhook, people):
    sent(hook, State.DELIVERED, status=200)
    sent(hook, State.GIVEN_UP, error="team.example could not be reached.")
    text = people["alice"].get(one(project, hook)).content.decode()
    assert "&quot;type&quot;: &quot;test&quot;" in text
    assert "team.example could not be reached." in text
    assert "The last message was given up" in text
    narrowed = people["alice"].get(one(project, hook), {"state": "delivered"}).content.decode()
    assert "could not be reached.</td>" not in narrowed
    assert people["alice"].get(one(project, hook), {"before": "1"}).content.decode().count("<details>") == 0


def test_a_long_log_is_read_page_by_page(project: Project, hook: Webhook, people, django_assert_max_num_queries):
    for _ in range(30):
        sent(hook, State.DELIVERED, status=204)
    with django_assert_max_num_queries(12):
        first = people["alice"].get(one(project, hook)).content.decode()
    older = first.split("?before=")[1].split('"')[0]
    second = people["alice"].get(one(project, hook), {"before": older}).content.decode()
    assert (first.count("webhook-id:"), second.count("webhook-id:")) == (25, 5)


def test_a_message_is_sent_again_under_its_id(project: Project, hook: Webhook, people):
    delivery = sent(hook, State.GIVEN_UP, status=500)
    where = reverse("settings-webhook-again", args=[project.public_id, hook.public_id, delivery.public_id])
    assert people["alice"].post(where).status_code == 302
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == (State.WAITING, [])


def test_a_webhook_is_paused_resumed_tried_changed_and_removed(project: Project, hook: Webhook, people):
    alice = people["alice"]
    alice.post(act(project, hook, "pause"))
    assert ">off<" in alice.get(page(project)).content.decode()
    refused = alice.post(act(project, hook, "test"))
    assert refused.status_code == 400
    assert "switched off" in refused.content.decode()
    alice.post(act(project, hook, "resume"))
    assert alice.post(act(project, hook, "test")).status_code == 302
    assert hook.deliveries.get().topic == "test"
    alice.post(one(project, hook), {"url": "https://other.example/", "topics": ["export.ready"]})
    hook.refresh_from_db()
    assert (hook.url, hook.topics, hook.is_active) == ("https://other.example/", ["export.ready"], True)
    before = hook.secrets["signing"]
    text = alice.post(one(project, hook), {"new-secret": ""}).content.decode()
    hook.refresh_from_db()
    assert hook.secrets["signing"] in text
    assert hook.secrets["signing"] != before
    assert alice.post(act(project, hook, "explode")).status_code == 404
    alice.post(act(project, hook, "remove"))
    assert not Webhook.objects.exists()


def test_a_webhook_that_is_removed_meanwhile_is_not_found(project: Project, hook: Webhook, people, monkeypatch):
    real = webhook_pages._hook

    def removed(seat, webhook_id):
        found = real(seat, webhook_id)
        Webhook.objects.all().delete()
        return found

    monkeypatch.setattr(webhook_pages, "_hook", removed)
    assert people["alice"].get(one(project, hook)).status_code == 404


def test_reloading_a_page_with_a_secret_does_nothing_again(project: Project, hook: Webhook, alice: User, people):
    lead = people["alice"]
    new = {"url": "https://team.example/", "topics": ["export.ready"], "once": "a" * 16}
    shown = lead.post(one(project, hook), {"new-secret": "", "once": "b" * 16})
    for cache in settings.CACHES:
        caches[cache].clear()  # as when Redis is away in between, or a process is started again
    hook.refresh_from_db()
    secret = hook.secrets["signing"]
    assert secret in shown.content.decode()
    assert 'href="?' not in shown.content.decode()
    assert lead.post(one(project, hook), {"new-secret": "", "once": "b" * 16}).status_code == 302
    assert [lead.post(page(project), new).status_code for _ in range(2)] == [200, 302]
    hook.refresh_from_db()
    assert hook.secrets["signing"] == secret
    assert Webhook.objects.count() == 2


@pytest.mark.parametrize("person", ["rita", "vera", "charlie"])
def test_only_leads_find_the_webhooks_and_only_their_own(project: Project, hook: Webhook, charlie, people, person):
    theirs = make_project("Theirs", lead=charlie)
    for where in (page(project), one(project, hook)):
        assert people[person].get(where).status_code == 404
    assert people[person].post(act(project, hook, "remove")).status_code == 404
    assert people["charlie"].get(one(theirs, hook)).status_code == 404
    assert Webhook.objects.exists()
