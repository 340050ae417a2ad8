"""One at a time, without holding a row: who only adds to a project goes on while a long piece of work is done."""

from django.db import connection

from curation.models import Project


def take_turns(*, project: Project, what: str) -> None:
    """Wait, until the end of the transaction, for whoever does the same in this project."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 13))", [f"{what}:{project.pk}"])
