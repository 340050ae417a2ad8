"""Money, digests, pseudonyms as JSON carries them; bodies that refuse what they do not know; chosen fields."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.settings import api_settings

from crowd.money import micro, plain
from curation.api.problems import Problem
from curation.services.pseudonyms import pseudonym


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


class Amount(Dollars):
    """An amount in the currency that stands beside it."""


@extend_schema_field(OpenApiTypes.STR)
class Hex(serializers.Field[bytes, Any, str, Any]):
    """Bytes as lower-case hexadecimal digits."""

    def __init__(self) -> None:
        super().__init__(read_only=True)

    def to_representation(self, value: bytes) -> str:
        return bytes(value).hex()


@extend_schema_field({"type": "string", "pattern": "^w_[0-9a-f]{6}$", "example": "w_7f3a01"})
class Pseudonym(serializers.Field[bytes, Any, str, Any]):
    """A worker as screens call him, from the digest of his id."""

    def to_representation(self, value: bytes) -> str:
        return pseudonym(value)


class Asked(serializers.Serializer[Any]):
    """A body that somebody sends: a name it does not know is refused, so that no wish is silently lost."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = sorted(str(name) for name in data if name not in self.fields)
            if unknown:
                known = ", ".join(self.fields)
                fault = f"{unknown[0]!r} is no field here; known are {known}."
                raise serializers.ValidationError({api_settings.NON_FIELD_ERRORS_KEY: [fault]})
        return super().to_internal_value(data)


def picked(given: Mapping[str, str], row: type[serializers.BaseSerializer[Any]]) -> tuple[str, ...]:
    """Return the fields that ?fields= asks for; none = all. Problem names one that does not exist."""
    text = given.get("fields")
    if text is None:
        return ()
    known = names_of(row)
    names = tuple(dict.fromkeys(text.split(",")))
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Problem(400, "unknown_field", f"{unknown[0]!r} is no field here; known are {', '.join(known)}.")
    return names


def names_of(row: type[serializers.BaseSerializer[Any]]) -> tuple[str, ...]:
    made = row()
    return tuple(made.fields) if isinstance(made, serializers.Serializer) else ()


def pick(rows: Any, names: tuple[str, ...]) -> Any:
    """Leave only the named fields in a serializer of many rows; what is left out is not computed."""
    if names:
        fields = rows.child.fields
        for name in [one for one in fields if one not in names]:
            fields.pop(name)
    return rows
