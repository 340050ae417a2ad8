"""Misconfiguration as Django system checks, each with a hint."""

from typing import Any

from django.conf import settings
from django.core.checks import Error, register


@register()
def persistent_connections_under_asgi(**_: Any) -> list[Error]:
    """Each request thread of an ASGI server keeps its connection: with CONN_MAX_AGE they run out within seconds."""
    database: dict[str, Any] = dict(settings.DATABASES["default"])
    if database.get("CONN_MAX_AGE") and not database["OPTIONS"].get("pool"):
        return [Error("CONN_MAX_AGE is set without a pool.", hint="Set CONN_MAX_AGE=0.", id="winnow.E001")]
    return []
