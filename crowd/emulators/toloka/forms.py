"""The forms of projects, pools, trainings and small things, as tables of checks."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from crowd.emulators.toloka.checks import (
    Check,
    Field,
    anything,
    flag,
    form,
    identifier,
    mapping,
    maybe,
    moment,
    money,
    needed,
    number,
    one_of,
    refuse,
    several,
    tags,
    text,
    whole,
    words,
)
from crowd.emulators.toloka.errors import FieldErrors
from crowd.emulators.toloka.fields import TYPES
from crowd.emulators.toloka.filters import FILTER
from crowd.emulators.toloka.quality_forms import QUALITY, distribution


def _viewed(*names: str) -> dict[str, Field]:
    """Fields of the view that come back with a PUT; they are read by nobody."""
    return {name: maybe(anything) for name in names}


_types = (*TYPES, *(f"array_{kind}" for kind in TYPES))
_limits = {
    "allowed_values": maybe(several(anything)),
    "min_length": maybe(whole(0)),
    "max_length": maybe(whole(0)),
    "min_value": maybe(number()),
    "max_value": maybe(number()),
    "min_size": maybe(whole(0)),
    "max_size": maybe(whole(0)),
}


def _field(types: Iterable[str]) -> Check:
    return form(
        {
            "type": needed(one_of(*types)),
            "required": maybe(flag),
            "hidden": maybe(flag),
            "current_location": maybe(flag),
            **_limits,
        }
    )


_INPUT = _field(kind for kind in _types if not kind.endswith("file"))
_TASK_SPEC = form(
    {
        "input_spec": needed(mapping(_INPUT)),
        "output_spec": needed(mapping(_field(_types), empty=False)),
        "view_spec": maybe(form({"type": maybe(one_of("classic", "tb"))}, extra=True)),
    }
)

_LOCALIZATION = form(
    {
        "default_language": needed(identifier),
        "additional_languages": maybe(several(form({"language": needed(identifier)}, extra=True))),
    }
)

PROJECT = form(
    {
        "public_name": needed(text(blank=False)),
        "public_description": maybe(text()),
        "public_instructions": maybe(text()),
        "private_comment": maybe(text()),
        "task_spec": needed(_TASK_SPEC),
        "assignments_issuing_type": needed(one_of("AUTOMATED", "MAP_SELECTOR")),
        "assignments_issuing_view_config": maybe(form({}, extra=True)),
        "quality_control": maybe(QUALITY),
        "assignments_automerge_enabled": maybe(flag),
        "max_active_assignments_count": maybe(whole(1)),
        "metadata": maybe(tags),
        "sensitive": maybe(flag),
        "localization_config": maybe(_LOCALIZATION),
        **_viewed("id", "owner", "status", "created", "traits_config"),
    }
)

_counts = {
    f"{least}{kind}_tasks_count": Field(whole(0, 500), needed=not least)
    for least in ("", "min_")
    for kind in ("real", "golden", "training")
}
_MIXER = form(
    {
        **_counts,
        "force_last_assignment": maybe(flag),
        "force_last_assignment_delay_seconds": maybe(whole(0, 86_400)),
        "mix_tasks_in_creation_order": maybe(flag),
        "shuffle_tasks_in_task_suite": maybe(flag),
        "golden_task_distribution_function": maybe(distribution()),
        "training_task_distribution_function": maybe(distribution()),
    }
)


def _mixer(value: Any, path: str, errors: FieldErrors) -> None:
    before = len(errors)
    _MIXER(value, path, errors)
    if len(errors) > before:
        return
    for kind in ("real", "golden", "training"):
        count, least = value[f"{kind}_tasks_count"], value.get(f"min_{kind}_tasks_count") or 0
        if least > count:
            refuse(errors, f"{path}.min_{kind}_tasks_count", "VALUE_GREATER_THAN_MAX", "More than the count.", count)
        if kind != "real" and value.get(f"{kind}_task_distribution_function") and (count or least):
            refuse(errors, f"{path}.{kind}_tasks_count", "VALUE_NOT_ALLOWED", "0 with a distribution function.", 0)


def _speed_quality(value: Any, path: str, errors: FieldErrors) -> None:
    kind = value.get("type") if isinstance(value, dict) else None
    fields: dict[str, Field] = {"type": needed(one_of("BEST_CONCURRENT_USERS_BY_QUALITY", "TOP_PERCENTAGE_BY_QUALITY"))}
    if kind == "BEST_CONCURRENT_USERS_BY_QUALITY":
        fields["count"] = needed(whole(0))
    elif kind == "TOP_PERCENTAGE_BY_QUALITY":
        fields["percent"] = needed(whole(1, 100))
    form(fields)(value, path, errors)
    if kind == "TOP_PERCENTAGE_BY_QUALITY" and f"{path}.percent" not in errors and value["percent"] % 10:
        refuse(errors, f"{path}.percent", "INVALID_VALUE", "10, 20 … 100 are possible.")


_PRICES = form(
    {
        "type": needed(one_of("SKILL")),
        "skill_id": needed(identifier),
        "intervals": needed(
            several(
                form(
                    {
                        "from": maybe(whole(0, 100)),
                        "to": maybe(whole(0, 100)),
                        "reward_per_assignment": needed(money("0.005")),
                    }
                ),
                fewest=1,
                most=10_000,
            )
        ),
    }
)
LAST_SKILL = 100


def _dynamic_pricing(value: Any, path: str, errors: FieldErrors) -> None:
    before = len(errors)
    _PRICES(value, path, errors)
    if len(errors) > before:
        return
    spans = sorted((span.get("from") or 0, LAST_SKILL if span.get("to") is None else span["to"], index)
                   for index, span in enumerate(value["intervals"]))  # fmt: skip
    for (_, end, _), (start, _, index) in pairwise(spans):
        if start <= end:
            refuse(errors, f"{path}.intervals.{index}.from", "VALUE_OUT_OF_BOUNDS", "Intervals overlap.")


_DYNAMIC_OVERLAP = form(
    {
        "type": needed(one_of("BASIC")),
        "max_overlap": needed(whole(1, 30_000)),
        "min_confidence": needed(number(0, 1)),
        "answer_weight_skill_id": needed(identifier),
        "fields": needed(several(form({"name": needed(identifier)}), fewest=1)),
    }
)

_seen = ("id", "owner", "type", "status", "last_close_reason", "created", "last_started", "last_stopped")

POOL = form(
    {
        "project_id": needed(identifier),
        "private_name": needed(text(blank=False)),
        "private_comment": maybe(text()),
        "public_description": maybe(text()),
        "public_instructions": maybe(text()),
        "may_contain_adult_content": maybe(flag),
        "will_expire": needed(moment),
        "auto_close_after_complete_delay_seconds": maybe(whole(0, 259_200)),
        "reward_per_assignment": needed(money("0.005", or_zero=True)),
        "dynamic_pricing_config": maybe(_dynamic_pricing),
        "metadata": maybe(tags),
        "assignment_max_duration_seconds": needed(whole(5, 2_147_483_647)),
        "auto_accept_solutions": maybe(flag),
        "auto_accept_period_day": maybe(whole(1, 21)),
        "assignments_issuing_config": maybe(form({"issue_task_suites_in_creation_order": maybe(flag)})),
        "filter": maybe(FILTER),
        "quality_control": maybe(QUALITY),
        "mixer_config": maybe(_mixer),
        "dynamic_overlap_config": maybe(_DYNAMIC_OVERLAP),
        "training_config": maybe(form({"training_skill_ttl_days": maybe(whole(1))})),
        "defaults": needed(
            form(
                {
                    "default_overlap_for_new_task_suites": needed(whole(1, 30_000)),
                    "default_overlap_for_new_tasks": maybe(whole(1, 30_000)),
                }
            )
        ),
        "training": maybe(flag),
        "priority": maybe(whole(0, 100)),
        "speed_quality_balance": maybe(_speed_quality),
        **_viewed(*_seen),
    }
)

TRAINING = form(
    {
        "project_id": needed(identifier),
        "private_name": needed(text(blank=False)),
        "inherited_instructions": needed(flag),
        "public_instructions": maybe(text()),
        "may_contain_adult_content": maybe(flag),
        "assignment_max_duration_seconds": needed(whole(5)),
        "mix_tasks_in_creation_order": maybe(flag),
        "shuffle_tasks_in_task_suite": maybe(flag),
        "training_tasks_in_task_suite_count": needed(whole(0, 500)),
        "task_suites_required_to_pass": maybe(whole(0, 500)),
        "retry_training_after_days": maybe(whole(1)),
        "metadata": maybe(tags),
        **_viewed(*_seen),
    }
)

PRIORITY = form({"priority": needed(whole(0, 100))})

SKILL = form(
    {
        "name": needed(text(blank=False)),
        "public_name": maybe(words),
        "private_comment": maybe(text()),
        "public_requester_description": maybe(words),
        "hidden": maybe(flag),
        "skill_ttl_hours": maybe(whole(1)),
        "deprecated": maybe(flag),
        **_viewed("id", "owner", "training", "created", "global", "severity"),
    }
)
