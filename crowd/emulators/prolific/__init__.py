"""A stand-in for Prolific over HTTP: the calls that Winnow makes, with the platform's traps and books of its own.

`serve(port)` runs it in a thread and gives itself with `.url`; `market` and `trouble` are its control in one process.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from crowd.emulators.prolific import hooks
from crowd.emulators.prolific.clock import Clock
from crowd.emulators.prolific.http import application
from crowd.emulators.prolific.market import Market
from crowd.emulators.prolific.trouble import Trouble

__all__ = ["Clock", "ProlificEmulator"]


class ProlificEmulator:
    def __init__(self, clock: Clock | None = None) -> None:
        self.market = Market(clock)
        hooks.watch(self.market)
        self.trouble = Trouble(application(self.market))
        self.url = ""

    @contextmanager
    def serve(self, port: int = 0) -> Iterator["ProlificEmulator"]:
        """Answer on 127.0.0.1 until the block ends."""
        with socket.create_server(("127.0.0.1", port)) as door:
            config = uvicorn.Config(self.trouble, log_level="error", lifespan="off", ws="none")
            server = uvicorn.Server(config)
            thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
            thread.start()
            while not server.started:
                time.sleep(0.005)
            self.url = f"http://127.0.0.1:{door.getsockname()[1]}"
            try:
                yield self
            finally:
                server.should_exit = True
                thread.join(10)
