"""Lists of ids in statements, as one array: `IN` names each, and each is quoted, parsed and planned by itself."""

from collections.abc import Collection
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigAutoField, BigIntegerField, ForeignKey
from django.db.models.fields.related_lookups import RelatedIn
from django.db.models.lookups import In
from django.db.models.sql.compiler import SQLCompiler

MANY = 10
TOO_LARGE = 2**63
ANY = "ANY(%s::bigint[])"


class _AsArray:
    """A lookup `in` whose list, where it is long and of numbers alone, is one parameter."""

    rhs: Any

    def get_prep_lookup(self) -> Any:
        """Numbers are ready as they are: nothing is asked of each."""
        if isinstance(self.rhs, list | tuple | set | frozenset) and _are_many(self.rhs):
            return list(self.rhs)
        return super().get_prep_lookup()  # type: ignore[misc]

    def process_rhs(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        if self.rhs_is_direct_value():  # type: ignore[attr-defined]
            ids = list(dict.fromkeys(pk for pk in self.rhs if pk is not None))
            if _are_many(ids):
                return ANY, [f"{{{','.join(map(str, ids))}}}"]
        return super().process_rhs(compiler, connection)  # type: ignore[misc]

    def get_rhs_op(self, connection: BaseDatabaseWrapper, rhs: str) -> str:
        op: str = super().get_rhs_op(connection, rhs)  # type: ignore[misc]
        return f"= {rhs}" if rhs == ANY else op


def _are_many(ids: Collection[Any]) -> bool:
    """Whether they are worth an array, and fit into one: a number that is too large for an id only finds nothing."""
    return len(ids) >= MANY and all(type(pk) is int for pk in ids) and min(ids) >= -TOO_LARGE and max(ids) < TOO_LARGE


class InArray(_AsArray, In):
    """`in` for numbers."""


class RelatedInArray(_AsArray, RelatedIn):
    """`in` for rows that are referred to."""


def register() -> None:
    for field in (BigAutoField, BigIntegerField):
        field.register_lookup(InArray)
    ForeignKey.register_lookup(RelatedInArray)
