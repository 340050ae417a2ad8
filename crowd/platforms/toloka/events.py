"""Notifications: subscribing a pool, and checking what comes. They only say where to look; polling goes on."""

import hashlib
import hmac
import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from crowd.errors import AuthFailed, Invalid
from crowd.models import Account
from crowd.platforms.base import EventNote
from crowd.platforms.toloka.client import Client
from crowd.platforms.toloka.pools import Place

log = logging.getLogger(__name__)
SECRET = "webhook"  # noqa: S105  the name of the secret, not the secret
HEADER = "toloka-signature"
PART = re.compile(r"(v|ts|sign)\s*=\s*([0-9A-Za-z]+)")
STALE = timedelta(minutes=10)
KINDS = (
    "POOL_CLOSED",
    "ASSIGNMENT_SUBMITTED",
    "ASSIGNMENT_SKIPPED",
    "ASSIGNMENT_EXPIRED",
    "ASSIGNMENT_APPROVED",
    "ASSIGNMENT_REJECTED",
)
MEND = "Nothing is lost: the pools are asked all the same."
UNSIGNED = f"This notification carries no signature of Toloka's. {MEND}"
NO_SECRET = f"This account has no webhook secret. Make one on its page and publish its pools again. {MEND}"
WRONG = (
    "The signature of this notification is wrong: the webhook was revoked, or its secret changed. "
    f"Make a new secret on the account's page and update its pools. {MEND}"
)
TOO_OLD = f"This notification is signed for {{at:%H:%M:%S}} UTC, more than ten minutes off. Set the clock. {MEND}"


def subscribe(client: Client, where: Place, url: str) -> None:
    """Ask to be told of what happens in a pool. An address Toloka does not take is no reason not to publish."""
    secret = client.account.secrets.get(SECRET, "")
    if not url or not secret or where.is_training:
        return
    wanted = [{"webhook_url": url, "event_type": kind, "pool_id": where.id, "secret_key": secret} for kind in KINDS]
    try:
        problems = client.send("put", "/webhook-subscriptions", wanted).get("validation_errors")
    except Invalid as error:
        problems = error.fields
    if problems:
        log.warning("Toloka does not notify %s of pool %s: %s. %s", url, where.id, problems, MEND)


def parse(account: Account, headers: Mapping[str, str], body: bytes, now: datetime) -> list[EventNote]:
    """Return what a signed notification says. Raises AuthFailed, or Invalid when it is none."""
    _check_signature(account.secrets.get(SECRET, ""), headers, body, now)
    try:
        events = json.loads(body)["events"]
        return [_note(event) for event in events]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Invalid({"events": "this is no list of events of Toloka"}) from None


def _note(event: Mapping[str, Any]) -> EventNote:
    return EventNote(str(event["uuid"]), str(event["type"]), str(event.get("pool_id") or ""))


def _check_signature(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    if not secret:
        raise AuthFailed(NO_SECRET)
    given = next((value for name, value in headers.items() if name.lower() == HEADER), "")
    parts = dict(PART.findall(given))
    if parts.keys() != {"v", "ts", "sign"} or not parts["ts"].isdecimal():
        raise AuthFailed(UNSIGNED)
    if not hmac.compare_digest(signature(secret, parts["ts"], parts["v"], body), parts["sign"].lower()):
        raise AuthFailed(WRONG)
    at = datetime.fromtimestamp(int(parts["ts"]) / 1000, UTC)
    if abs(now - at) > STALE:
        raise AuthFailed(TOO_OLD.format(at=at))


def signature(secret: str, ts: str, version: str, body: bytes) -> str:
    """Return the hexadecimal signature over the raw body."""
    return hmac.new(secret.encode(), f"{ts}.{version}.".encode() + body, hashlib.sha256).hexdigest()
