"""A release with counts can be taken back: nothing is left that would write into tables that are gone."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

pytestmark = pytest.mark.django_db(transaction=True)
LEFT = """
SELECT proname FROM pg_proc WHERE pronamespace = 'taken_back'::regnamespace
   AND (proname LIKE '%tally%' OR proname = 'winnow_minute')
UNION ALL
SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
 WHERE relnamespace = 'taken_back'::regnamespace AND tgname LIKE 'tally%'
"""


def left() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(LEFT)
        return [name for (name,) in cursor.fetchall()]


def go_to(app: str, name: str) -> None:
    MigrationExecutor(connection).migrate([(app, name)])


def test_counts_are_taken_back_with_their_triggers_and_can_come_again():
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA taken_back; SET search_path TO taken_back")
    try:
        go_to("curation", "0012_tallies")
        there = left()
        go_to("crowd", "0011_language_of_pages")
        assert left() == []
        go_to("curation", "0012_tallies")
        assert sorted(left()) == sorted(there) != []
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET search_path; DROP SCHEMA taken_back CASCADE")
