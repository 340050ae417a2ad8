"""Who may work, in Toloka's words: every line must hold, in a line one condition is enough."""

from collections.abc import Iterable, Mapping
from typing import Any

from crowd.audience import Audience, SkillRange

Json = dict[str, Any]
DEVICES = ("PERSONAL_COMPUTER", "SMARTPHONE", "TABLET")


def skills_in(audience: Audience) -> list[str]:
    return [one.skill for one in audience.skills]


def lines_of(audience: Audience, skill_ids: Mapping[str, str]) -> list[Json]:
    """Return the lines of an audience; `skill_ids` has the platform's id for every skill it names."""
    lines = [
        _any_of("profile", "languages", "IN", audience.languages),
        _any_of("profile", "country", "EQ", audience.countries),
        _any_of("computed", "region_by_phone", "IN", audience.regions),
        _any_of("computed", "device_category", "EQ", audience.devices),
    ]
    ranges = [line for one in audience.skills for line in _range(one, skill_ids[one.skill])]
    return [line for line in [*lines, *ranges] if line["or"]]


def has_at_least(skill_id: str, value: int) -> Json:
    return _any_of("skill", skill_id, "GTE", [value])


def has_not(skill_id: str) -> Json:
    return _any_of("skill", skill_id, "EQ", [None])


def filter_of(lines: Iterable[Json]) -> Json | None:
    found = list(lines)
    return {"and": found} if found else None


def balance_of(audience: Audience) -> Json | None:
    """Return the best share or the best N of the people the filter lets in."""
    if audience.top_percent is not None:
        return {"type": "TOP_PERCENTAGE_BY_QUALITY", "percent": audience.top_percent}
    if audience.best_n is not None:
        return {"type": "BEST_CONCURRENT_USERS_BY_QUALITY", "count": audience.best_n}
    return None


def _range(wanted: SkillRange, skill_id: str) -> list[Json]:
    """Somebody without the skill is let in only where the range says nothing: not even 0 is a value he has."""
    upper = [_any_of("skill", skill_id, "LTE", [wanted.high])] if wanted.high < 100 else []
    return [has_at_least(skill_id, wanted.low), *upper]


def _any_of(category: str, key: str, operator: str, values: Iterable[Any]) -> Json:
    return {"or": [{"category": category, "key": key, "operator": operator, "value": value} for value in values]}
