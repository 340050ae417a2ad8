"""Notifications, as Amazon SNS posts them. MTurk signs nothing that we could check, so who forwards them signs for it:
HMAC-SHA256 over the raw body with the account's webhook secret, in hexadecimal, in `X-Winnow-Signature`.

They are not needed: pages are found by asking. They only make us ask at once.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from crowd.errors import AuthFailed, Invalid, NotFound
from crowd.models import Account, Batch
from crowd.platforms.base import EventNote
from crowd.platforms.mturk.client import Client, Json, connected, entity

SECRETS: Final = ("webhook", "webhook_before")
SIGNATURE: Final = "x-winnow-signature"
FRESH: Final = timedelta(minutes=10)
WRONG: Final = (
    "The signature of this notification is wrong: who forwards it signs with another secret. Make a new secret on the "
    "account's page and enter it there, too. Nothing is lost: the pools are asked all the same."
)


def parse(account: Account, headers: Mapping[str, str], body: bytes, now: datetime) -> list[EventNote]:
    """Check signature and time, then say which batches the events are about. Raises AuthFailed."""
    told = {name.lower(): value for name, value in headers.items()}
    _require_signature(account, told.get(SIGNATURE, ""), body)
    document_id, events = _events(body)
    fresh = [event for event in events if abs(now - _moment(event)) <= FRESH]
    batches = _batches_of(account, {str(event.get("HITId", "")) for event in fresh} - {""})
    return [
        EventNote(f"{document_id}:{number}", str(event.get("EventType", "")), batches.get(event.get("HITId", ""), ""))
        for number, event in enumerate(fresh)
    ]


def _require_signature(account: Account, given: str, body: bytes) -> None:
    for name in SECRETS:  # while it is being changed, the one before counts, too
        secret = account.secrets.get(name, "")
        wanted = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        if secret and hmac.compare_digest(wanted.encode(), given.strip().lower().encode()):
            return
    raise AuthFailed(WRONG)


def _events(body: bytes) -> tuple[str, list[Json]]:
    """Read the document, with the envelope of SNS around it or without."""
    try:
        plain: Any = json.loads(body)
        document = json.loads(plain["Message"]) if "Message" in plain else plain
        return str(document["EventDocId"]), [dict(event) for event in document["Events"]]
    except (ValueError, KeyError, TypeError) as error:
        raise Invalid({"notification": "it is not a document of MTurk"}) from error


def _moment(event: Json) -> datetime:
    try:
        return datetime.fromisoformat(str(event["EventTimestamp"]))
    except (KeyError, ValueError) as error:
        raise Invalid({"notification": "an event does not say when it was"}) from error


def _batches_of(account: Account, hit_ids: set[str]) -> dict[str, str]:
    """An event names the HIT alone; which batch it belongs to, its requirements say."""
    client = connected(account)
    known = set(Batch.objects.filter(account=account).exclude(remote_id="").values_list("remote_id", flat=True))
    return {hit_id: batch for hit_id in hit_ids if (batch := _batch_of(client, hit_id, known))}


def _batch_of(client: Client, hit_id: str, known: set[str]) -> str:
    try:
        hit = client.call("get_hit", HITId=entity(hit_id, "HIT"))["HIT"]
    except NotFound:
        return ""
    needed = [str(one["QualificationTypeId"]) for one in hit.get("QualificationRequirements", [])]
    return next((one for one in needed if one in known), "")
