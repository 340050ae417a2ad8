"""Notifications by real HTTP: signed, for the events asked for, and with the faults of a real network."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from crowd.emulators.toloka import TolokaEmulator
from crowd.emulators.toloka.courier import Courier
from crowd.emulators.toloka.webhooks import signature
from tests.emulators.toloka import bodies
from tests.emulators.toloka.people import People
from tests.emulators.toloka.test_pages import pool_with, real
from tests.emulators.toloka.test_pool_life import post, project_id

__all__ = ["project_id"]


def test_the_published_vector() -> None:
    body = (
        b'{"events":[{"event_time":"2000-01-01T12:00:00","project_id":"project-1","pool_id":"pool-1",'
        b'"uuid":"00000000-0000-0000-0000-000000000000","task_suite_id":"task-suite-1",'
        b'"assignment_id":"assignment-1","webhook_subscription_id":"subscription-1","type":"ASSIGNMENT_APPROVED"}]}'
    )
    sign = "609af3eefd4c12b6afad30ab456efcd21fe82f4247d3340151a3ca0c97a6cbcb"
    assert signature("12345", body, 946_728_000_000) == f"{{v=1, ts=946728000000, sign={sign}}}"


class Receiver:
    """A server that keeps what it is sent."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                receiver.got.append((dict(self.headers), self.rfile.read(length)))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks/toloka/a1"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def events(self) -> list[dict[str, Any]]:
        return [event for _, body in self.got for event in json.loads(body)["events"]]

    def types(self) -> list[str]:
        return [event["type"] for event in self.events()]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture(autouse=True)
def courier(emulator: TolokaEmulator) -> Iterator[None]:
    courier = Courier(emulator.market.mailbox)
    courier.start()
    yield
    courier.stop()


def subscribe(api: httpx.Client, receiver: Receiver, pool_id: str, *events: str, signed: bool = True) -> None:
    key = {"secret_key": "12345"} if signed else {}
    hooks = [{"webhook_url": receiver.url, "event_type": event, "pool_id": pool_id, **key} for event in events]
    assert api.put("/webhook-subscriptions", json=hooks).is_success


def arrive(door: httpx.Client) -> None:
    assert door.post("/webhooks/wait").json()["is_empty"]


ALL = ("ASSIGNMENT_CREATED", "ASSIGNMENT_SUBMITTED", "ASSIGNMENT_SKIPPED", "ASSIGNMENT_EXPIRED",
       "ASSIGNMENT_APPROVED", "ASSIGNMENT_REJECTED", "POOL_CLOSED")  # fmt: skip


def test_every_event_of_a_pool_is_told(
    api: httpx.Client, door: httpx.Client, project_id: str, people: People, receiver: Receiver
) -> None:
    pool = pool_with(api, project_id, real(2), mixer_config=bodies.mixer(1), auto_accept_solutions=False,
                     auto_accept_period_day=7)  # fmt: skip
    subscribe(api, receiver, pool, *ALL)
    first = people.work(people.come(), pool)
    api.patch(f"/assignments/{first.id}", json={"status": "REJECTED", "public_comment": "no"})
    api.patch(f"/assignments/{first.id}", json={"status": "ACCEPTED"})
    people.skip(people.take(people.come(), pool))
    people.take(people.come(), pool)
    people.pass_time(seconds=600)
    people.work(people.come(), pool)
    arrive(door)
    short = [kind.removeprefix("ASSIGNMENT_") for kind in receiver.types()]
    assert short == [
        "CREATED", "SUBMITTED", "REJECTED", "APPROVED", "CREATED", "SKIPPED", "CREATED", "EXPIRED", "CREATED",
        "SUBMITTED", "POOL_CLOSED",
    ]  # fmt: skip
    told, closed = receiver.events()[0], receiver.events()[-1]
    assert (told["pool_id"], told["project_id"]) == (pool, project_id)
    assert (told["assignment_id"], told["task_suite_id"]) == (first.id, first.suite.id)
    assert told["event_time"] == "2026-11-20T10:00:00.000"
    assert closed["close_reason"] == "COMPLETED"
    assert len({event["uuid"] for event in receiver.events()}) == 11


