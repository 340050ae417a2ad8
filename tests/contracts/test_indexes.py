"""Who follows a foreign key backwards, as a deletion does, finds an index; none is written in vain."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import ForeignKey

pytestmark = pytest.mark.django_db
INDEXES = """
SELECT class.relname, first.attname, coalesce(pg_get_expr(index.indpred, index.indrelid), '') FROM pg_index index
  JOIN pg_class class ON class.oid = index.indrelid
  JOIN pg_attribute first ON first.attrelid = index.indrelid AND first.attnum = index.indkey[0]
 WHERE index.indisvalid AND class.relnamespace = 'public'::regnamespace
"""
CONSTRAINED = """
SELECT class.relname, referring.attname FROM pg_constraint wanted
  JOIN pg_class class ON class.oid = wanted.conrelid
  JOIN pg_attribute referring ON referring.attrelid = class.oid AND referring.attnum = ANY(wanted.conkey)
 WHERE wanted.contype = 'f' AND class.relnamespace = 'public'::regnamespace
"""
NEEDLESS = [
    name
    for module in ("crowd.migrations.0017_", "curation.migrations.0042_")
    for name, _, _ in import_module(f"{module}indexes_that_others_begin_with").NEEDLESS
]


def rows(query: str) -> list[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def test_every_foreign_key_begins_an_index_of_all_rows_that_have_one():
    found = {(table, column, where) for table, column, where in rows(INDEXES)}
    models = [model for app in ("crowd", "curation") for model in apps.get_app_config(app).get_models()]
    fields = [(model._meta.db_table, one) for model in models for one in model._meta.local_concrete_fields]
    keys = {(table, str(one.column)) for table, one in fields if isinstance(one, ForeignKey)}
    keys |= {(table, column) for table, column in rows(CONSTRAINED) if table.startswith(("crowd_", "curation_"))}
    assert len(keys) > 100
    covered = {(table, column) for table, column, where in found if where in {"", f"({column} IS NOT NULL)"}}
    assert sorted(keys - covered) == []


def test_indexes_that_others_begin_with_are_gone():
    assert len(NEEDLESS) == 16
    there = {name for (name,) in rows("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")}
    assert there
    assert there.isdisjoint(NEEDLESS)
