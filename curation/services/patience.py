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
        if "statement timeout" not in str(error):
            raise
        return None
