"""Bring the database's tables up to date: one process at a time, the others wait for it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.migrations.executor import MigrationExecutor

from .errors import ServiceError

LOCK_KEY = 946_669  # any number, the same for every release; on a telephone it spells "winnow"
WAIT_SECONDS = 600.0


def pending_migrations() -> list[str]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def apply_pending_migrations(*, keeping: bool = True) -> list[str]:
    """Apply what is missing under an advisory lock and return the names; first a backup, unless `keeping` is off."""
    if not pending_migrations():
        return []
    with _one_at_a_time():
        missing = pending_migrations()
        if missing:
            if keeping:
                _keep_a_backup(missing)
            call_command("migrate", interactive=False, verbosity=0)
    return missing


def _keep_a_backup(missing: list[str]) -> None:
    from curation.services.backups.automatic import before_migrating

    before_migrating(missing)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Hold the advisory lock of this database session; a migration may take longer than a page's statement."""
    limit = time.monotonic() + WAIT_SECONDS
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        while not _try_lock(cursor):
            if time.monotonic() > limit:
                raise ServiceError("Another process has been migrating the database for ten minutes; look at it first.")
            time.sleep(0.2)
    try:
        yield
    finally:
        connection.close()  # ends the lock and the longer limit together


def _try_lock(cursor: CursorWrapper) -> bool:
    cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_KEY])
    return bool(cursor.fetchone() == (True,))
