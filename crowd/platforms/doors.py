"""How people of a platform come to our own page and leave it: what its addresses say, who may frame it.

Only hosted platforms have a door. No SDK is loaded for it: it stands in the way of every click.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Protocol, cast
from urllib.parse import urlsplit

from crowd.errors import CrowdError
from crowd.models import Account, Assignment

ORIGIN = re.compile(r"https?://(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")


class BadArrival(CrowdError):
    """The address is not as the platform writes it."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody at the door; every word of it is a claim. No `ext_id` = only looking."""

    worker_ext_id: str = ""
    ext_id: str = ""
    submit_to: str = ""

    @property
    def only_looks(self) -> bool:
        return not self.ext_id


@dataclass(frozen=True, slots=True)
class Leaving:
    """Where a finished worker goes: posts `fields` there, or simply goes when there are none."""

    url: str
    fields: Mapping[str, str] = field(default_factory=dict)


class Door(Protocol):
    """What a hosted platform's addresses mean."""

    name: str  # of the platform, as its people know it

    def arrival(self, account: Account, query: Mapping[str, str]) -> Arrival:
        """Read the parameters that the platform adds to our address. Raises BadArrival."""
        ...

    def doubts(self, account: Account, arrival: Arrival) -> str:
        """Ask the platform, where that is possible, and return in a sentence why it is not so; empty = nothing."""
        ...

    def score(self, account: Account, worker_ext_id: str, skill: str) -> int | None:
        """Return what somebody has reached in an exam on the platform itself; None = nothing that it knows of."""
        ...

    def hosts(self, account: Account) -> tuple[str, ...]:
        """Return the origins that may show our page in a frame and take forms from it."""
        ...

    def leaving(self, page: Assignment, submit_to: str) -> Leaving: ...


DOORS: dict[str, str] = {
    "mturk": "crowd.platforms.mturk.door:MTurkDoor",
    "prolific": "crowd.platforms.prolific.door:ProlificDoor",
}


@cache
def door(slug: str) -> Door | None:
    """Return the door of a platform; None when nobody comes to us from there."""
    if slug not in DOORS:
        return None
    module, name = DOORS[slug].split(":")
    return cast(Door, getattr(import_module(module), name)())


def origins_in(text: object) -> tuple[str, ...]:
    """Read origins, as scheme and host, out of a setting; what is none is left out."""
    words = str(text or "").lower().replace(",", " ").split()
    return tuple(word for word in words if ORIGIN.fullmatch(word))


def origin_of(url: str) -> str:
    """Return scheme and host of an address; empty when it has more than that or is none."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    found = f"{parts.scheme}://{(parts.hostname or '').lower()}{port}"
    return found if ORIGIN.fullmatch(found) and "*" not in found and "@" not in parts.netloc else ""


def is_allowed(url: str, hosts: tuple[str, ...]) -> bool:
    """Say whether an address is on one of these hosts; `*.` stands for any name before it."""
    origin = origin_of(url)
    return bool(origin) and any(_matches(origin, host) for host in hosts)


def _matches(origin: str, host: str) -> bool:
    if "*." not in host:
        return origin == host
    scheme, _, rest = host.partition("*.")
    return origin.startswith(scheme) and origin.endswith(f".{rest}")
