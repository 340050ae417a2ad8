"""A connection to exactly the addresses that were checked, that never outlives its deadline."""

import contextlib
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import httpcore

from crowd.fetching.addresses import is_public
from crowd.fetching.errors import AddressRefused, NotReached, TooSlow
from crowd.fetching.limits import Limits
from crowd.fetching.links import Link

Resolver = Callable[[str], Sequence[str]]


def system_resolver(host: str) -> list[str]:
    """Return all addresses that the machine's resolver knows for a name, each once."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Deadline:
    """The patience with one server over a whole fetch, redirects included."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._end = time.monotonic() + limits.total_seconds

    def patience(self, host: str, most: float) -> float:
        """Return how many seconds the next step may take; TooSlow when none are left."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TooSlow(f"{host} took longer than {self._limits.total_seconds:g} s.")
        return min(left, most)

    def idle(self, host: str) -> float:
        return self.patience(host, self._limits.idle_seconds)

    def connecting(self, host: str) -> float:
        return self.patience(host, self._limits.connect_seconds)

    def over(self, host: str) -> TooSlow:
        """Return the error of a step that used up its patience."""
        self.patience(host, 0)
        return TooSlow(f"{host} was silent for too long.")


def checked_addresses(link: Link, *, resolve: Resolver, deadline: Deadline) -> list[str]:
    """Resolve the host once and return its addresses; AddressRefused if a single one of them is not public."""
    addresses = _resolved(link.host, resolve=resolve, deadline=deadline)
    if not addresses:
        raise NotReached(f"There is no server called {link.host}.")
    if not link.allowed and not all(map(is_public, addresses)):
        raise AddressRefused(f"{link.host} is not on the public internet.")
    return addresses


def _resolved(host: str, *, resolve: Resolver, deadline: Deadline) -> list[str]:
    """Ask the resolver in a thread of its own: getaddrinfo knows no time-out."""
    answers: queue.SimpleQueue[list[str]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(list(resolve(host)))
        except (OSError, UnicodeError):
            answers.put([])

    threading.Thread(target=ask, daemon=True).start()
    try:
        return answers.get(timeout=deadline.connecting(host))
    except queue.Empty:
        raise TooSlow(f"The name {host} could not be looked up in time.") from None


class PinnedBackend(httpcore.NetworkBackend):
    """Connects to the checked addresses, whatever the name would resolve to now."""

    def __init__(self, host: str, addresses: Sequence[str], deadline: Deadline) -> None:
        self._host, self._addresses, self._deadline = host, addresses, deadline

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002  the name plays no part any more
        port: int,
        timeout: float | None = None,  # noqa: ARG002  the deadline decides
        local_address: str | None = None,  # noqa: ARG002  never set by the door
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002  never set by the door
    ) -> httpcore.NetworkStream:
        for address in self._addresses:
            opened = self._connected(address, port)
            if opened is not None:
                return PinnedStream(opened, self._host, self._deadline)
        raise NotReached(f"{self._host} could not be reached.")

    def _connected(self, address: str, port: int) -> socket.socket | None:
        opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        with contextlib.ExitStack() as undo:
            undo.callback(opened.close)
            opened.settimeout(self._deadline.connecting(self._host))
            try:
                opened.connect((address, port))
            except OSError:
                return None
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            undo.pop_all()
        return opened


class PinnedStream(httpcore.NetworkStream):
    """A socket whose every read and write is measured against the deadline, so that dripping bytes buys no time."""

    def __init__(self, opened: socket.socket, host: str, deadline: Deadline) -> None:
        self._socket, self._host, self._deadline = opened, host, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002  the deadline decides
        self._socket.settimeout(self._deadline.idle(self._host))
        try:
            return self._socket.recv(max_bytes)
        except TimeoutError:
            raise self._deadline.over(self._host) from None
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002  the deadline decides
        rest = memoryview(buffer)
        while rest:
            self._socket.settimeout(self._deadline.idle(self._host))
            try:
                rest = rest[self._socket.send(rest) :]
            except TimeoutError:
                raise self._deadline.over(self._host) from None
            except OSError as error:
                raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002  the deadline decides
    ) -> httpcore.NetworkStream:
        self._socket.settimeout(self._deadline.connecting(self._host))
        try:
            secured = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except ssl.SSLCertVerificationError:
            self.close()
            raise NotReached(f"The certificate of {self._host} does not prove that it is {self._host}.") from None
        except TimeoutError:
            self.close()
            raise self._deadline.over(self._host) from None
        except (OSError, ValueError):
            self.close()
            raise NotReached(f"No safe connection to {self._host} could be made.") from None
        return PinnedStream(secured, self._host, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """Answer httpcore's questions about the socket; it needs none of them for HTTP/1.1."""
        return self._socket if info == "socket" else None
