"""Times come from the database as Django gives them, whatever their digits; what no time of Python is, is refused."""

from datetime import UTC, datetime

import pytest
from django.db import DataError, connection
from psycopg import DataError as PsycopgDataError

from crowd.timestamps import UtcLoader

pytestmark = pytest.mark.django_db


def read(time: str) -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [time])
        (found,) = cursor.fetchone()
    return found


@pytest.mark.parametrize(
    ("written", "time"),
    [
        ("2026-01-05 09:00:00+00", datetime(2026, 1, 5, 9, tzinfo=UTC)),
        ("2026-01-05 09:00:00.5+00", datetime(2026, 1, 5, 9, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-01-05 12:30:00.123456+03:30", datetime(2026, 1, 5, 9, 0, 0, 123_456, tzinfo=UTC)),
        ("0044-03-15 00:00:00+00", datetime(44, 3, 15, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_to_the_last_digit_in_utc(written: str, time: datetime) -> None:
    found = read(written)
    assert (found, found.tzinfo) == (time, UTC)


@pytest.mark.parametrize("written", ["infinity", "-infinity", "0044-03-15 00:00:00+00 BC", "12026-01-01 00:00:00+00"])
def test_a_time_that_python_has_not_is_refused_in_words(written: str) -> None:
    with pytest.raises((DataError, PsycopgDataError), match="timestamp too"):
        read(written)


def test_each_connection_reads_times_in_one_call() -> None:
    connection.ensure_connection()
    assert (
        connection.connection.adapters.get_loader(connection.connection.adapters.types["timestamptz"].oid, 0)
        is UtcLoader
    )
