"""The far side of Toloka: emulators, one market for each account, behind one server of the test process."""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

import httpx
import uvicorn

from crowd.emulators.toloka import TOKEN, TolokaEmulator, VirtualClock
from crowd.emulators.toloka.http import application
from crowd.models import Account
from tests.crowd import market
from tests.crowd.market import NOON

ANSWER = {"answer": "correct"}
WEBHOOK_SECRET = "12345"
GIVEN_UP_AFTER = 20.0


class Street:
    """An ASGI application: every market is one door, `/1`, `/2` …"""

    def __init__(self) -> None:
        self.doors: dict[str, tuple[TolokaEmulator, Any]] = {}

    def open(self, emulator: TolokaEmulator) -> str:
        number = str(len(self.doors) + 1)
        self.doors[number] = emulator, application(emulator.market, frozenset({TOKEN}), f"/{number}")
        return f"/{number}"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        _, app = self.doors[scope["path"].split("/")[1]]
        await app(scope, receive, send)


@cache
def street() -> tuple[str, Street]:
    """Serve from a thread that ends with the process."""
    doors = Street()
    config = uvicorn.Config(doors, port=0, log_level="critical", access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, daemon=True, name="toloka street").start()
    until = time.monotonic() + GIVEN_UP_AFTER
    while not server.started:
        assert time.monotonic() < until, "the emulators did not start"
        time.sleep(0.005)
    return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", doors


def account(**settings: Any) -> Account:
    """Connect a new account to a market of its own."""
    url, doors = street()
    row = market.account("toloka")
    row.base_url = url + doors.open(TolokaEmulator(clock=VirtualClock(NOON), **settings))
    row.commission_percent = 30
    row.secrets = {"token": TOKEN, "webhook": WEBHOOK_SECRET}
    row.save()
    return row


@cache
def _wire() -> httpx.Client:
    """One client for the process: a new one reads all certificates first."""
    return httpx.Client()


def emulator(of: Account) -> TolokaEmulator:
    return street()[1].doors[of.base_url.rsplit("/", 1)[1]][0]


def control(of: Account, method: str, path: str, body: Any = None) -> Any:
    """Use the control door."""
    answer = _wire().request(method, f"{of.base_url}/_emulator{path}", json=body)
    assert answer.is_success, answer.text
    return answer.json()


def requests(of: Account, method: str = "", path: str = "") -> list[dict[str, Any]]:
    """What this account's market was asked, oldest first."""
    told = control(of, "GET", "/requests")
    return [one for one in told if one["method"].startswith(method) and path in one["path"]]


def worker(of: Account, **profile: Any) -> str:
    return str(control(of, "POST", "/workers", {"worker": profile})["id"])


def take(of: Account, who: str, remote_id: str) -> dict[str, Any]:
    pool_id = remote_id.removeprefix("training-")
    page: dict[str, Any] = control(of, "POST", f"/workers/{who}/take", {"pool_id": pool_id})
    return page


def hand_in(of: Account, page: dict[str, Any], answer: Any = None) -> dict[str, Any]:
    answers = [answer or ANSWER] * len(page["tasks"])
    handed_in: dict[str, Any] = control(
        of, "POST", f"/assignments/{page['assignment_id']}/submit", {"answers": answers}
    )
    return handed_in


def set_clock(of: Account, now: datetime) -> None:
    control(of, "PUT", "/clock", {"now": now.isoformat()})


class TolokaBench:
    page_size = "crowd.platforms.toloka.assignments.PULL_SIZE"

    def account(self) -> Account:
        return account()

    def worker_sends(self, of: Account, remote_id: str, now: datetime) -> tuple[str, str]:
        set_clock(of, now)
        who = worker(of)
        page = take(of, who, remote_id)
        return who, str(hand_in(of, page)["id"])

    def worker_takes(self, of: Account, remote_id: str, now: datetime) -> Callable[[datetime], str]:
        set_clock(of, now)
        page = take(of, worker(of), remote_id)

        def hand_in_later(then: datetime) -> str:
            set_clock(of, then)
            return str(hand_in(of, page)["id"])

        return hand_in_later

    def is_welcome(self, of: Account, worker_ext_id: str, remote_id: str, now: datetime) -> bool:
        set_clock(of, now)
        return remote_id in {offer["pool_id"] for offer in control(of, "GET", f"/workers/{worker_ext_id}/offers")}
