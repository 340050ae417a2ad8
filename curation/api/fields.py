"""Money, digests and pages as JSON carries them."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field, inline_serializer
from rest_framework import serializers

from crowd.money import micro, plain


@extend_schema_field({"type": "string", "pattern": r"^-?\d+\.\d{2,6}$", "example": "0.03"})
class Dollars(serializers.Field[int, Any, str, Any]):
    """US dollars as text with all decimals; integer micro-dollars inside."""

    def to_representation(self, value: int) -> str:
        return plain(value)

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, str):
            raise serializers.ValidationError('Write an amount in US dollars as text, such as "0.03".')
        try:
            return micro(data)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from None


@extend_schema_field(OpenApiTypes.STR)
class Hex(serializers.Field[bytes, Any, str, Any]):
    """Bytes as lower-case hexadecimal digits."""

    def __init__(self) -> None:
        super().__init__(read_only=True)

    def to_representation(self, value: bytes) -> str:
        return bytes(value).hex()


class ProblemDocument(serializers.Serializer[Any]):
    """RFC 9457: `code` is stable, `detail` is a sentence for people."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()


def page_schema(row: type[serializers.BaseSerializer[Any]]) -> Any:
    """Return the schema of one page of these rows."""
    return inline_serializer(
        f"{row.__name__}Page",
        {
            "results": row(many=True),
            "next": serializers.CharField(allow_null=True, help_text="cursor of the next page"),
            "count": serializers.IntegerField(required=False, help_text="only with ?count=1"),
        },
    )
