"""The emulator as others use it: make one, serve it, talk to `.url` with the official client."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final

import uvicorn

from crowd.emulators.mturk.clock import VirtualClock
from crowd.emulators.mturk.control import Control
from crowd.emulators.mturk.courier import Courier
from crowd.emulators.mturk.faults import Fault, Faults, Limit
from crowd.emulators.mturk.http import Http
from crowd.emulators.mturk.market import new_market
from crowd.emulators.mturk.nouns.notices import Notice
from crowd.emulators.mturk.service import Service
from crowd.emulators.mturk.visits import Crowd
from crowd.money import micro

BURST: Final = 100
OK: Final = 200
END_WITHIN: Final = 10.0


class MTurkEmulator:
    """One requester's MTurk in memory.

    `clock` runs with real time unless another is given; `access_key` None lets any key in;
    `requests_per_second` throttles after a burst of a hundred, counted on the emulator's clock.
    """

    def __init__(
        self,
        seed: int = 1,
        *,
        clock: VirtualClock | None = None,
        balance: Decimal | str | int = 10_000,
        access_key: str | None = None,
        requests_per_second: float | None = None,
        faults: tuple[Fault, ...] = (),
    ) -> None:
        self.clock = clock or VirtualClock()
        self.market = new_market(seed=seed, clock=self.clock, balance=micro(balance))
        self.faults = Faults(seed)
        for fault in faults:
            self.faults.switch(fault)
        self.service = Service(self.market, self.faults, Limit(requests_per_second, burst=BURST))
        self.crowd = Crowd(self.service, lambda: self.url)
        self.url = ""
        self._control = Control(self.service, self.crowd)
        self._access_key = access_key
        self._courier: Courier | None = None
        self.market.deliver = self._deliver
        self.market.half_pages = lambda operation: self.faults.strikes("half_page", operation) is not None

    @property
    def app(self) -> Http:
        """The ASGI application for another server, which then also sets `.url`."""
        return Http(self.service, self._control, self._access_key)

    @contextmanager
    def serve(self, port: int = 0, host: str = "127.0.0.1") -> Iterator["MTurkEmulator"]:
        """Serve on a port of this machine, 0 takes a free one; `.url` says where."""
        with socket.create_server((host, port)) as listener:
            server = uvicorn.Server(uvicorn.Config(self.app, lifespan="off", log_level="critical", access_log=False))
            thread = threading.Thread(target=server.run, args=([listener],), name="mturk-emulator", daemon=True)
            self._courier = Courier()
            self.url = f"http://{host}:{listener.getsockname()[1]}"
            thread.start()
            try:
                yield self
            finally:
                server.should_exit = server.force_exit = True
                thread.join(END_WITHIN)
                self._courier.close()
                self._courier = None

    def door(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        """Use the control door without HTTP, for tests in this process; ValueError says what was refused."""
        status, answer = self._control.answer(method, path, body, self.url)
        if status != OK:
            raise ValueError(f"{answer.get('code', status)}: {answer['message']}")
        return answer

    def flush_notifications(self) -> None:
        """Wait until all notifications are on their way or have failed."""
        if self._courier:
            self._courier.flush()

    def _deliver(self, notice: Notice) -> None:
        if self._courier is None:
            notice.state = "kept"
            return
        self._courier(notice)
        if self.faults.strikes("double_notice", notice.event):
            self._courier(notice)