def test_the_signature_is_over_the_raw_body(
    api: httpx.Client, door: httpx.Client, project_id: str, people: People, receiver: Receiver
) -> None:
    pool = pool_with(api, project_id, real(2), mixer_config=bodies.mixer(1))
    subscribe(api, receiver, pool, "ASSIGNMENT_CREATED")
    people.take(people.come(), pool)
    arrive(door)
    [(headers, body)] = receiver.got
    found = re.fullmatch(r"\{v=1, ts=(\d+), sign=([0-9a-f]{64})\}", headers["Toloka-Signature"])
    assert found is not None
    assert headers["Toloka-Signature"] == signature("12345", body, int(found[1]))


def test_without_a_secret_there_is_no_signature(
    api: httpx.Client, door: httpx.Client, project_id: str, people: People, receiver: Receiver
) -> None:
    pool = pool_with(api, project_id, real(2), mixer_config=bodies.mixer(1))
    subscribe(api, receiver, pool, "ASSIGNMENT_CREATED", signed=False)
    people.take(people.come(), pool)
    arrive(door)
    assert "Toloka-Signature" not in receiver.got[0][0]


@pytest.mark.parametrize(("status", "success", "error"), [(200, True, None), (500, False, "WRONG_STATUS_CODE")])
def test_a_test_notification(
    api: httpx.Client, project_id: str, receiver: Receiver, status: int, error: str | None, *, success: bool
) -> None:
    pool = post(api, "/pools", bodies.pool(project_id))["id"]
    subscribe(api, receiver, pool, "POOL_CLOSED")
    receiver.status = status
    [hook] = api.get("/webhook-subscriptions").json()["items"]
    told = post(api, f"/webhook-subscriptions/{hook['id']}/test")
    assert (told["success"], told["originalStatusCode"], told.get("errorType")) == (success, status, error)
    assert receiver.types() == ["TEST_EVENT"]
    assert told["uuids"] == [receiver.events()[0]["uuid"]]


class TestFaults:
    @pytest.fixture
    def pool(self, api: httpx.Client, project_id: str, receiver: Receiver) -> str:
        pool = pool_with(api, project_id, real(9), mixer_config=bodies.mixer(1))
        subscribe(api, receiver, pool, "ASSIGNMENT_CREATED", "ASSIGNMENT_SUBMITTED")
        return pool

    def test_a_lost_one(
        self, door: httpx.Client, people: People, receiver: Receiver, pool: str
    ) -> None:  # fmt: skip
        door.put("/faults", json={"webhook_lost": {"rate": 1, "path": "ASSIGNMENT_CREATED"}})
        people.work(people.come(), pool)
        arrive(door)
        assert receiver.types() == ["ASSIGNMENT_SUBMITTED"]
        assert [one["outcome"] for one in door.get("/webhooks").json()] == ["lost", "200"]

    def test_a_doubled_one_has_the_same_uuid(
        self, door: httpx.Client, people: People, receiver: Receiver, pool: str
    ) -> None:  # fmt: skip
        door.put("/faults", json={"webhook_double": {"rate": 1, "times": 1}})
        people.work(people.come(), pool)
        arrive(door)
        assert receiver.types() == ["ASSIGNMENT_CREATED", "ASSIGNMENT_CREATED", "ASSIGNMENT_SUBMITTED"]
        assert len({event["uuid"] for event in receiver.events()}) == 2

    def test_a_late_one(
        self, door: httpx.Client, people: People, receiver: Receiver, pool: str
    ) -> None:  # fmt: skip
        door.put("/faults", json={"webhook_late": {"rate": 1, "times": 1, "seconds": 3600}})
        people.work(people.come(), pool)
        arrive(door)
        assert receiver.types() == ["ASSIGNMENT_SUBMITTED"]
        people.pass_time(hours=1)
        arrive(door)
        assert receiver.types() == ["ASSIGNMENT_SUBMITTED", "ASSIGNMENT_CREATED"]

    def test_reordered_ones(
        self, door: httpx.Client, people: People, receiver: Receiver, pool: str
    ) -> None:  # fmt: skip
        door.put("/faults", json={"webhook_reorder": {"rate": 1, "times": 1}})
        people.work(people.come(), pool)
        arrive(door)
        assert receiver.types() == ["ASSIGNMENT_SUBMITTED", "ASSIGNMENT_CREATED"]

    def test_a_receiver_that_is_down_is_told_of_in_the_history(
        self, door: httpx.Client, people: People, receiver: Receiver, pool: str
    ) -> None:
        receiver.status = 503
        people.take(people.come(), pool)
        arrive(door)
        assert [one["outcome"] for one in door.get("/webhooks").json()] == ["503"]
