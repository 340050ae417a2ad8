"""At which size a rehearsal draws what its crowd sends: half of it, unless something counts its pixels.

Half as many each way are a quarter of the work for whoever draws, measures and compares. The least sides that the
project asks for are halved with them, so that each photo meets the verdict that it would meet at full size.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from curation.engine.asking import Campaign, settings_for
from curation.models import Project, Stage
from curation.preprocessing.limits import Unreadable
from curation.preprocessing.pool import ChildFailed, drawing_pool
from curation.stages.checks import ChecksSettings

SIDES: Final = ("min_long", "min_short")
COUNTS_PIXELS: Final = ("min_sharpness", "min_brightness", "max_brightness", "most_per_scene", "detector")
"""Settings of checks that say another thing of a smaller picture."""


def may_be_halved(asked: Campaign) -> bool:
    recipe = asked.recipe
    looks_closer = any(stage.kind in ("storyboard", "tag") for stage in recipe.stages)
    counts = any(_counts_pixels(checks) for _, checks in _checks_of(asked))
    return recipe.rehearsed_with == "crowd" and recipe.media == "image" and not looks_closer and not counts


def _counts_pixels(checks: ChecksSettings) -> bool:
    return checks.same_scene == "hold" or any(getattr(checks, name) for name in COUNTS_PIXELS)


def halved(asked: Campaign) -> Campaign:
    """Ask for photos with half as many pixels each way."""
    settings = {name: dict(values) for name, values in asked.settings.items()}
    for name, checks in _checks_of(asked):
        sides = {side: -(-getattr(checks, side) // 2) for side in SIDES}
        settings[name] = {**settings.get(name, {}), **sides}
    return replace(asked, settings=settings)


def is_halved(project: Project, asked: Campaign) -> bool:
    """Tell whether a project has the halved limits that were asked for: an earlier one may have been begun without."""
    stages = Stage.objects.filter(project=project, kind="checks", name__in=asked.settings)
    limits = {stage.name: ChecksSettings.model_validate(stage.settings) for stage in stages}
    return all(getattr(limits[name], side) == asked.settings[name].get(side) for name in limits for side in SIDES)


def in_a_child(draw: Callable[..., bytes], /, *arguments: Any) -> Future[bytes]:
    """Draw in processes beside this one; where one fails, here."""
    return _threads(os.getpid()).submit(_in_a_child, draw, arguments)


def _in_a_child(draw: Callable[..., bytes], arguments: tuple[Any, ...]) -> bytes:
    try:
        return drawing_pool().run(draw, *arguments)
    except (Unreadable, ChildFailed, OSError):
        return draw(*arguments)


@lru_cache(maxsize=1)
def _threads(_process: int) -> ThreadPoolExecutor:
    """Return what waits for the children of a process: one that was forked has none of its own yet."""
    return ThreadPoolExecutor(drawing_pool().processes, "drawing")


def _checks_of(asked: Campaign) -> Iterator[tuple[str, ChecksSettings]]:
    for stage in asked.recipe.stages:
        if stage.kind == "checks":
            yield stage.name, ChecksSettings.model_validate(settings_for(asked, stage.name, stage.settings))
