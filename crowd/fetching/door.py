"""The one door by which an address that somebody outside named is ever fetched.

Read once, resolved once, every address checked, connected to exactly those, redirects by hand through the same door.
No cookies, no credentials, no proxies: nothing of the machine's environment is used.
"""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import httpcore
import httpx

from crowd.fetching.answer import Fetched, failures_of, refuse_unless_ok
from crowd.fetching.connection import Deadline, PinnedBackend, Resolver, checked_addresses, system_resolver
from crowd.fetching.errors import AnswerRefused
from crowd.fetching.limits import Limits
from crowd.fetching.links import Link, follow, read_link

NOBODY: frozenset[str] = frozenset()
USUAL = Limits()
REDIRECTS = frozenset({301, 302, 303, 307, 308})
FETCHING = {"User-Agent": "Winnow", "Accept": "*/*", "Accept-Encoding": "identity"}


@contextmanager
def fetch_public(
    url: str,
    *,
    limits: Limits = USUAL,
    allow: frozenset[str] = NOBODY,
    resolve: Resolver = system_resolver,
    trust: ssl.SSLContext | None = None,
) -> Iterator[Fetched]:
    """Open the file at a public address; only a host:port in `allow` may be private, on another port or without TLS.

    `trust` replaces the public certificate authorities. Raises a FetchError here or while the body is read.
    """
    way = _Way(resolve, trust or public_authorities(), Deadline(limits))
    for _ in range(limits.redirects + 1):
        link = read_link(url, limits=limits, allow=allow)
        with way.exchange("GET", link, FETCHING, b"") as response:
            if response.status not in REDIRECTS:
                refuse_unless_ok(link.host, response.status)
                yield Fetched(
                    url=str(link),
                    host=link.host,
                    headers=httpx.Headers(response.headers),
                    body=response.iter_stream(),
                    limits=limits,
                )
                return
            url = follow(link, _location(link, response))
    raise AnswerRefused(f"{link.host} sends on again: more than {limits.redirects} times is not followed.")


def post_public(
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str],
    limits: Limits = USUAL,
    allow: frozenset[str] = NOBODY,
    resolve: Resolver = system_resolver,
    trust: ssl.SSLContext | None = None,
) -> int:
    """Post a body to a public address and return the status; the answer is not read and a redirect not followed."""
    way = _Way(resolve, trust or public_authorities(), Deadline(limits))
    link = read_link(url, limits=limits, allow=allow)
    sent = {"User-Agent": "Winnow", **headers, "Content-Length": str(len(body))}
    with way.exchange("POST", link, sent, body) as response:
        return response.status


@cache
def public_authorities() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


@dataclass(frozen=True, slots=True)
class _Way:
    """What stays the same over all the hops of one fetch."""

    resolve: Resolver
    trust: ssl.SSLContext
    deadline: Deadline

    @contextmanager
    def exchange(self, method: str, link: Link, headers: Mapping[str, str], body: bytes) -> Iterator[httpcore.Response]:
        """Send one request over a connection of its own and give its answer, body unread."""
        addresses = checked_addresses(link, resolve=self.resolve, deadline=self.deadline)
        where = httpcore.URL(scheme=link.scheme, host=link.host, port=link.port, target=link.target)
        backend = PinnedBackend(link.host, addresses, self.deadline)
        connection = httpcore.HTTPConnection(where.origin, ssl_context=self.trust, network_backend=backend)
        request = httpcore.Request(
            method, where, headers=[("Host", link.authority), *headers.items()], content=body or None
        )
        try:
            with failures_of(link.host):
                response = connection.handle_request(request)
            yield response
        finally:
            connection.close()


def _location(link: Link, response: httpcore.Response) -> bytes:
    for name, value in response.headers:
        if name.lower() == b"location":
            return value
    raise AnswerRefused(f"{link.host} sends on without saying where to.")
