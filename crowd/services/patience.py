"""Statements over a million rows: they take longer than a page may."""

from django.db import connection


def be_patient() -> None:
    """Let statements take the time they need, until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
