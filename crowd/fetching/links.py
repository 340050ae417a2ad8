"""An address from outside, read once: what the check saw is what the connection uses."""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address

import httpx

from crowd.fetching.errors import AddressRefused
from crowd.fetching.limits import Limits

LONGEST = 2048
# Browsers, libraries and proxies read these differently, so nothing that holds one is read at all.
AMBIGUOUS = re.compile(r"[\x00-\x20\x7f-\xa0\\\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]")
ADDRESS = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>\[[0-9a-f:.]+]|[^][/?#:@%]+)(:(?P<port>[0-9]{1,5}))?([/?#].*)?",
    re.ASCII | re.IGNORECASE,
)
NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Link:
    """One address in parts. `host` is lower-case ASCII without a final dot or brackets; `allowed` skips the guard."""

    scheme: str
    host: str
    port: int
    target: bytes
    allowed: bool

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target.decode('ascii')}"


def read_link(text: str, *, limits: Limits, allow: frozenset[str]) -> Link:
    """Read an address and check all that can be seen from its text: scheme, user, host, port; AddressRefused if not."""
    parsed = _parsed(text)
    host, port = _host(parsed), parsed.port or DEFAULT_PORTS.get(parsed.scheme, 0)
    allowed = (f"[{host}]:{port}" if ":" in host else f"{host}:{port}") in allow
    _check_scheme(parsed.scheme, plain_http=limits.plain_http or allowed)
    if port not in limits.ports and not allowed:
        ports = " / ".join(map(str, sorted(limits.ports)))
        sentence = "Port %(port)s of %(host)s cannot be used; the address must be on port %(ports)s."
        raise AddressRefused(sentence, port=port, host=host, ports=ports)
    return Link(parsed.scheme, host, port, parsed.raw_path, allowed)


def follow(link: Link, location: bytes) -> str:
    """Return the address that a redirect names, absolute; AddressRefused if it cannot be read."""
    try:
        text = location.decode("utf-8")
        if AMBIGUOUS.search(text) is None:
            return str(httpx.URL(str(link)).join(text))
    except (ValueError, httpx.InvalidURL):
        pass
    raise AddressRefused(f"{link.host} sends on to an address that cannot be read.")


def _parsed(text: str) -> httpx.URL:
    if len(text) > LONGEST:
        sentence = "The address has %(n)s characters; at most %(most)s are read."
        raise AddressRefused(sentence, n=len(text), most=LONGEST)
    if AMBIGUOUS.search(text):
        raise AddressRefused("The address holds a space, a backslash or an invisible character; write it without.")
    seen = ADDRESS.fullmatch(text)
    if seen is None:
        raise AddressRefused(
            "The address must look like https://example.com/file, without a user name, password or percent sign "
            "before the path."
        )
    try:
        return httpx.URL(text)
    except (UnicodeError, httpx.InvalidURL):
        sentence = "“%(host)s” is not a name or number of a server."
        raise AddressRefused(sentence, host=seen["host"][:80]) from None


def _host(parsed: httpx.URL) -> str:
    host = parsed.raw_host.decode("ascii")
    if ":" in host:
        return str(IPv6Address(host))
    host = host.removesuffix(".")
    if NAME.fullmatch(host) is None:
        raise AddressRefused("“%(host)s” is not a name of a server.", host=host[:80])
    return host


def _check_scheme(scheme: str, *, plain_http: bool) -> None:
    if scheme == "https" or (scheme == "http" and plain_http):
        return
    sentence = "%(scheme)s:// addresses cannot be used here; the address must start with https://."
    raise AddressRefused(sentence, scheme=scheme)
