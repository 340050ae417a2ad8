"""Deliveries of webhooks: notices become messages, messages are tried for about four days."""

import json
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from crowd.fetching import FetchError, post_public
from curation.models import Job, Webhook, WebhookDelivery, WebhookNotice
from curation.services import webhooks
from curation.services.jobs import Again

State = WebhookDelivery.State
AT_ONCE = 2_000
A_MESSAGE = 500
A_RUN = 10
# Seconds before the second, the third … try: 14 tries over four days.
PAUSES = (5, 30, 120, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 43_200, 86_400, 86_400, 86_400)
GONE = 410
AFTER_A_FAILURE = 5.0  # seconds until the next message is tried at an address that just failed
T = TypeVar("T")


def run_write(job: Job, now: datetime) -> Again | None:
    """Turn the notices of a project into one message for each topic and webhook."""
    return Again() if write_deliveries(project_id=int(job.key), now=now) == AT_ONCE else None


@transaction.atomic
def write_deliveries(*, project_id: int, now: datetime) -> int:
    """Write the messages and forget the notices, in one transaction. Returns how many notices there were."""
    waiting = WebhookNotice.objects.select_for_update(skip_locked=True).filter(project_id=project_id)
    notices = list(waiting.order_by("id")[:AT_ONCE])
    by_topic: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for notice in notices:
        by_topic[notice.topic].append({"at": notice.created_at.isoformat(), **notice.about})
    hooks = Webhook.objects.filter(project_id=project_id, is_active=True).select_related("project")
    for hook in hooks:
        for topic in hook.topics:
            for items in _pieces(by_topic.get(topic, []), A_MESSAGE):
                webhooks.plan(webhook=hook, topic=topic, items=items, now=now)
    WebhookNotice.objects.filter(pk__in=[notice.pk for notice in notices]).delete()
    return len(notices)


def _pieces(items: Sequence[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while piece := list(islice(rest, size)):
        yield piece


def run_deliver(job: Job, now: datetime) -> Again | None:
    """Try what is due at one address, oldest first; come again when the next one is."""
    hook = Webhook.objects.filter(pk=int(job.key), is_active=True).select_related("project").first()
    if hook is None:
        return None
    due = hook.deliveries.filter(state=State.WAITING, next_at__lte=now).order_by("next_at", "id")
    for ident in list(due.values_list("pk", flat=True)[:A_RUN]):
        if not _try(hook, ident, timezone.now()):
            return Again(after=AFTER_A_FAILURE)
    following = hook.deliveries.filter(state=State.WAITING).order_by("next_at").values_list("next_at", flat=True)
    first = following.first()
    hook.refresh_from_db(fields=["is_active"])
    if first is None or not hook.is_active:
        return None
    return Again(after=max(0.0, (first - timezone.now()).total_seconds()))


def _try(hook: Webhook, delivery_id: int, now: datetime) -> bool:
    """Send one message; False when the address is not worth another call just now."""
    delivery = hook.deliveries.get(pk=delivery_id)
    body = json.dumps(delivery.payload, ensure_ascii=False, separators=(",", ":")).encode()
    began = time.monotonic()
    status, error = _post(hook, delivery, body, int(now.timestamp()))
    took = round(1000 * (time.monotonic() - began))
    _write_down(hook, delivery, {"at": now.isoformat(), "status": status, "error": error, "ms": took}, now)
    return status is not None and 200 <= status < 300


@transaction.atomic
def _write_down(hook: Webhook, sent: WebhookDelivery, tried: dict[str, Any], now: datetime) -> None:
    """Write down a try, unless a person has asked meanwhile for the message to be sent again."""
    delivery = hook.deliveries.select_for_update().get(pk=sent.pk)
    if (delivery.state, delivery.tries) != (State.WAITING, sent.tries):
        return
    status = tried["status"]
    delivery.tries, delivery.next_at = [*delivery.tries, tried], None
    if status is not None and 200 <= status < 300:
        delivery.state = State.DELIVERED
    elif status == GONE or len(delivery.tries) > len(PAUSES):
        delivery.state = State.GIVEN_UP
    else:
        delivery.next_at = now + timedelta(seconds=PAUSES[len(delivery.tries) - 1])
    delivery.save(update_fields=["tries", "state", "next_at"])
    if status == GONE:
        _switch_off(hook, "It answered 410: it does not want to be told any more.")


def _post(hook: Webhook, delivery: WebhookDelivery, body: bytes, timestamp: int) -> tuple[int | None, str]:
    ident = str(delivery.public_id)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": ident,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": webhooks.signature(hook.secrets["signing"], ident, timestamp, body),
    }
    allow = frozenset(settings.ALLOWED_PRIVATE_HOSTS)
    try:
        return post_public(hook.url, body=body, headers=headers, limits=webhooks.LIMITS, allow=allow), ""
    except FetchError as error:
        return None, str(error)


def _switch_off(hook: Webhook, why: str) -> None:
    Webhook.objects.filter(pk=hook.pk).update(is_active=False, note=why)


def forget_old(*, now: datetime) -> int:
    """Delete the log of a month ago, with what waits at an address that was switched off."""
    old = WebhookDelivery.objects.filter(created_at__lt=now - webhooks.KEPT)
    return old.delete()[0]
