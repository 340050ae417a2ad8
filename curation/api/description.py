"""How resources describe themselves in the OpenAPI document, beyond what their serializers say."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response

from curation.api.fields import names_of
from curation.api.paging import DEFAULT_LIMIT, MOST, ORDERS, Filter

View = TypeVar("View", bound=Callable[..., Response])
Row = type[serializers.BaseSerializer[Any]]
SELECTABLE: set[str] = set()
"""Names of the rows of which a caller may ask for some fields only, so that none of them is certain to be there."""
CHANGES = ("post", "put", "patch", "delete")
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="ETag of the state you have read; 412 when it has changed meanwhile",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="ETag you know; 304 when it is still the same"
)
ONCE = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[ -~]+$"},
    "description": "the same request with the same key happens once and is answered the same for seven days",
}
PROBLEM = {
    "type": "object",
    "description": "RFC 9457: `code` is stable, `detail` is a sentence that says what to do.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
    "required": ["type", "title", "status", "code", "detail"],
}
REFUSED = {
    "description": "Refused: see `code` and `detail`.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def describe_list(
    row: Row, filters: Mapping[str, Filter], name: str, summary: str, *, needs: Sequence[str] = ()
) -> Callable[[View], View]:
    """Return the schema of a list: its filters, the parameters of paging, one page as the answer."""
    SELECTABLE.add(row.__name__)
    own = [
        OpenApiParameter("cursor", str, description="`next` of the page before"),
        OpenApiParameter(
            "limit",
            {"type": "integer", "minimum": 1, "maximum": MOST},
            description=f"rows on a page; {DEFAULT_LIMIT} if left out",
        ),
        OpenApiParameter("order", str, enum=list(ORDERS), description="oldest first if left out"),
        OpenApiParameter("count", str, enum=["1"], description="1 = count all rows as well"),
        _fields(row),
    ]
    named = [
        OpenApiParameter(name, one.kind, description=one.about, enum=list(one.values) or None, required=name in needs)
        for name, one in filters.items()
    ]
    described: Callable[[View], View] = extend_schema(
        operation_id=f"{name}_list", summary=summary, parameters=[*named, *own], responses=_page(row)
    )
    return described


def describe_one(row: Row, summary: str, *, also: Sequence[OpenApiParameter] = ()) -> Callable[[View], View]:
    """Return the schema of a single row: some of its fields on demand, and nothing to who knows it already."""
    SELECTABLE.add(row.__name__)
    described: Callable[[View], View] = extend_schema(
        summary=summary,
        parameters=[*also, _fields(row), IF_NONE_MATCH],
        responses={200: row, 304: OpenApiResponse(description="You know this state already.")},
    )
    return described


def _fields(row: Row) -> OpenApiParameter:
    return OpenApiParameter(
        "fields", str, description=f"only these, with commas between them: {', '.join(names_of(row))}"
    )


def _page(row: Row) -> Any:
    return inline_serializer(
        f"{row.__name__}Page",
        {
            "results": row(many=True),
            "next": serializers.CharField(allow_null=True, help_text="cursor of the next page"),
            "count": serializers.IntegerField(required=False, help_text="only with ?count=1"),
        },
    )


RATES: Mapping[str, str] = {"min": "a minute", "hour": "an hour", "day": "a day"}


class Described(AutoSchema):
    """Every operation says what it needs: the scope of a token, and a rate of its own where it has one."""

    def get_operation(self, *args: Any) -> Any:
        operation = super().get_operation(*args)
        if operation is not None:
            told = operation.get("description", "")
            operation["description"] = f"{told}\n\n{self._needs()}".strip()
        return operation

    def _needs(self) -> str:
        scope = getattr(self.view, "scopes", {}).get(self.method, "read")
        rate = getattr(self.view, "rates", {}).get(self.method, "")
        n, _, per = rate.partition("/")
        return f"A token needs the scope `{scope}`." + (f" At most {n} requests {RATES[per]}." if rate else "")


class ClosedBody(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Bodies refuse names they do not know, and say so."""

    target_class = "curation.api.fields.Asked"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> Any:
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**schema, "additionalProperties": False}


def _takes_keys(operation: Mapping[str, Any]) -> bool:
    """Whether a write reads JSON or nothing: see `idempotency.takes_keys`."""
    return "application/json" in operation.get("requestBody", {}).get("content", ["application/json"])


def complete(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add what holds everywhere: how refusals look, keys of writes, rows of which some fields may be left out."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = PROBLEM
    for name in SELECTABLE & set(schemas):
        schemas[name].pop("required", None)
    for path in result["paths"].values():
        for method, operation in path.items():
            operation["responses"]["default"] = REFUSED
            if method in CHANGES and _takes_keys(operation):
                operation.setdefault("parameters", []).append(ONCE)
    return result
