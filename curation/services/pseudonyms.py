"""What screens call a worker, and finding one by it."""

import re

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from crowd.errors import CrowdError
from crowd.models import Assignment, Batch, Worker
from curation.models import Project

PSEUDONYM = re.compile(r"(?:w_)?([0-9a-f]{6})", re.IGNORECASE)


def pseudonym(digest: bytes) -> str:
    """Return what screens call the worker with this digest."""
    return Worker(ext_digest=digest).short_id


def digest_of(column: str) -> Subquery:
    """Return the digest of the worker whose number stands in a column, for a query over many rows."""
    rows: QuerySet[Worker] = Worker.objects.filter(pk=OuterRef(column))
    return Subquery(rows.values("ext_digest")[:1])


def find_worker(*, project: Project, text: str) -> Worker:
    """Return the worker of this project with this pseudonym or platform id. CrowdError when it is nobody or several."""
    asked = text.strip()
    here = Worker.objects.filter(
        Exists(Assignment.objects.filter(project_id=project.pk, worker=OuterRef("pk"))),
        account__in=Batch.objects.filter(project_id=project.pk).values("account"),
    ).select_related("account")
    pseudonym = PSEUDONYM.fullmatch(asked)
    found = list(here.filter(ext_id=asked)[:2])
    if pseudonym and not found:
        first = bytes.fromhex(pseudonym[1])
        found = list(here.filter(ext_digest__gte=first, ext_digest__lte=first + b"\xff" * 13)[:2])
    if not found:
        raise CrowdError(
            f"Nobody here is called {asked!r}. Workers are called like w_1a2b3c, as in the table of workers."
        )
    if len(found) > 1:
        raise CrowdError(f"{asked!r} fits several workers. Open the right one from the table of workers.")
    return found[0]
