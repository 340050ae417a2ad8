"""Which services this installation embeds, from its settings."""

import os

from django.conf import LazySettings

from .keeper import Plan


def embedded_plan(settings: LazySettings) -> Plan | None:
    """Return what to start, or None when the database and Redis are both yours."""
    if not settings.EMBEDDED_DATABASE and not settings.EMBEDDED_REDIS:
        return None
    return Plan(
        postgres=settings.EMBEDDED_DATABASE,
        redis=settings.EMBEDDED_REDIS,
        connections=settings.DATABASE_CONNECTIONS,
        durable=not os.environ.get("WINNOW_TEST_DATA_DIR"),
    )
