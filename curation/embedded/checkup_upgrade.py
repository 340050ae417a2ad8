"""What an upgrade to this release would do to the database, and what has to be done before. Nothing is written."""

import re
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations import operations as ops
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from .errors import ServiceError
from .findings import Finding, judged
from .locks import is_held
from .paths import Paths
from .postgres import check_version

OLDEST_POSTGRES = 16
MANY_ROWS = 100_000
SPARE = 512 << 20  # what a disk must have left besides a dump for one to be taken before migrating
OUR_APPS = ("crowd", "curation")
ROWS = "SELECT relname, greatest(reltuples, 0)::bigint FROM pg_class WHERE relkind = 'r'"
NOT_LOCKING = ("AddIndexConcurrently", "RemoveIndexConcurrently", "ValidateConstraint", "AddConstraintNotValid")
NOBODY = "nobody waits"
BESIDE_THE_WORK = re.compile(r"\s*((CREATE|DROP)( UNIQUE)? INDEX CONCURRENTLY|SET|RESET)\b[^;]*;?\s*", re.IGNORECASE)
LOCKS: tuple[tuple[tuple[type[Operation], ...], str, bool], ...] = (  # who waits, and whether more rows take longer
    ((ops.CreateModel,), NOBODY, False),
    ((ops.RunPython, ops.RunSQL), "steps of its own; with many rows it may take a while", False),
    ((ops.DeleteModel, ops.RemoveField), "takes data away: the release before cannot run on it any more", False),
    ((ops.AddIndex,), "who writes to the table waits until the index is built", True),
    ((ops.AlterField, ops.AddConstraint), "everybody waits while all rows are looked at", True),
)


def data_findings(paths: Paths) -> list[Finding]:
    """Look at the files of our own PostgreSQL, before anything is started."""
    if not (paths.pg_data / "PG_VERSION").exists():
        return [Finding("postgres", "ok", f"no data in {paths.data_dir} yet: nothing to upgrade")]
    try:
        check_version(paths)
    except ServiceError as failure:
        return [Finding("postgres", "fail", failure.sentence)]
    return [Finding("postgres", "ok", "the data is of the version that this release brings")]


def upgrade_findings() -> Iterator[Finding]:
    """Compare the code with the database that it would meet."""
    executor = MigrationExecutor(connection)
    yield from _server()
    strange = _unknown(executor)
    if strange:
        said = f"the database is of a newer release: {strange[0]} is unknown to {settings.VERSION}"
        yield Finding("release", "fail", said, "install that release, or restore a backup of this one")
        return
    yield Finding("release", "ok", f"this is {settings.VERSION}; the database knows nothing newer")
    plan = [migration for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]
    if not executor.loader.applied_migrations:
        yield Finding("migrations", "ok", "the database is new: its tables are made at the first start")
        return
    yield from _migrations(executor, plan)
    if plan:
        yield from _room()
        yield _running()


def _server() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        version = int((cursor.fetchone() or (0,))[0]) // 10_000
    if not settings.EMBEDDED_DATABASE:
        good, mend = version >= OLDEST_POSTGRES, f"Winnow needs {OLDEST_POSTGRES} or newer: upgrade it"
        yield judged("postgres", good=good, text=f"yours is {version}", mend=mend)


def _unknown(executor: MigrationExecutor) -> list[str]:
    known = set(executor.loader.disk_migrations or {})
    applied = sorted(key for key in executor.loader.applied_migrations if key[0] in OUR_APPS)
    return [f"{app}.{name}" for app, name in applied if (app, name) not in known]


def _migrations(executor: MigrationExecutor, plan: list[Migration]) -> Iterator[Finding]:
    if not plan:
        yield Finding("migrations", "ok", "none is waiting: this release can start at once")
        return
    yield Finding("migrations", "ok", f"{len(plan)} are waiting; `./winnow up` applies them")
    with connection.cursor() as cursor:
        cursor.execute(ROWS)
        rows = dict(cursor.fetchall())
    applied = [key for key in executor.loader.applied_migrations if key in executor.loader.graph.nodes]
    state = executor.loader.project_state(applied)
    for migration in plan:
        yield from dict.fromkeys(_told_all(migration, state, rows))  # steps that are alike are told once


def _told_all(migration: Migration, state: ProjectState, rows: dict[str, int]) -> Iterator[Finding]:
    for operation in migration.operations:
        before = state.clone()
        operation.state_forwards(migration.app_label, state)
        for step in _steps(operation):
            yield _told(migration, step, before, state, rows)


def _steps(operation: Operation) -> Iterator[Operation]:
    """Yield what is done in the database: some operations do another thing there than to the models."""
    if isinstance(operation, ops.SeparateDatabaseAndState):
        for one in operation.database_operations:
            yield from _steps(one)
    else:
        yield operation


def _told(
    migration: Migration, operation: Operation, before: ProjectState, after: ProjectState, rows: dict[str, int]
) -> Finding:
    """Say in words what one step does, to how many rows, and who waits meanwhile."""
    name = f"{migration.app_label}.{migration.name}"
    table = _table(migration.app_label, operation, before, after)
    n = rows.get(table, 0)
    lock, is_long = _lock(operation, n)
    where = f" ({table}, about {n:,} rows)" if table in rows else ""
    said = f"{operation.describe()}{where}: {lock}"
    mend = "do it when few people work: stop Winnow, then start it" if is_long else ""
    return Finding(name, "warn" if is_long else "ok", said, mend)


def _table(app: str, operation: Operation, before: ProjectState, after: ProjectState) -> str:
    model = str(getattr(operation, "model_name", "") or getattr(operation, "name", "")).lower()
    found = before.models.get((app, model)) or after.models.get((app, model))
    if found is None:
        return ""
    return str(found.options.get("db_table") or f"{app}_{model}")


def _lock(operation: Operation, n: int) -> tuple[str, bool]:
    """Return who waits for how long, and whether that is long."""
    if type(operation).__name__ in NOT_LOCKING or (isinstance(operation, ops.RunSQL) and _is_beside(operation.sql)):
        return NOBODY, False
    for kinds, words, grows in LOCKS:
        if isinstance(operation, kinds):
            return words, grows and n > MANY_ROWS
    return "everybody waits for a moment", False


def _is_beside(sql: str | Sequence[Any]) -> bool:
    """Say whether all statements of a migration change indexes beside the work, or only how long it may wait."""
    statements = [sql] if isinstance(sql, str) else [one if isinstance(one, str) else one[0] for one in sql]
    return all(BESIDE_THE_WORK.fullmatch(one) for one in statements)


def _room() -> Iterator[Finding]:
    """See whether the backup before migrating has room; it is left out where it has none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        (size,) = cursor.fetchone() or (0,)
    free = shutil.disk_usage(settings.DATA_DIR).free
    said = f"the database has {size / 1e6:,.0f} MB, {free / 1e6:,.0f} MB are free for a dump of it"
    if free >= size + SPARE:
        yield Finding("disk", "ok", said)
        return
    mend = "free some space, or take a backup to another disk: `./winnow backup FILE`"
    yield Finding("disk", "fail", f"{said}: none would be taken before migrating", mend)


def _running() -> Finding:
    if settings.EMBEDDED_DATABASE and is_held(settings.PATHS.run / "up"):
        return Finding("running", "fail", "Winnow is running on this database", "stop it, then start the new release")
    return Finding("running", "ok", "no `./winnow up` works on this database")
