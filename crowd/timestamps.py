"""Times that are read from the database, each in one call: psycopg takes them apart in Python, part by part."""

from datetime import UTC, datetime
from typing import Any

from django.db.backends.signals import connection_created
from psycopg.types.datetime import TimestamptzLoader


class UtcLoader(TimestamptzLoader):
    """Reads what PostgreSQL writes where the time zone is UTC, as it is in all of Django's connections."""

    timezone = UTC  # which Django compares with its own

    def load(self, data: Any) -> datetime:
        try:
            return datetime.fromisoformat(str(data, "ascii"))
        except ValueError:  # psycopg says what is wrong with a time that Python has not
            return super().load(data)


def register() -> None:
    connection_created.connect(_read_times_at_once, dispatch_uid="times at once")


def _read_times_at_once(*, connection: Any, **_: Any) -> None:
    connection.connection.adapters.register_loader("timestamptz", UtcLoader)
