"""Real servers on 127.0.0.1, and a witness of every connection that anything tries to make."""

import datetime
import ipaddress
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server, socket
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Page = Callable[[BaseHTTPRequestHandler], None]


class Witness:
    """Notes what this thread tries to connect to, and lets nothing leave the machine."""

    def __init__(self) -> None:
        self.attempts: list[tuple[Any, ...]] = []
        self.thread = threading.get_ident()

    def sees(self, address: Any) -> None:
        if threading.get_ident() == self.thread and isinstance(address, tuple):
            self.attempts.append(address[:2])
            if not ipaddress.ip_address(address[0]).is_loopback:
                raise ConnectionRefusedError("tests stay on this machine")


WITNESSES: list[Witness] = []


def _on_event(event: str, details: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        for witness in WITNESSES:
            witness.sees(details[1])


sys.addaudithook(_on_event)


@contextmanager
def witnessed() -> Iterator[Witness]:
    witness = Witness()
    WITNESSES.append(witness)
    try:
        yield witness
    finally:
        WITNESSES.remove(witness)


class Bait:
    """A listener that nobody may reach. A completed handshake waits in its queue, so `visited` misses none."""

    def __init__(self) -> None:
        self.socket = create_server(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.port = int(self.socket.getsockname()[1])

    @property
    def visited(self) -> bool:
        try:
            self.socket.accept()[0].close()
        except BlockingIOError:
            return False
        return True


class Site:
    """An HTTP server whose pages are functions; `asked` keeps path, headers and body of every request."""

    def __init__(self, trust: ssl.SSLContext | None = None) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[tuple[str, Message, bytes]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                site.asked.append((self.path, self.headers, body))
                with suppress(OSError):  # the door hangs up in the middle when it has seen enough
                    site.pages[self.path](self)

            do_POST = do_GET  # noqa: N815  the name that http.server looks for

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.port = int(self.server.server_address[1])
        if trust is not None:
            self.server.socket = trust.wrap_socket(self.server.socket, server_side=True)
        self.host = f"127.0.0.1:{self.port}"
        self.allow = frozenset({self.host})
        self.thread = threading.Thread(target=lambda: self.server.serve_forever(0.01))

    def url(self, path: str) -> str:
        return f"http://{self.host}{path}"

    def __enter__(self) -> "Site":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def page(body: bytes = b"", status: int = 200, **headers: str) -> Page:
    """Return a page that sends this; header names are written with underscores."""

    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return send


def redirect(to: str) -> Page:
    return page(status=302, Location=to)


@contextmanager
def speaking(talk: Callable[[socket, threading.Event], None]) -> Iterator[int]:
    """Run a server of one connection that says whatever `talk` does; its event is set when the test is over."""
    listener, over = create_server(("127.0.0.1", 0)), threading.Event()

    def serve() -> None:
        with suppress(OSError), listener.accept()[0] as visitor:
            talk(visitor, over)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        over.set()
        with suppress(OSError):
            listener.shutdown(2)
        listener.close()
        thread.join()


def certificate(folder: Path, name: str) -> Path:
    """Write a key and a certificate for a name that vouches for itself; return the file that holds both."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    plain = serialization.NoEncryption()
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file
