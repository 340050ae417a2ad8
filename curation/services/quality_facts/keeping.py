"""Figures that take a second to compute are kept while the project's version stays the same."""

from collections.abc import Callable
from typing import TypeVar, cast

from django.core.cache import cache

from curation.models import Project, Stage
from curation.services.shared_cache import first_of_all

T = TypeVar("T")
SECONDS = 3600
SECONDS_IF_BIG = 120


def kept(name: str, project: Project, stage: Stage | None, make: Callable[[], T], is_big: Callable[[T], bool]) -> T:
    """Return what was made for this version, or make it. What is big is kept for two minutes, whatever happens.

    Whoever asks while it is being made waits for it: what a page of many images needs is not made ten times at once.
    """
    key = f"{name}:{project.pk}:{stage.pk if stage else 0}"
    keys = [f"{key}:{project.version}", key]
    for found in cache.get_many(keys).values():
        return cast(T, found)
    with first_of_all(keys[0]) as is_first:
        for found in () if is_first else cache.get_many(keys).values():
            return cast(T, found)
        made = make()
        big = is_big(made)
        cache.set(keys[1] if big else keys[0], made, SECONDS_IF_BIG if big else SECONDS)
        return made
