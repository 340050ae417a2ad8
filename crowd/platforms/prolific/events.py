"""Notifications: subscribed to once for a workspace, signed by a secret of ours, each with an id.

A new secret on the platform replaces the old one, so it is made only where this account has none.
https://docs.prolific.com/api-reference/webhooks/verifying
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from django.db import transaction

from crowd.errors import AuthFailed, Invalid
from crowd.models import Account, Assignment
from crowd.models.worker import digest_of
from crowd.platforms.base import EventNote
from crowd.platforms.prolific.client import Client
from crowd.platforms.prolific.groups import workspace_of

SECRET = "webhook"  # noqa: S105  the name of a part, not the part
KINDS = ("submission.status.change", "study.status.change")
FRESH = timedelta(minutes=10)
SIGNATURE, TIMESTAMP, EVENT_ID = "x-prolific-request-signature", "x-prolific-request-timestamp", "x-event-id"
WRONG_SIGNATURE = (
    "The signature of the notification is wrong. If the secret of the workspace was replaced on Prolific, make a new "
    "one on the account's page."
)
CONFIRMATION = "X-Hook-Secret"


def subscribe(client: Client, url: str) -> None:
    """Let the platform tell us of changes; what is subscribed to already is left alone. It takes only https."""
    if not url.startswith("https://"):
        return
    workspace = workspace_of(client)
    _ensure_secret(client, workspace)
    rows = client.get("hooks", "subscriptions", workspace_id=workspace)["results"]
    there = {row["event_type"] for row in rows if row["target_url"] == url and row.get("is_enabled", True)}
    for kind in KINDS:
        if kind not in there:
            _subscribe(client, workspace, kind, url)


def _subscribe(client: Client, workspace: str, kind: str, url: str) -> None:
    body = {"workspace_id": workspace, "event_type": kind, "target_url": url}
    made, headers = client.post_for_headers("hooks", "subscriptions", body=body)
    client.post("hooks", "subscriptions", str(made["id"]), body={"secret": headers.get(CONFIRMATION, "")})


def _ensure_secret(client: Client, workspace: str) -> None:
    if client.account.secrets.get(SECRET):
        return
    made = client.post("hooks", "secrets", body={"workspace_id": workspace})
    _keep(client.account, str(made["value"]))


@transaction.atomic
def _keep(account: Account, value: str) -> None:
    row = Account.objects.select_for_update().only("secrets").get(pk=account.pk)
    row.secrets = {**row.secrets, SECRET: value}
    row.save(update_fields=["secrets"])
    account.secrets = row.secrets


def parse(account: Account, headers: Mapping[str, str], body: bytes, now: datetime) -> list[EventNote]:
    """Check signature and time, then say which study it is about. Raises AuthFailed."""
    told = {name.lower(): value for name, value in headers.items()}
    timestamp = told.get(TIMESTAMP, "")
    _require_signature(account, timestamp, told.get(SIGNATURE, ""), body)
    if abs(now - _moment(timestamp)) > FRESH:
        raise AuthFailed("The notification is not of these ten minutes.")
    try:
        event = json.loads(body)
        kind, resource = str(event["event_type"]), str(event["resource_id"])
    except (ValueError, KeyError, TypeError) as error:
        raise Invalid({"notification": "it is not an event of Prolific"}) from error
    event_id = told.get(EVENT_ID) or hashlib.sha256(timestamp.encode() + body).hexdigest()
    return [EventNote(event_id, kind, resource if kind.startswith("study.") else _study_of(account, resource))]


def _require_signature(account: Account, timestamp: str, given: str, body: bytes) -> None:
    secret = account.secrets.get(SECRET, "")
    wanted = hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).digest()
    try:
        signature = base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        signature = b""
    if not secret or not hmac.compare_digest(wanted, signature):
        raise AuthFailed(WRONG_SIGNATURE)


def _moment(timestamp: str) -> datetime:
    """Read seconds, or thousandths of them, since 1970."""
    try:
        number = float(timestamp)
        return datetime.fromtimestamp(number / 1000 if number > 1e11 else number, UTC)
    except (ValueError, OverflowError, OSError):
        raise AuthFailed("The notification does not say when it was sent.") from None


def _study_of(account: Account, submission_id: str) -> str:
    """Return the study of a submission: the notification does not name it, but our page may be known."""
    page = Assignment.objects.filter(account=account, ext_digest=digest_of(submission_id)).select_related("batch")
    found = page.first()
    return found.batch.remote_id if found else ""
