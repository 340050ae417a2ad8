"""The platforms by slug. An adapter is loaded on first use: some SDKs take seconds to import."""

from functools import cache
from importlib import import_module
from typing import cast

from crowd.errors import CrowdError
from crowd.models import Account
from crowd.platforms.base import Platform

PLATFORMS: dict[str, str] = {
    "inhouse": "crowd.platforms.inhouse:InHouse",
    "mturk": "crowd.platforms.mturk:MTurk",
    "prolific": "crowd.platforms.prolific:Prolific",
    "rehearsal": "crowd.platforms.rehearsal:Rehearsal",
    "tagme_files": "crowd.platforms.tagme_files:VendorFiles",
    "toloka": "crowd.platforms.toloka:Toloka",
}


def platform(slug: str) -> Platform:
    """Return the adapter; an unknown slug names the known ones."""
    if slug not in PLATFORMS:
        raise CrowdError(f"{slug!r} is not a known platform; known are {', '.join(sorted(PLATFORMS))}.")
    return _adapter(PLATFORMS[slug])()


@cache
def _adapter(place: str) -> type[Platform]:
    module, name = place.split(":")
    return cast(type[Platform], getattr(import_module(module), name))


def fee_is_unknown(account: Account) -> bool:
    """Return whether nobody knows what the platform takes on top of a page; 0 is known."""
    can = platform(account.platform).capabilities
    return can.pages == "remote" and can.live_api and account.commission_percent is None


@cache
def issuing_pages() -> frozenset[str]:
    """Return the platforms that give out pages themselves, and take them back when their time is over."""
    return frozenset(slug for slug in PLATFORMS if platform(slug).capabilities.pages == "remote")


@cache
def elsewhere() -> frozenset[str]:
    """Return the platforms that have to be told what we want: all but the markets in our own database."""
    return frozenset(slug for slug in PLATFORMS if platform(slug).capabilities.pages != "local")
