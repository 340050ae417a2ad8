"""At which size a rehearsal draws what its crowd sends: half of it or a quarter, unless something counts its pixels.

Half as many each way are a quarter of the work for whoever draws, measures and compares. The least sides that the
project asks for shrink with them, so that each photo meets the verdict that it would meet at full size.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from threading import Timer
from time import monotonic
from typing import Any, Final

from curation.engine.asking import Campaign, settings_for
from curation.models import Project, Stage
from curation.preprocessing.limits import Unreadable
from curation.preprocessing.pool import ChildFailed, drawing_pool
from curation.stages.checks import ChecksSettings

SIDES: Final = ("min_long", "min_short")
COUNTS_PIXELS: Final = ("min_sharpness", "min_brightness", "max_brightness", "most_per_scene", "detector")
"""Settings of checks that say another thing of a smaller picture."""
RESTED = 30.0
"""So many seconds without anything to draw end the processes that draw."""


def may_be_smaller(asked: Campaign) -> bool:
    recipe = asked.recipe
    looks_closer = any(stage.kind in ("storyboard", "tag") for stage in recipe.stages)
    counts = any(_counts_pixels(checks) for _, checks in _checks_of(asked))
    return recipe.rehearsed_with == "crowd" and recipe.media == "image" and not looks_closer and not counts


def _counts_pixels(checks: ChecksSettings) -> bool:
    return checks.same_scene == "hold" or any(getattr(checks, name) for name in COUNTS_PIXELS)


def smaller(asked: Campaign, shrink: int) -> Campaign:
    """Ask for photos with so many times fewer pixels each way."""
    settings = {name: dict(values) for name, values in asked.settings.items()}
    for name, checks in _checks_of(asked):
        sides = {side: -(-getattr(checks, side) // shrink) for side in SIDES}
        settings[name] = {**settings.get(name, {}), **sides}
    return replace(asked, settings=settings)


def has_sides_of(project: Project, asked: Campaign) -> bool:
    """Tell whether a project has the limits that were asked for: an earlier one may have been begun with others."""
    stages = Stage.objects.filter(project=project, kind="checks", name__in=asked.settings)
    limits = {stage.name: ChecksSettings.model_validate(stage.settings) for stage in stages}
    return all(getattr(limits[name], side) == asked.settings[name].get(side) for name in limits for side in SIDES)


def in_a_child(draw: Callable[..., bytes], /, *arguments: Any) -> Future[bytes]:
    """Draw in processes beside this one; where one fails, here."""
    drawing = _drawing(os.getpid())
    drawing.asked_at = monotonic()
    return drawing.threads.submit(_in_a_child, draw, arguments)


def _in_a_child(draw: Callable[..., bytes], arguments: tuple[Any, ...]) -> bytes:
    try:
        return drawing_pool().run(draw, *arguments)
    except (Unreadable, ChildFailed, OSError):
        return draw(*arguments)


@dataclass(slots=True)
class _Drawing:
    """What waits for the children of a process, and when something was last to be drawn."""

    threads: ThreadPoolExecutor
    asked_at: float = 0.0


@lru_cache(maxsize=1)
def _drawing(_process: int) -> _Drawing:
    """Return that of a process: one that was forked has none of its own yet."""
    return _Drawing(ThreadPoolExecutor(drawing_pool().processes, "drawing"))


def end_drawing() -> None:
    """End the processes that draw; whoever has something drawn later starts others."""
    if _drawing.cache_info().currsize:
        _drawing(os.getpid()).threads.shutdown(wait=False, cancel_futures=True)
        _drawing.cache_clear()
    drawing_pool().close()


def rest_soon() -> None:
    """End them after a while in which nothing was to be drawn: another process may do what follows, or nobody."""
    if _drawing.cache_info().currsize:
        timer = Timer(RESTED, _rest, [_drawing(os.getpid())])
        timer.daemon = True
        timer.start()


def _rest(drawing: _Drawing) -> None:
    if monotonic() - drawing.asked_at >= RESTED:
        drawing_pool().close()


def _checks_of(asked: Campaign) -> Iterator[tuple[str, ChecksSettings]]:
    for stage in asked.recipe.stages:
        if stage.kind == "checks":
            yield stage.name, ChecksSettings.model_validate(settings_for(asked, stage.name, stage.settings))
