"""Looking for something while a person waits: so long and no longer."""

from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connection, transaction

Found = TypeVar("Found")


def in_time(look: Callable[[], Found], *, milliseconds: int) -> Found | None:
    """Return what is found, or None when one of its statements takes longer than this."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(milliseconds)])
            found = look()
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
            return found
    except OperationalError as error:
        if not took_too_long(error):
            raise
        return None


def took_too_long(error: Exception) -> bool:
    """Whether the database answers, and stopped a statement that took longer than it may."""
    return "statement timeout" in str(error)
