"""The keys a person has changed or switched off: kept with the person, so that they are there on every device."""

from collections.abc import Mapping
from typing import Any

from crowd.errors import CrowdError
from curation.models import OwnKeys, User

MOST_SCOPES, MOST_KEYS, LONGEST = 20, 100, 40


def keys_of(user: User) -> dict[str, Any]:
    return user.own_keys.keys if hasattr(user, "own_keys") else {}


def keep_keys(*, user: User, keys: object) -> dict[str, Any]:
    """Store {"off": bool, "SCOPE": {"NAME": "CODE"}} in the place of what was there."""
    kept = _checked(keys)
    OwnKeys.objects.update_or_create(user=user, defaults={"keys": kept})
    return kept


def _checked(keys: object) -> dict[str, Any]:
    if not isinstance(keys, Mapping) or len(keys) > MOST_SCOPES:
        raise CrowdError("Keys are an object of scopes, each with names and key codes.")
    return {str(scope)[:LONGEST]: _scope(scope, names) for scope, names in keys.items()}


def _scope(scope: str, names: object) -> Any:
    if scope == "off":
        return bool(names)
    if not isinstance(names, Mapping) or len(names) > MOST_KEYS:
        raise CrowdError(f"The keys of {str(scope)[:LONGEST]!r} must be an object of names and key codes.")
    codes = {str(name): str(code) for name, code in names.items()}
    if any(len(text) > LONGEST for pair in codes.items() for text in pair):
        raise CrowdError(f"A key of {str(scope)[:LONGEST]!r} is longer than {LONGEST} characters.")
    return codes
