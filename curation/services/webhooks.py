"""Webhooks: who is told what, where, and how it is signed.

Signatures follow Standard Webhooks (https://www.standardwebhooks.com): headers webhook-id, webhook-timestamp and
webhook-signature = "v1," + base64(HMAC-SHA256(secret, "id.timestamp.body")).
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from crowd.errors import CrowdError
from crowd.fetching import AddressRefused, Limits
from crowd.fetching.links import read_link
from crowd.secrets import Secrets
from curation.models import Project, User, Webhook, WebhookDelivery
from curation.services import events, jobs
from curation.services.notices import TOPICS

State = WebhookDelivery.State
LIMITS = Limits(total_seconds=10.0, connect_seconds=5.0, idle_seconds=10.0, ports=frozenset({443, 8443}))
PREFIX = "whsec_"
MOST_OF_PROJECT = 20
KEPT = timedelta(days=30)


class WebhookRefused(CrowdError):
    """A webhook that cannot be as it was asked for; the sentence says why."""


@transaction.atomic
def make(*, project: Project, url: str, topics: Sequence[str], by: User, now: datetime) -> tuple[Webhook, str]:
    """Add a webhook and return it with its secret, which can be shown only now. Raises WebhookRefused."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    if Webhook.objects.filter(project=project).count() >= MOST_OF_PROJECT:
        raise WebhookRefused(f"A project has at most {MOST_OF_PROJECT} webhooks; remove one first.")
    secret = _new_secret()
    hook = Webhook(project=project, url=_checked(url), topics=_known(topics), created_by=by)
    hook.secrets = Secrets(signing=secret)
    hook.save()
    _tell(hook, by, f"{by.name} added a webhook to {_host(hook.url)}.", "webhook.added", now)
    return hook, PREFIX + secret


@transaction.atomic
def change(
    *,
    webhook_id: int,
    by: User,
    now: datetime,
    url: str | None = None,
    topics: Sequence[str] | None = None,
    is_active: bool | None = None,
) -> Webhook:
    """Change an address, what it is told, or switch it on and off. Raises WebhookRefused."""
    hook = Webhook.objects.select_for_update().select_related("project").get(pk=webhook_id)
    hook.url = hook.url if url is None else _checked(url)
    hook.topics = hook.topics if topics is None else _known(topics)
    if is_active is not None:
        hook.is_active, hook.note = is_active, ""
    hook.save(update_fields=["url", "topics", "is_active", "note"])
    _tell(hook, by, f"{by.name} changed the webhook to {_host(hook.url)}.", "webhook.changed", now)
    wake(hook.pk, hook.project_id)
    return hook


@transaction.atomic
def renew_secret(*, webhook_id: int, by: User, now: datetime) -> str:
    """Sign with a new secret from now on and return it."""
    hook = Webhook.objects.select_for_update().select_related("project").get(pk=webhook_id)
    secret = _new_secret()
    hook.secrets = Secrets(signing=secret)
    hook.save(update_fields=["secrets"])
    _tell(hook, by, f"{by.name} renewed the secret of the webhook to {_host(hook.url)}.", "webhook.changed", now)
    return PREFIX + secret


@transaction.atomic
def remove(*, webhook_id: int, by: User, now: datetime) -> None:
    """Remove a webhook with its log; what waits is not delivered any more."""
    hook = Webhook.objects.select_for_update().select_related("project").get(pk=webhook_id)
    _tell(hook, by, f"{by.name} removed the webhook to {_host(hook.url)}.", "webhook.removed", now)
    hook.delete()


@transaction.atomic
def send_test(*, webhook: Webhook, by: User | None = None, now: datetime) -> WebhookDelivery:
    """Send a message that says it is a test. Raises WebhookRefused."""
    _require_active(webhook)
    _tell(webhook, by, f"A test message to {_host(webhook.url)} was asked for.", "webhook.tested", now)
    return plan(webhook=webhook, topic="test", items=[{"note": "A test, sent by hand."}], now=now)


@transaction.atomic
def redeliver(*, delivery_id: int, now: datetime) -> WebhookDelivery:
    """Send a message again, at once and with all its tries anew; its id stays. Raises WebhookRefused."""
    related = WebhookDelivery.objects.select_for_update(of=("self",)).select_related("webhook__project")
    delivery = related.get(pk=delivery_id)
    _require_active(delivery.webhook)
    delivery.state, delivery.next_at, delivery.tries = State.WAITING, now, []
    delivery.save(update_fields=["state", "next_at", "tries"])
    wake(delivery.webhook_id, delivery.webhook.project_id)
    return delivery


def _require_active(hook: Webhook) -> None:
    if not hook.is_active:
        raise WebhookRefused("This webhook is switched off; switch it on first.")


def plan(*, webhook: Webhook, topic: str, items: Sequence[object], now: datetime) -> WebhookDelivery:
    """Write one message about these items and ring for its delivery."""
    project = webhook.project
    payload = {
        "type": topic,
        "timestamp": now.isoformat(),
        "project": {"id": str(project.public_id), "slug": project.slug},
        "data": {"items": list(items)},
    }
    delivery = WebhookDelivery.objects.create(
        webhook=webhook, topic=topic, payload=payload, next_at=now, created_at=now
    )
    delivery.refresh_from_db(fields=["public_id"])
    wake(webhook.pk, webhook.project_id)
    return delivery


def wake(webhook_id: int, project_id: int) -> None:
    jobs.wake(kind="deliver", key=str(webhook_id), project_id=project_id)
    jobs.hasten(kind="deliver", key=str(webhook_id))


def signature(secret: str, ident: str, timestamp: int, body: bytes) -> str:
    """Return what webhook-signature holds for one message."""
    signed = f"{ident}.{timestamp}.".encode() + body
    digest = hmac.new(base64.b64decode(secret.removeprefix(PREFIX)), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _new_secret() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _checked(url: str) -> str:
    """Return the address as it will be called; what its name leads to is checked at each call."""
    try:
        return str(read_link(url.strip(), limits=LIMITS, allow=frozenset(settings.ALLOWED_PRIVATE_HOSTS)))
    except AddressRefused as error:
        raise WebhookRefused(str(error)) from None


def _known(topics: Sequence[str]) -> list[str]:
    unknown = [topic for topic in topics if topic not in TOPICS]
    if unknown:
        raise WebhookRefused(f"{', '.join(unknown)} is no topic; topics are {', '.join(TOPICS)}.")
    if not topics:
        raise WebhookRefused(f"Choose at least one topic: {', '.join(TOPICS)}.")
    return [topic for topic in TOPICS if topic in topics]


def _host(url: str) -> str:
    """Return the part of an address that may be told: paths of webhooks often hold a key."""
    return url.partition("://")[2].partition("/")[0]


def _tell(hook: Webhook, by: User | None, text: str, kind: str, now: datetime) -> None:
    events.record(kind=kind, text=text, project=hook.project, subject=hook, by=by, now=now)
