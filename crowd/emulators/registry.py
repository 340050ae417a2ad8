"""The emulators by platform: each is a function that serves until it is interrupted."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, cast

EMULATORS: dict[str, str] = {
    "mturk": "crowd.emulators.mturk.command:serve",
    "prolific": "crowd.emulators.prolific.command:serve",
    "search": "crowd.emulators.search.command:serve",
    "toloka": "crowd.emulators.toloka.command:serve",
}

Serve = Callable[[Mapping[str, Any]], None]


class BadOption(ValueError):
    """An option that cannot be used; the sentence names the value and what is expected."""


def server(name: str) -> Serve:
    """Return what serves a platform; an unknown name lists the known ones."""
    if name not in EMULATORS:
        raise BadOption(f"{name!r} is not a platform we emulate; there are: {', '.join(sorted(EMULATORS))}.")
    module, function = EMULATORS[name].split(":")
    return cast(Serve, getattr(import_module(module), function))
