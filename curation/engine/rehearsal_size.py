"""At which size a rehearsal draws what its crowd sends: half of it, unless something counts its pixels.

Half as many each way are a quarter of the work for whoever draws, measures and compares. The least sides that the
project asks for are halved with them, so that each photo meets the verdict that it would meet at full size.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from curation.engine.asking import Campaign, settings_for
from curation.models import Project, Stage
from curation.preprocessing.limits import Unreadable
from curation.preprocessing.pool import drawing_pool
from curation.stages.checks import ChecksSettings

SIDES: Final = ("min_long", "min_short")
COUNTS_PIXELS: Final = ("min_sharpness", "detector")
"""Settings of checks that say another thing of a smaller picture."""


def may_be_halved(asked: Campaign) -> bool:
    recipe = asked.recipe
    looks_closer = any(stage.kind in ("storyboard", "tag") for stage in recipe.stages)
    counts = any(getattr(checks, name) for _, checks in _checks_of(asked) for name in COUNTS_PIXELS)
    return recipe.rehearsed_with == "crowd" and recipe.media == "image" and not looks_closer and not counts


def halved(asked: Campaign) -> Campaign:
    """Ask for photos with half as many pixels each way."""
    settings = {name: dict(values) for name, values in asked.settings.items()}
    for name, checks in _checks_of(asked):
        sides = {side: -(-getattr(checks, side) // 2) for side in SIDES}
        settings[name] = {**settings.get(name, {}), **sides}
    return replace(asked, settings=settings)


def is_halved(project: Project, asked: Campaign) -> bool:
    """Tell whether a project has the halved limits that were asked for: an earlier one may have been begun without."""
    limits = dict(Stage.objects.filter(project=project, kind="checks").values_list("name", "settings"))
    return all(limits[name][side] == asked.settings[name][side] for name in limits for side in SIDES)


def in_a_child(draw: Callable[..., bytes], /, *arguments: Any) -> Future[bytes]:
    """Draw in processes beside this one; where one fails, here."""
    return _threads().submit(_in_a_child, draw, arguments)


def _in_a_child(draw: Callable[..., bytes], arguments: tuple[Any, ...]) -> bytes:
    try:
        return drawing_pool().run(draw, *arguments)
    except Unreadable:
        return draw(*arguments)


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(drawing_pool().processes, "drawing")


def _checks_of(asked: Campaign) -> Iterator[tuple[str, ChecksSettings]]:
    for stage in asked.recipe.stages:
        if stage.kind == "checks":
            yield stage.name, ChecksSettings.model_validate(settings_for(asked, stage.name, stage.settings))
