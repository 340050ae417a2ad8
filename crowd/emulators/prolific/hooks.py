"""Notifications: a secret for a workspace, subscriptions that must be confirmed, letters that are signed."""

import base64
import hashlib
import hmac
import json
import secrets

from crowd.emulators.prolific.errors import Refusal, invalid, not_found
from crowd.emulators.prolific.market import Market
from crowd.emulators.prolific.nouns import Json, Letter, Study, Submission, Subscription, Workspace

EVENT_TYPES = ("study.status.change", "submission.status.change")


def make_secret(_market: Market, workspace: Workspace, body: Json) -> Json:
    """A new secret replaces the old one."""
    if body.get("workspace_id") != workspace.id:
        raise not_found("workspace", str(body.get("workspace_id")))
    workspace.hook_secret, workspace.secrets_made = secrets.token_urlsafe(24), workspace.secrets_made + 1
    return {"id": f"secret-{workspace.secrets_made}", "value": workspace.hook_secret, "workspace_id": workspace.id}


def shown(one: Subscription) -> Json:
    return {
        "id": one.id,
        "event_type": one.event_type,
        "target_url": one.target_url,
        "is_enabled": one.is_enabled,
        "workspace_id": one.workspace,
    }


def subscriptions(market: Market, workspace: Workspace) -> list[Json]:
    return [shown(one) for one in market.subscriptions.values() if one.workspace == workspace.id]


def subscribe(market: Market, workspace: Workspace, body: Json) -> tuple[Json, dict[str, str]]:
    if not workspace.hook_secret:
        raise Refusal(400, "Bad request", "Create a secret for the workspace first.")
    if body.get("event_type") not in EVENT_TYPES or not str(body.get("target_url")).startswith("https://"):
        raise invalid({"event_type": "A known event type and an https address are expected."})
    made = Subscription(
        market.new_id(), workspace.id, body["event_type"], body["target_url"], secrets.token_urlsafe(12)
    )
    market.subscriptions[made.id] = made
    return shown(made), {"X-Hook-Secret": made.confirmation}


def confirm(market: Market, workspace: Workspace, one: str, body: Json) -> Json:
    found = market.own(market.subscriptions, workspace, one, "subscription")
    if body.get("secret") != found.confirmation:
        raise Refusal(400, "Bad request", "The secret is not the one of this subscription.")
    found.is_enabled = True
    return shown(found)


def watch(market: Market) -> None:
    """Write a letter for each change that somebody has subscribed to."""

    def write(kind: str, about: Study | Submission) -> None:
        study = about if isinstance(about, Study) else market.studies[about.study]
        for one in market.subscriptions.values():
            if one.is_enabled and one.event_type == kind and one.workspace == study.workspace:
                market.letters.append(_letter(market, one, about))

    market.watchers.append(write)


def _letter(market: Market, one: Subscription, about: Study | Submission) -> Letter:
    told: Json = {"resource_id": about.id, "event_type": one.event_type, "status": about.status}
    if isinstance(about, Submission):
        told["participant_id"] = about.participant
    body = json.dumps(told).encode()
    timestamp = str(int(market.clock.now().timestamp()))
    secret = market.workspaces[one.workspace].hook_secret
    signature = hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).digest()
    headers = {
        "X-Prolific-Request-Signature": base64.b64encode(signature).decode(),
        "X-Prolific-Request-Timestamp": timestamp,
        "X-Event-ID": market.new_id(),
    }
    return Letter(one.target_url, headers, body)
