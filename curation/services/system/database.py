"""The database: its version, size, largest tables, connections and migrations."""

from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

LARGEST = 6
SIZES = """
    SELECT relname, pg_total_relation_size(oid), greatest(reltuples, 0)::bigint
    FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
    ORDER BY pg_total_relation_size(oid) DESC LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class TableSize:
    """Rows are PostgreSQL's own estimate."""

    name: str
    size: int
    rows: int


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    version: str
    size: int
    connections: int
    most_connections: int
    applied: int
    pending: tuple[str, ...]
    tables: tuple[TableSize, ...]


def database_facts() -> DatabaseFacts:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    with connection.cursor() as cursor:
        cursor.execute(SIZES, [LARGEST])
        tables = tuple(TableSize(name, size, rows) for name, size, rows in cursor.fetchall())
    version, size, used, most = _row(
        "SELECT current_setting('server_version'), pg_database_size(current_database()), "
        "(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'), "
        "current_setting('max_connections')::int"
    )
    return DatabaseFacts(
        version=version,
        size=size,
        connections=used,
        most_connections=most,
        applied=len(executor.loader.applied_migrations),
        pending=tuple(f"{migration.app_label}.{migration.name}" for migration, _ in plan),
        tables=tables,
    )


def _row(query: str) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        row: tuple[Any, ...] = cursor.fetchone()
    return row
