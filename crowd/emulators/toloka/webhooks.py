"""Notifications: who asked for which event of which pool, and how a notification is signed."""

import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

from crowd.emulators.toloka.checks import errors_of, form, identifier, maybe, needed, one_of, text
from crowd.emulators.toloka.errors import FieldErrors, field_error, invalid
from crowd.emulators.toloka.mailbox import Letter
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.moments import written
from crowd.emulators.toloka.records import Assignment, Form, Pool, Subscription

EVENTS = (
    "POOL_CLOSED",
    "DYNAMIC_OVERLAP_COMPLETED",
    "ASSIGNMENT_CREATED",
    "ASSIGNMENT_SUBMITTED",
    "ASSIGNMENT_SKIPPED",
    "ASSIGNMENT_EXPIRED",
    "ASSIGNMENT_APPROVED",
    "ASSIGNMENT_REJECTED",
)
VERSION = 1

_SUBSCRIPTION = form(
    {
        "event_type": needed(one_of(*EVENTS)),
        "webhook_url": needed(text(blank=False)),
        "pool_id": needed(identifier),
        "secret_key": maybe(text()),
        "id": maybe(text()),
        "created": maybe(text()),
    }
)


def put(market: Market, body: Any) -> tuple[dict[str, Subscription], dict[str, FieldErrors]]:
    """Make or replace subscriptions: one per event, pool and URL. A single object is taken as a list of one."""
    items = body if isinstance(body, list) else [body]
    made: dict[str, Subscription] = {}
    refused: dict[str, FieldErrors] = {}
    for index, item in enumerate(items):
        errors = _errors(market, item)
        if errors:
            refused[str(index)] = errors
        else:
            made[str(index)] = _put_one(market, item)
    if refused and not made:
        raise invalid(refused)
    return made, refused


def _errors(market: Market, item: Any) -> FieldErrors:
    errors = errors_of(_SUBSCRIPTION, item)
    if not errors and market.any_pool(item["pool_id"]) is None:
        errors["pool_id"] = field_error("ENTITY_DOES_NOT_EXIST", "There is no such pool.")
    if not errors and not item["webhook_url"].startswith(("http://", "https://")):
        errors["webhook_url"] = field_error("INVALID_URL_SYNTAX", "A URL with http or https is expected.")
    return errors


def _put_one(market: Market, item: Form) -> Subscription:
    same = ("event_type", "pool_id", "webhook_url")
    for known in market.subscriptions:
        if all(known.form[name] == item[name] for name in same):
            known.form = item
            return known
    return market.subscriptions.add(Subscription(market.ids.uuid(), item, market.now))


def emit(market: Market, event: str, pool: Pool, **more: Any) -> None:
    """Tell whoever asked for it what has happened."""
    for subscription in list(market.subscriptions):
        if subscription.form["pool_id"] == pool.id and subscription.form["event_type"] == event:
            _post(market, letter_of(market, event, subscription, pool, more))


def emit_assignment(market: Market, event: str, pool: Pool, assignment: Assignment) -> None:
    emit(market, event, pool, task_suite_id=assignment.suite.id, assignment_id=assignment.id)


def letter_of(market: Market, event: str, subscription: Subscription, pool: Pool, more: Form) -> Letter:
    told = {
        "event_time": written(market.now),
        "project_id": pool.project_id,
        "pool_id": pool.id,
        "uuid": market.ids.uuid(),
        **more,
        "webhook_subscription_id": subscription.id,
        "type": event,
    }
    return Letter(subscription.form["webhook_url"], subscription.form.get("secret_key"), told)


def _post(market: Market, letter: Letter) -> None:
    kind = letter.event["type"]
    if market.faults.hit("webhook_lost", path=kind):
        market.mailbox.lost(letter)
        return
    late = market.faults.hit("webhook_late", path=kind)
    if late is not None:
        market.at(market.now + timedelta(seconds=late.seconds), lambda: market.mailbox.put(letter))
        return
    if market.faults.hit("webhook_reorder", path=kind):
        market.mailbox.hold(letter)
        return
    market.mailbox.put(letter)
    if market.faults.hit("webhook_double", path=kind):
        market.mailbox.put(letter)


def body_of(letter: Letter) -> bytes:
    return json.dumps({"events": [letter.event]}, separators=(",", ":"), ensure_ascii=False).encode()


def signature(secret: str, body: bytes, ts: int) -> str:
    """Return the value of the header Toloka-Signature for a body sent at a time in milliseconds."""
    sign = hmac.new(secret.encode(), f"{ts}.{VERSION}.".encode() + body, hashlib.sha256).hexdigest()
    return f"{{v={VERSION}, ts={ts}, sign={sign}}}"
