"""Indexes of large tables, made and dropped by migrations while everybody works: it may take minutes.

Migrations that were applied long ago read this too: what is here keeps its meaning.
"""

from typing import Final

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.migrations import RunSQL
from django.db.migrations.operations.base import Operation
from django.db.models import Index

PATIENT: Final = ("SET statement_timeout = 0", "SET lock_timeout = 0")
USUAL: Final = ("RESET statement_timeout", "RESET lock_timeout")


def beside_the_work(*operations: Operation) -> list[Operation]:
    """Return these operations, for as long as they wait and take; of a migration that is not atomic."""
    return [RunSQL(PATIENT, USUAL), *operations, RunSQL(USUAL, PATIENT)]


def new_index(model: str, index: Index) -> tuple[Operation, Operation]:
    """Return what makes an index; one that was interrupted before is left invalid, so it goes first."""
    return (
        RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}", RunSQL.noop),
        AddIndexConcurrently(model_name=model, index=index),
    )
