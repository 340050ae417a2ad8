"""The filter of a pool: which workers it lets in, by profile, device and skills."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from crowd.emulators.toloka.checks import refuse
from crowd.emulators.toloka.errors import FieldErrors
from crowd.emulators.toloka.quality import COMPARISONS
from crowd.emulators.toloka.records import Worker

LONGEST = 10_000

_EQUAL = frozenset(("EQ", "NE"))
_AMONG = frozenset(("IN", "NOT_IN"))
_ORDER = frozenset(COMPARISONS)

_OPERATORS: dict[str, dict[str, frozenset[str]]] = {
    "profile": {
        **dict.fromkeys(("gender", "country", "citizenship", "adult_allowed", "education", "verified"), _EQUAL),
        **dict.fromkeys(("languages", "city"), _AMONG),
        "date_of_birth": _ORDER,
    },
    "computed": {
        **dict.fromkeys(("region_by_phone", "region_by_ip"), _AMONG),
        **dict.fromkeys(
            ("device_category", "client_type", "os_family", "user_agent_type", "user_agent_family"), _EQUAL
        ),
        **dict.fromkeys(("os_version", "user_agent_version"), _ORDER),
        **{f"{what}_version_{part}": _ORDER for what in ("os", "user_agent") for part in ("major", "minor", "bugfix")},
    },
}


def FILTER(value: Any, path: str, errors: FieldErrors) -> None:  # noqa: N802 a form like the others in forms.py
    if len(json.dumps(value)) > LONGEST:
        refuse(errors, path, "STRING_LENGTH_GREATER_THAN_MAX", "The filter is too long.", LONGEST)
        return
    _node(value, path, errors)


def _node(value: Any, path: str, errors: FieldErrors) -> None:
    if not isinstance(value, dict):
        refuse(errors, path, "OBJECT_EXPECTED", "An object is expected.")
        return
    group = next((name for name in ("and", "or") if name in value), None)
    if group is None:
        _condition(value, path, errors)
    elif not isinstance(value[group], list):
        refuse(errors, f"{path}.{group}", "ARRAY_EXPECTED", "An array is expected.")
    else:
        for index, inner in enumerate(value[group]):
            _node(inner, f"{path}.{group}.{index}", errors)


def _condition(value: Mapping[str, Any], path: str, errors: FieldErrors) -> None:
    category, key, operator = value.get("category"), value.get("key"), value.get("operator")
    if category == "skill":
        allowed: frozenset[str] | None = _ORDER if isinstance(key, str) else None
    else:
        allowed = _OPERATORS.get(str(category), {}).get(str(key))
    if category != "skill" and category not in _OPERATORS:
        refuse(errors, f"{path}.category", "UNKNOWN_ENUM_VALUE", "skill, profile or computed is expected.")
    elif allowed is None:
        refuse(errors, f"{path}.key", "UNKNOWN_ENUM_VALUE", f"{category} has no such key.")
    elif operator not in allowed:
        refuse(errors, f"{path}.operator", "UNKNOWN_ENUM_VALUE", f"{key} cannot be compared so.", *sorted(allowed))


def skills_of(node: Any) -> set[str]:
    """Return the skills a filter asks about."""
    if not isinstance(node, dict):
        return set()
    for group in ("and", "or"):
        if group in node:
            return {skill for inner in node[group] for skill in skills_of(inner)}
    return {node["key"]} if node.get("category") == "skill" else set()


def lets_in(node: Mapping[str, Any] | None, worker: Worker) -> bool:
    if not node:
        return True
    if "and" in node:
        return all(lets_in(inner, worker) for inner in node["and"])
    if "or" in node:
        return any(lets_in(inner, worker) for inner in node["or"])
    return _fulfils(node, worker)


def _fulfils(condition: Mapping[str, Any], worker: Worker) -> bool:
    known, wanted = _known(condition, worker), condition.get("value")
    operator: str = condition["operator"]
    if operator in _AMONG:
        return (operator == "IN") == _among(known, wanted)
    if known is None or wanted is None:
        return bool((known == wanted) if operator == "EQ" else operator == "NE" and known != wanted)
    compare: Callable[[Any, Any], bool] = COMPARISONS[operator]
    return compare(known, wanted)


def _known(condition: Mapping[str, Any], worker: Worker) -> Any:
    key = condition["key"]
    if condition["category"] == "skill":
        skill = worker.skills.get(key)
        return None if skill is None else skill.value
    if condition["category"] == "profile":
        return worker.profile.get(key)
    unknown = "UNKNOWN" if _OPERATORS["computed"][key] is _EQUAL else None
    return worker.profile.get("attributes", {}).get(key, unknown)


def _among(known: Any, wanted: Any) -> bool:
    choices = wanted if isinstance(wanted, list) else [wanted]
    have = known if isinstance(known, list) else [known]
    return any(one in choices for one in have if one is not None)
