"""MTurk's far side: an emulator for every account, all behind one server, and the workers at its control door."""
# ruff: noqa: ARG002  the arguments of a Protocol

import socket
import threading
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from itertools import count
from typing import Any

import uvicorn

from crowd.emulators.mturk import MTurkEmulator, VirtualClock, worker_side
from crowd.models import Account
from crowd.platforms.registry import platform
from tests.crowd import market

PLACES = 9


class Street:
    """One server for many emulators: the first part of the path says which."""

    def __init__(self) -> None:
        self.houses: dict[str, MTurkEmulator] = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(self, lifespan="off", log_level="critical", access_log=False))
        threading.Thread(target=server.run, args=([self._listener],), daemon=True).start()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        return await self.houses[scope["path"].split("/")[1]].app(scope, receive, send)

    def build(self, number: int, seed: int, **settings: Any) -> MTurkEmulator:
        house = MTurkEmulator(seed, **{"clock": VirtualClock(market.NOON, speed=0), **settings})
        name = f"house-{number}"
        host, port = self._listener.getsockname()
        house.url = f"http://{host}:{port}/{name}"
        self.houses[name] = house
        return house


class MTurkBench:
    page_size = "crowd.platforms.mturk.pages.PAGE_SIZE"

    def __init__(self) -> None:
        self._numbers = count(1)

    @cached_property
    def street(self) -> Street:
        return Street()

    def account(self, seed: int | None = None, **settings: Any) -> Account:
        """Open an account there; whoever comes to it does the same again with the same seed."""
        number = next(self._numbers)
        house = self.street.build(number, number if seed is None else seed, **settings)
        account = market.account("mturk")
        account.base_url = house.url
        account.secrets = {"access_key": "AKIAALICE", "secret_key": "secret"}
        account.save()
        return account

    def house(self, account: Account) -> MTurkEmulator:
        return self.street.houses[account.base_url.rsplit("/", 1)[1]]

    def worker_sends(self, account: Account, remote_id: str, now: datetime) -> tuple[str, str]:
        taken = self._take(account, remote_id, now)
        return taken.worker_id, self._hand_in(account, taken, now)

    def worker_takes(self, account: Account, remote_id: str, now: datetime) -> Callable[[datetime], str]:
        taken = self._take(account, remote_id, now)
        return lambda then: self._hand_in(account, taken, then)

    def is_welcome(self, account: Account, worker_ext_id: str, remote_id: str, now: datetime) -> bool:
        found = self.house(account).market
        worker = found.worker(worker_ext_id)
        return any(hit.type.requires(remote_id) for hit in worker_side.offered(found, worker))

    def _take(self, account: Account, remote_id: str, now: datetime) -> Any:
        """Two HITs with places are there, so that who has worked in one still finds the other."""
        platform("mturk").offer_pages(account, remote_id, 2 * PLACES, "of the bench")
        house = self.house(account)
        house.clock.move_to(max(now, house.clock.now()))
        worker = worker_side.join(house.market, worker_side.Profile())
        hit = next(hit for hit in worker_side.acceptable(house.market, worker) if hit.type.requires(remote_id))
        return worker_side.accept(house.market, worker, hit, house.clock.now())

    def _hand_in(self, account: Account, taken: Any, now: datetime) -> str:
        house = self.house(account)
        house.clock.move_to(max(now, house.clock.now()))
        worker_side.hand_in(house.market, taken, {"winnow_submission": "something"}, house.clock.now())
        return str(taken.id)
