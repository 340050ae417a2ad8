"""How the webhooks of a project do: what was delivered, what waits, what was given up, and what to do about it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, OuterRef, Q, Subquery

from curation.models import Project, Webhook, WebhookDelivery

State = WebhookDelivery.State
SHOWN = 25
STATE_TONES = {State.WAITING: "warn", State.DELIVERED: "ok", State.GIVEN_UP: "bad"}


@dataclass(frozen=True, slots=True)
class Health:
    """A word, its tone, and a sentence that says what is meant."""

    word: str
    tone: str
    says: str


@dataclass(frozen=True, slots=True)
class WebhookLine:
    """`delivered`, `waiting` and `given_up` count the messages that are still in the log."""

    hook: Webhook
    delivered: int
    waiting: int
    given_up: int
    last_at: datetime | None
    health: Health

    @property
    def host(self) -> str:
        return self.hook.url.partition("://")[2].partition("/")[0]


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """One message of the log, with its body as it was sent, indented."""

    delivery: WebhookDelivery
    tone: str
    body: str
    items: int
    last: dict[str, Any]
    is_test: bool


def lines(*, project: Project, only: Webhook | None = None) -> list[WebhookLine]:
    """Return the webhooks of a project, all or one, the oldest first, by one query."""
    hooks = Webhook.objects.filter(project=project)
    newest = WebhookDelivery.objects.filter(webhook=OuterRef("pk")).exclude(tries=[]).order_by("-pk")
    rows: Any = (
        (hooks.filter(pk=only.pk) if only else hooks)
        .annotate(
            delivered=Count("deliveries", filter=Q(deliveries__state=State.DELIVERED)),
            waiting=Count("deliveries", filter=Q(deliveries__state=State.WAITING)),
            given_up=Count("deliveries", filter=Q(deliveries__state=State.GIVEN_UP)),
            last_at=Max("deliveries__created_at"),
            newest_state=Subquery(newest.values("state")[:1]),
            newest_tries=Subquery(newest.values("tries")[:1]),
        )
        .order_by("pk")
    )
    return [WebhookLine(row, row.delivered, row.waiting, row.given_up, row.last_at, _health(row)) for row in rows]


def _health(row: Any) -> Health:
    if not row.is_active:
        return Health("off", "", row.note or "Switched off: nothing is sent, and what happens meanwhile is not kept.")
    if row.newest_state is None:
        return Health("new", "info", "Nothing has been sent yet.")
    if row.newest_state == State.DELIVERED:
        return Health("well", "ok", "The last message arrived.")
    what = said(row.newest_tries[-1])
    if row.newest_state == State.GIVEN_UP:
        return Health("failing", "bad", f"The last message was given up: {what}. Mend the address, then send it again.")
    return Health("failing", "warn", f"The last try failed: {what}. It is tried again by itself, for four days in all.")


def said(tried: dict[str, Any]) -> str:
    """Return in words how one try went."""
    if tried.get("error"):
        return str(tried["error"]).rstrip(".")
    return f"it answered {tried.get('status')}"


def log(*, hook: Webhook, state: str, before: int | None) -> tuple[list[DeliveryLine], int | None]:
    """Return a page of the log, newest first, and where the older ones begin."""
    rows = hook.deliveries.order_by("-pk")
    rows = rows.filter(state=state) if state else rows
    found = list((rows.filter(pk__lt=before) if before else rows)[: SHOWN + 1])
    older = found[SHOWN - 1].pk if len(found) > SHOWN else None
    return [_line(one) for one in found[:SHOWN]], older


def _line(delivery: WebhookDelivery) -> DeliveryLine:
    items: Sequence[Any] = delivery.payload.get("data", {}).get("items", [])
    return DeliveryLine(
        delivery=delivery,
        tone=STATE_TONES[State(delivery.state)],
        body=json.dumps(delivery.payload, ensure_ascii=False, indent=2),
        items=len(items),
        last=delivery.tries[-1] if delivery.tries else {},
        is_test=delivery.topic == "test",
    )
