"""Many rows from outside in one statement: COPY into a temporary table, then one INSERT with a named conflict target.

`bulk_create(ignore_conflicts=True)` names no target: with an id sequence that lags behind it drops new rows in silence.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from operator import attrgetter
from types import NoneType
from typing import Any, Final

from django.db import connection, models, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models.expressions import DatabaseDefault, Expression
from psycopg import sql

UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # what PostgreSQL takes in no text: NUL and halves of surrogate pairs
INSTEAD = "\ufffd"
FEW = 5
PLAIN_FIELDS: Final = frozenset(  # fields that change nothing about what is plain
    {
        models.BigAutoField, models.BigIntegerField, models.BinaryField, models.BooleanField, models.CharField,
        models.DateTimeField, models.FloatField, models.ForeignKey, models.IntegerField, models.OneToOneField,
        models.PositiveBigIntegerField, models.PositiveIntegerField, models.PositiveSmallIntegerField,
        models.SmallIntegerField, models.TextField,
    }
)  # fmt: skip
AS_THEY_ARE: Final = frozenset({NoneType, bool, bytes, datetime, float, int, str})


def bulk_load(
    *,
    model: type[models.Model],
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    conflict: Sequence[str] = (),
    only_where: str = "",
    same: Mapping[str, Any] | None = None,
    returning: Sequence[str] = ("id",),
) -> list[tuple[Any, ...]]:
    """Insert the rows that are not there yet by `conflict`, in this order, and return the wanted columns of these.

    `only_where` is the condition of a unique index that does not hold for all rows; without `conflict` a row that is
    there is an error. Columns are the database's. `same` holds what is alike in all rows; the model's defaults fill
    the rest. JSON comes as text, see `json_text`. Where others may load the same rows at the same time, give them in
    order of `conflict`: whoever does it the other way round could wait for the first for ever.
    """
    filled = {**_defaults(model, {*columns, *(same or {})}), **(same or {})}
    query = sql.SQL(
        "INSERT INTO {table} ({names}) SELECT {values} FROM staged_rows ORDER BY staged_rows.ctid {there} "
        "RETURNING {wanted}"
    ).format(
        table=sql.Identifier(model._meta.db_table),
        names=_names([*columns, *filled]),
        values=sql.SQL(", ").join([*map(sql.Identifier, columns), *[sql.SQL("%s")] * len(filled)]),
        there=_there(conflict, only_where),
        wanted=_names(returning),
    )
    types = _types(model)
    with transaction.atomic(), staged("staged_rows", {name: types[name] for name in columns}, rows) as cursor:
        cursor.execute(query, list(filled.values()))
        return list(cursor.fetchall())


def bulk_change(*, model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Give rows, each named by its id before its values, new values of these columns. The caller holds their locks.

    One statement: Django's `bulk_update` writes a CASE as long as the rows for each column, and each row reads it.
    """
    names = ["id", *columns]
    given = [dict(zip(names, row, strict=True)) for row in rows]
    if not given:
        return
    types = _types(model)
    query = sql.SQL(
        "UPDATE {table} SET {changes} FROM json_to_recordset(%s) AS changed ({fields}) WHERE {table}.id = changed.id"
    )
    same = sql.SQL("{name} = changed.{name}")
    fields = [  # without lengths: a text that is too long is refused where it is stored, and not cut off here
        sql.SQL(f"{{}} {types[name].split('(')[0]}").format(sql.Identifier(name)) for name in names
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            query.format(
                table=sql.Identifier(model._meta.db_table),
                changes=sql.SQL(", ").join(same.format(name=sql.Identifier(name)) for name in columns),
                fields=sql.SQL(", ").join(fields),
            ),
            [json.dumps(given, default=_as_text)],
        )


def _there(conflict: Sequence[str], only_where: str) -> sql.Composable:
    if not conflict:
        return sql.SQL("")
    condition = sql.SQL(f"WHERE {only_where}" if only_where else "")  # of ours, never from outside
    return sql.SQL("ON CONFLICT ({}) {} DO NOTHING").format(_names(conflict), condition)


def _as_text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    raise TypeError(f"{type(value).__name__} cannot be changed by this statement.")


@contextmanager
def staged(table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> Iterator[CursorWrapper]:
    """Have rows in a temporary table of these columns and types, for the length of the block."""
    fields = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in columns.items()]
    named = {"table": sql.Identifier(table), "names": _names(columns), "fields": sql.SQL(", ").join(fields)}
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE TEMP TABLE {table} ({fields}) ON COMMIT DROP").format(**named))
        with cursor.copy(sql.SQL("COPY {table} ({names}) FROM STDIN").format(**named)) as copy:
            for row in rows:
                copy.write_row(row)
        yield cursor
        cursor.execute(sql.SQL("DROP TABLE {table}").format(**named))


