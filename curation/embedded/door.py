"""The port of the web processes: the supervisor holds it, so that nobody is refused while one is started again."""

import errno
import http.client
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .errors import ServiceError

Door = socket.socket
MOST_WAITING = 2048  # connections, as uvicorn has it
SECONDS = 2.0


@contextmanager
def listening(host: str, port: int) -> Iterator[Door]:
    """Hold the port, chosen by the system when it is 0. Raises ServiceError where we cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        door = socket.create_server((host, port), family=family, backlog=MOST_WAITING)
    except OSError as error:
        raise ServiceError(_refusal(host, port, error), status=2) from None
    with door:
        # Linux hands it on to each connection; a server that is given a socket does not know that it is one of TCP.
        door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield door


def _refusal(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} of {host} is taken by another program: choose another one with PORT= or --port."
    if error.errno == errno.EACCES:
        return f"Port {port} may only be used by root: choose one above 1023 with PORT= or --port."
    return f"HOST={host} PORT={port} cannot be listened on: {error.strerror}."


@dataclass(slots=True)
class Question:
    """A request that waits at the door until a web process answers; looking for the answer takes no time."""

    host: str
    port: int
    path: str = "/healthz"
    connection: http.client.HTTPConnection | None = None

    def is_answered(self) -> bool:
        """Say whether a web server has answered; a refusal of our host name is an answer too."""
        try:
            if self.connection is None:
                self._ask()
            return self._has_answer()
        except (OSError, http.client.HTTPException):
            self._forget()
            return False

    def _ask(self) -> None:
        reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - compared, not listened on
        self.connection = http.client.HTTPConnection(reachable, self.port, timeout=SECONDS)
        self.connection.request("GET", self.path)

    def _has_answer(self) -> bool:
        connection = self.connection
        if connection is None or not select.select([connection.sock], [], [], 0)[0]:
            return False
        status = connection.getresponse().status
        self._forget()
        return status < 500

    def _forget(self) -> None:
        if self.connection is not None:
            self.connection.close()
        self.connection = None
