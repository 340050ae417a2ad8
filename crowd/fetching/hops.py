"""Redirects of a platform's own answers: away from its address they lead to the public internet or nowhere."""

from collections.abc import Callable

import httpx

from crowd.fetching.connection import Deadline, Resolver, checked_addresses, system_resolver
from crowd.fetching.limits import Limits
from crowd.fetching.links import read_link


def require_public(url: str, *, allow: frozenset[str], resolve: Resolver = system_resolver) -> None:
    """Refuse an address inside our own network, unless its host:port is in `allow`. Raises FetchError."""
    limits = Limits()
    checked_addresses(read_link(url, limits=limits, allow=allow), resolve=resolve, deadline=Deadline(limits))


def checked_hops(
    base_url: str, *, allow: frozenset[str], resolve: Resolver = system_resolver
) -> Callable[[httpx.Request], None]:
    """Return a hook for the requests of an httpx client that follows redirects from base_url."""
    home = httpx.URL(base_url)

    def check(request: httpx.Request) -> None:
        to = request.url
        if (to.scheme, to.host, to.port) != (home.scheme, home.host, home.port):
            require_public(str(to), allow=allow, resolve=resolve)

    return check
