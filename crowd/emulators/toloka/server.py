"""The emulator as one object, served in a thread of a test or by the command."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import uvicorn

from crowd.emulators.toloka.assembly import new_market
from crowd.emulators.toloka.clock import VirtualClock
from crowd.emulators.toloka.courier import Courier
from crowd.emulators.toloka.floor import Floor
from crowd.emulators.toloka.http import application
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.quotas import Quotas

TOKEN = "toloka-emulator-token"  # noqa: S105 everybody's key to a market that is not real
API_KEY = "emulatorkeyemulatorkeye.emulator.key"
COMMISSION = Decimal("0.30")
BALANCE = Decimal(1000)
STARTED_WITHIN = 20.0


@dataclass(frozen=True, slots=True)
class Served:
    """Where an emulator answers, and with which token."""

    url: str
    token: str
    market: Market

    @property
    def control(self) -> str:
        return f"{self.url}/_emulator"


class TolokaEmulator:
    """A market with its own clock, books and people, behind the platform's protocol.

    Args:
        seed: decides ids, people, page order and faults.
        clock: stands still at 20 November 2026 unless another one is given.
        commission: the platform's fee as a share of rewards and bonuses; the real one is not public.
        balance: dollars on the account.
        operation_delay: virtual seconds that an operation takes; 0 finishes it with the answer.
        quotas: whether the platform's limits per minute, hour and day hold.
        requests_per_second: also limit requests per real second.
        faults: name to rate, or to the fields of faults.Fault.
    """

    def __init__(
        self,
        *,
        seed: str | int = "emulator",
        clock: VirtualClock | None = None,
        commission: Decimal = COMMISSION,
        balance: Decimal = BALANCE,
        operation_delay: float = 0.0,
        quotas: bool = True,
        requests_per_second: int | None = None,
        faults: Mapping[str, Any] | None = None,
    ) -> None:
        self.market = new_market(
            seed=str(seed),
            clock=clock or VirtualClock(),
            commission=commission,
            balance=balance,
            operation_delay=timedelta(seconds=operation_delay),
            quotas=Quotas(enabled=quotas, requests_per_second=requests_per_second),
        )
        for name, spec in (faults or {}).items():
            self.market.faults.set(name, spec)
        self.floor = Floor(self.market)

    def server(self, prefix: str = "") -> uvicorn.Server:
        app = application(self.market, frozenset((TOKEN, API_KEY)), prefix)
        config = uvicorn.Config(
            app, log_level="critical", access_log=False, proxy_headers=False, lifespan="off",
            timeout_graceful_shutdown=1, server_header=False,
        )  # fmt: skip
        return uvicorn.Server(config)

    @contextlib.contextmanager
    def serve(self, port: int = 0, *, host: str = "127.0.0.1", prefix: str = "") -> Iterator[Served]:
        """Serve from a thread; port 0 takes a free one."""
        server, courier = self.server(prefix), Courier(self.market.mailbox)
        with listening(host, port) as door:
            thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, name="toloka", daemon=True)
            thread.start()
            _wait_until_started(server, thread)
            courier.start()
            try:
                yield Served(f"http://{host}:{door.getsockname()[1]}{prefix}", TOKEN, self.market)
            finally:
                server.should_exit = True
                thread.join()
                courier.stop()


def listening(host: str, port: int) -> socket.socket:
    return socket.create_server((host, port))


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    until = time.monotonic() + STARTED_WITHIN
    while not server.started:
        if not thread.is_alive() or time.monotonic() > until:
            raise RuntimeError("The emulator did not start.")
        time.sleep(0.005)
