"""How the tests ask: a few names, all spellings of numbers, and everything open but the address."""

import socket

from crowd.fetching import Limits, fetch_public

PUBLIC = "93.184.215.14"
NAMES = {
    "public.example": [PUBLIC],
    "localhost": ["127.0.0.1", "::1"],
    "wildcard.example": ["127.0.0.1"],
    "metadata.google.internal": ["169.254.169.254"],
    "intranet.example": ["10.1.2.3"],
    "half.example": [PUBLIC, "127.0.0.1"],
    "half6.example": [PUBLIC, "::1"],
    "scoped.example": ["fe80::1%lo"],
    "odd.example": ["not an address"],
    "xn--r8jz45g.example": ["127.0.0.1"],
    "xn--a.example": ["127.0.0.1"],
}


def resolve(host: str) -> list[str]:
    """Know a few names, and every way of writing a number that the machine's own resolver takes."""
    if host in NAMES:
        return NAMES[host]
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return [str(entry[4][0]) for entry in found]


def limits(port: int) -> Limits:
    """All is open but the address: plain http, and the port of the bait."""
    return Limits(plain_http=True, ports=frozenset({80, 443, port}))


def fetch(url: str, port: int, allow: frozenset[str] = frozenset()) -> bytes:
    with fetch_public(url, limits=limits(port), allow=allow, resolve=resolve) as fetched:
        return fetched.read()