def insert_all(rows: Sequence[models.Model], *, numbered: bool = False) -> None:
    """Store new rows of one model: a few as Django does it, many by COPY. Nothing is read back, no signal is sent.

    What the database fills in by itself is left to it, ids that are not known yet too: of all rows or of none. Rows
    that are `numbered` have an id each afterwards, so that others can refer to them.
    """
    if not rows:
        return
    model = type(rows[0])
    if len(rows) < FEW or any(_is_worked_out(rows[0], field) for field in model._meta.concrete_fields):
        model._default_manager.bulk_create(rows)
        return
    if numbered:
        for row, pk in zip(rows, next_ids(model, len(rows)), strict=True):
            row.pk = pk
    columns = {field: list(map(attrgetter(field.attname), rows)) for field in model._meta.concrete_fields}
    _copy(model, {field: values for field, values in columns.items() if not _are_left(field, values)})


def insert_values(model: type[models.Model], names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Store new rows of these columns as `insert_all` does: where they are many, none is made first.

    The columns are all that the model has, but for those that the database fills in by itself.
    """
    fields = {field.attname: field for field in model._meta.concrete_fields}
    needed = [name for name, field in fields.items() if not (field.has_db_default() or _is_numbered(field))]
    if len({*names}) != len(names) or not {*needed} <= {*names} <= {*fields}:
        raise ValueError(f"{model.__name__} has {', '.join(fields)}; given were {', '.join(names)}.")
    if len(rows) < FEW:
        model._default_manager.bulk_create(model(**dict(zip(names, row, strict=True))) for row in rows)
        return
    _copy(model, {fields[name]: values for name, values in zip(names, zip(*rows, strict=True), strict=True)})


def _copy(model: type[models.Model], given: Mapping["models.Field[Any, Any]", Sequence[Any]]) -> None:
    names = {"table": sql.Identifier(model._meta.db_table), "names": _names([str(field.column) for field in given])}
    command = sql.SQL("COPY {table} ({names}) FROM STDIN").format(**names)
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(command) as copy:
        for stored in zip(*(_stored(field, values) for field, values in given.items()), strict=True):
            copy.write_row(stored)


def _is_worked_out(row: models.Model, field: "models.Field[Any, Any]") -> bool:
    value = getattr(row, field.attname)
    return isinstance(value, Expression) and not isinstance(value, DatabaseDefault)


def _is_numbered(field: "models.Field[Any, Any]") -> bool:
    return isinstance(field, models.AutoField | models.BigAutoField)


def _are_left(field: "models.Field[Any, Any]", values: Sequence[Any]) -> bool:
    if field.primary_key:
        return all(value is None for value in values)
    return field.has_db_default() and all(isinstance(value, DatabaseDefault) for value in values)


def _stored(field: "models.Field[Any, Any]", values: Sequence[Any]) -> Sequence[Any]:
    """Return the values of a column as the database takes them: most are so already."""
    if type(field) is models.JSONField:
        return [None if value is None else json.dumps(value, cls=field.encoder) for value in values]
    if type(field) in PLAIN_FIELDS and all(type(value) in AS_THEY_ARE for value in values):
        return values
    return [field.get_db_prep_save(value, connection) for value in values]


def next_ids(model: type[models.Model], n: int) -> list[int]:
    """Return ids for so many new rows, so that they can refer to each other before they are stored."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH named AS MATERIALIZED (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS ids) "
            "SELECT nextval(ids) FROM named, generate_series(1, %s)",
            [model._meta.db_table, n],
        )
        return [pk for (pk,) in cursor.fetchall()]


def json_text(value: object) -> str:
    """Return JSON as PostgreSQL stores it: characters it refuses are replaced, numbers that are none become null."""
    try:
        text = json.dumps(value, allow_nan=False)
    except ValueError:
        return json.dumps(storable(value))
    suspicious = "\\u0000" in text or "\\ud" in text
    return json.dumps(storable(value)) if suspicious else text


def plain_text(value: str) -> str:
    """Return text as PostgreSQL stores it."""
    return UNSTORABLE.sub(INSTEAD, value)


def storable(value: object) -> Any:
    """Return JSON with its texts and numbers as PostgreSQL stores them."""
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {plain_text(str(key)): storable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [storable(inner) for inner in value]
    return value


def _names(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _types(model: type[models.Model]) -> dict[str, str]:
    return {str(field.column): str(field.db_type(connection)) for field in model._meta.concrete_fields}


def _defaults(model: type[models.Model], given: set[str]) -> dict[str, Any]:
    """Return what Django fills in by itself, since the database does not know of it."""
    return {
        str(field.column): field.get_db_prep_save(field.get_default(), connection)
        for field in model._meta.concrete_fields
        if field.column not in given and not field.primary_key and not field.has_db_default()
    }
