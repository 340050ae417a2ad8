"""`--set stage.name=value`: settings of stages on the command line."""

import json
from typing import Any

from django.core.management.base import CommandError


def changes(texts: list[str]) -> dict[str, dict[str, Any]]:
    """Read `--set boxes.overlap=5`: the value is JSON where it can be, else text."""
    found: dict[str, dict[str, Any]] = {}
    for text in texts:
        place, separator, value = text.partition("=")
        stage, dot, name = place.partition(".")
        if not separator or not dot or not stage or not name:
            raise CommandError(f"--set {text!r} must look like stage.name=value.", returncode=2)
        found.setdefault(stage, {})[name] = _value(value)
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
