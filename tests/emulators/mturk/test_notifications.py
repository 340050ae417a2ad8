"""Notifications: delivered over HTTP to what stands in for SQS and SNS."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from crowd.emulators.mturk import MTurkEmulator, VirtualClock
from tests.emulators.mturk.turk import MORNING, Turk, official_client

EVENTS = [
    "HITCreated",
    "HITExtended",
    "HITExpired",
    "HITReviewable",
    "HITDisposed",
    "AssignmentAccepted",
    "AssignmentReturned",
    "AssignmentAbandoned",
    "AssignmentSubmitted",
    "AssignmentApproved",
    "AssignmentRejected",
]


@pytest.fixture
def turk() -> Iterator[Turk]:
    """Served by itself, because only then somebody carries the notifications."""
    emulator = MTurkEmulator(seed=7, clock=VirtualClock(MORNING, speed=0), balance="1000")
    with emulator.serve(), httpx.Client(trust_env=False) as http:
        yield Turk(emulator, official_client(emulator.url), http)


class Inbox:
    """A queue or topic of our own: keeps what is posted to it."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], dict[str, Any]]] = []
        inbox = self

        class Taker(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                inbox.got.append((dict(self.headers), json.loads(body)))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_words: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
        self.url = f"http://127.0.0.1:{self.server.server_port}/queue"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for _, document in self.got for event in document["Events"]]


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    inbox = Inbox()
    thread = threading.Thread(target=inbox.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield inbox
    inbox.server.shutdown()
    thread.join()
    inbox.server.server_close()


def wanted(destination: str, transport: str = "SQS", version: str = "2006-05-05", events: Any = EVENTS) -> Any:
    return {"Destination": destination, "Transport": transport, "Version": version, "EventTypes": events}


def listen(turk: Turk, **specification: Any) -> dict[str, Any]:
    """Make a HIT type that tells its events, and a HIT of it."""
    type_id = turk.client.create_hit_type(
        Title="Draw boxes around hands", Description="Twenty photos", Reward="0.10", AssignmentDurationInSeconds=1_800
    )["HITTypeId"]
    turk.client.update_notification_settings(HITTypeId=type_id, Notification=wanted(**specification))
    return turk.hit(MaxAssignments=1)


def test_the_life_of_a_hit_is_told_in_order(turk: Turk, inbox: Inbox) -> None:
    hit = listen(turk, destination=inbox.url)
    taken = turk.accept(hit)["assignment_id"]
    turk.door("POST", f"assignments/{taken}/return")
    work = turk.submit(hit)
    turk.reject(work)
    turk.approve(work, OverrideRejection=True)
    turk.client.delete_hit(HITId=hit["HITId"])
    turk.emulator.flush_notifications()
    assert [event["EventType"] for event in inbox.events] == [
        "HITCreated",
        "AssignmentAccepted",
        "AssignmentReturned",
        "AssignmentAccepted",
        "AssignmentSubmitted",
        "HITReviewable",
        "AssignmentRejected",
        "AssignmentApproved",
        "HITDisposed",
    ]
    assert inbox.events[4] == {
        "EventType": "AssignmentSubmitted",
        "EventTimestamp": "2026-11-20T10:00:00Z",
        "HITTypeId": hit["HITTypeId"],
        "HITId": hit["HITId"],
        "AssignmentId": work,
    }
    assert len({document["EventDocId"] for _, document in inbox.got}) == 9


def test_what_happens_by_itself_is_told_with_its_own_time(turk: Turk, inbox: Inbox) -> None:
    hit = listen(turk, destination=inbox.url, events=["AssignmentAbandoned", "HITExpired", "HITExtended"])
    turk.accept(hit)
    turk.client.create_additional_assignments_for_hit(HITId=hit["HITId"], NumberOfAdditionalAssignments=1)
    turk.door("POST", "clock", advance={"days": 30})
    turk.emulator.flush_notifications()
    assert [(event["EventType"], event["EventTimestamp"]) for event in inbox.events] == [
        ("HITExtended", "2026-11-20T10:00:00Z"),
        ("AssignmentAbandoned", "2026-11-20T10:30:00Z"),
        ("HITExpired", "2026-11-27T10:00:00Z"),
    ]


def test_a_topic_gets_the_envelope_of_sns(turk: Turk, inbox: Inbox) -> None:
    turk.client.send_test_event_notification(
        Notification=wanted(inbox.url, "SNS", "2014-08-15", ["AssignmentAccepted"]), TestEventType="Ping"
    )
    turk.emulator.flush_notifications()
    [(headers, envelope)] = inbox.got
    assert headers["x-amz-sns-message-type"] == "Notification"
    document = json.loads(envelope["Message"])
    assert (document["EventDocVersion"], document["Events"][0]["EventType"]) == ("2014-08-15", "Ping")


def test_a_doubled_notification_is_known_by_its_document(turk: Turk, inbox: Inbox) -> None:
    turk.door("POST", "faults", name="double_notice", times=1)
    turk.client.send_test_event_notification(Notification=wanted(inbox.url), TestEventType="AssignmentSubmitted")
    turk.emulator.flush_notifications()
    assert len(inbox.got) == 2
    assert len({document["EventDocId"] for _, document in inbox.got}) == 1


def test_notifications_are_switched_off_and_on_without_saying_where_again(turk: Turk, inbox: Inbox) -> None:
    type_id = listen(turk, destination=inbox.url, events=["HITCreated"])["HITTypeId"]
    turk.client.update_notification_settings(HITTypeId=type_id, Active=False)
    turk.hit()
    turk.client.update_notification_settings(HITTypeId=type_id, Active=True)
    turk.hit()
    turk.emulator.flush_notifications()
    assert len(inbox.events) == 2


def test_what_cannot_be_delivered_is_kept_with_the_reason(turk: Turk) -> None:
    turk.client.send_test_event_notification(Notification=wanted("http://127.0.0.1:9/queue"), TestEventType="Ping")
    arn = wanted("arn:aws:sns:us-east-1:123456789012:topic", "SNS")
    turk.client.send_test_event_notification(Notification=arn, TestEventType="Ping")
    mail = wanted("alice@winnow.example", "Email")
    turk.client.send_test_event_notification(Notification=mail, TestEventType="Ping")
    turk.emulator.flush_notifications()
    kept = turk.door("GET", "notifications")["notifications"]
    assert [notice["state"] for notice in kept] == ["failed", "kept", "kept"]
    assert kept[0]["error"]


@pytest.mark.parametrize(
    ("specification", "code"),
    [
        (wanted("https://queue.example/q", version="2017-01-17"), "InvalidParameterValue"),
        (wanted("https://queue.example/q", events=[]), "InvalidParameterValue"),
        (wanted("https://queue.example/q", events=["Ping"]), "InvalidParameterValue"),
        (wanted("arn:aws:sns:us-east-1:123456789012:topic"), "InvalidTransportEndpoint"),
        (wanted("nowhere", "SNS"), "InvalidTransportEndpoint"),
        (wanted("alice", "Email"), "InvalidTransportEndpoint"),
    ],
)
def test_a_notification_that_can_never_arrive_is_refused(turk: Turk, specification: Any, code: str) -> None:
    type_id = turk.hit()["HITTypeId"]
    assert turk.error("update_notification_settings", HITTypeId=type_id, Notification=specification) == code


def test_settings_need_something_to_set(turk: Turk) -> None:
    type_id = turk.hit()["HITTypeId"]
    assert turk.error("update_notification_settings", HITTypeId=type_id) == "InvalidParameterValue"
    assert turk.error("update_notification_settings", HITTypeId=type_id, Active=True) == "InvalidParameterValue"
    assert turk.error("update_notification_settings", HITTypeId="3NO", Active=True) == "HITTypeDoesNotExist"
