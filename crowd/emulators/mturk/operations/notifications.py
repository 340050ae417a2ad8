"""UpdateNotificationSettings, SendTestEventNotification."""

from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from crowd.emulators.mturk.errors import invalid, refuse
from crowd.emulators.mturk.market import Answer, Market, Request

VERSIONS: Final = ("2006-05-05", "2014-08-15")


def update_notification_settings(market: Market, request: Request, now: datetime) -> Answer:
    """Set where events of a HIT type go, or switch that on and off."""
    del now
    hit_type = market.hit_type(request["HITTypeId"])
    wanted = request.get("Notification", hit_type.notification)
    if "Notification" not in request and "Active" not in request:
        raise invalid("Give the Notification, Active, or both.")
    if wanted is None:
        raise invalid(f"HITType {hit_type.id} has no Notification yet; give one with Active.")
    if "Notification" in request:
        _check(wanted)
        if "Ping" in wanted["EventTypes"]:
            raise invalid("The event Ping can only be used with SendTestEventNotification.")
    hit_type.notification = wanted
    hit_type.notify = request.get("Active", True if "Notification" in request else hit_type.notify)
    return {}


def send_test_event_notification(market: Market, request: Request, now: datetime) -> Answer:
    """Send an event at once, also one that the specification does not list."""
    wanted = request["Notification"]
    _check(wanted)
    market.send(
        wanted,
        request["TestEventType"],
        now,
        hit_type_id=market.ids.entity(),
        hit_id=market.ids.entity(),
        assignment_id=market.ids.entity() if request["TestEventType"].startswith("Assignment") else None,
    )
    return {}


def _check(wanted: Request) -> None:
    if wanted["Version"] not in VERSIONS:
        raise invalid(f"The notification's Version is {wanted['Version']!r}; expected one of {', '.join(VERSIONS)}.")
    if not wanted["EventTypes"]:
        raise invalid("The notification needs EventTypes.")
    if not _reachable(wanted["Transport"], wanted["Destination"]):
        raise refuse(
            "InvalidTransportEndpoint",
            f"{wanted['Destination']!r} is no destination for {wanted['Transport']}: expected a queue's URL for SQS, "
            "a topic's ARN (or a URL that stands in for it) for SNS, an address for Email.",
        )


def _reachable(transport: str, destination: str) -> bool:
    if transport == "Email":
        return "@" in destination
    url = urlsplit(destination)
    return (url.scheme in ("http", "https") and bool(url.hostname)) or (
        transport == "SNS" and destination.startswith("arn:aws:sns:")
    )
