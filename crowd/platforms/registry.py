"""The platforms by slug. An adapter is loaded on first use: some SDKs take seconds to import."""

from functools import cache
from importlib import import_module
from typing import cast

from crowd.errors import CrowdError
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
    module, name = PLATFORMS[slug].split(":")
    return cast(Platform, getattr(import_module(module), name)())


@cache
def issuing_pages() -> frozenset[str]:
    """Return the platforms that give out pages themselves, and take them back when their time is over."""
    return frozenset(slug for slug in PLATFORMS if platform(slug).capabilities.pages == "remote")


@cache
def elsewhere() -> frozenset[str]:
    """Return the platforms that have to be told what we want: all but the markets in our own database."""
    return frozenset(slug for slug in PLATFORMS if platform(slug).capabilities.pages != "local")
