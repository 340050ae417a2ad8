"""One at a time, without holding a row: who only adds to a project goes on while a long piece of work is done."""

from typing import Final

from django.db import OperationalError, connection

from crowd.errors import CrowdError
from curation.models import Project

NOT_AVAILABLE: Final = "55P03"
VERSIONS: Final = "versions"
PREDICTIONS: Final = "predictions"


def take_turns(*, project: Project, what: str) -> None:
    """Wait for whoever does the same in this project, and keep the turn until the end of the transaction.

    Raises CrowdError after as long as the database lets anybody wait for a lock.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 13))", [f"{what}:{project.pk}"])
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != NOT_AVAILABLE:
            raise
        raise CrowdError("Somebody is at the same in this project; wait until it is done and try again.") from error
