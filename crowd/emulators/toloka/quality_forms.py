"""The forms of quality control: collectors with their rules, distribution functions, the whole of a pool's settings."""

from typing import Any

from crowd.emulators.toloka.checks import (
    Check,
    anything,
    flag,
    form,
    identifier,
    maybe,
    needed,
    one_of,
    refuse,
    several,
    text,
    whole,
)
from crowd.emulators.toloka.errors import FieldErrors
from crowd.emulators.toloka.quality import ALLOWED, COMPARISONS

_CONDITION = form({"key": needed(identifier), "operator": needed(one_of(*COMPARISONS)), "value": maybe(anything)})
_ACTION_PARAMETERS = form(
    {
        "scope": maybe(one_of("POOL", "PROJECT", "ALL_PROJECTS")),
        "duration": maybe(whole(1)),
        "duration_days": maybe(whole(1)),
        "duration_unit": maybe(one_of("MINUTES", "HOURS", "DAYS", "PERMANENT")),
        "skill_id": maybe(identifier),
        "skill_value": maybe(whole(0, 100)),
        "from_field": maybe(identifier),
        "delta": maybe(whole(1)),
        "open_pool": maybe(flag),
        "public_comment": maybe(text()),
        "private_comment": maybe(text()),
    }
)
_RULE = form(
    {
        "conditions": needed(several(_CONDITION, fewest=1)),
        "action": needed(form({"type": needed(identifier), "parameters": maybe(_ACTION_PARAMETERS)})),
    }
)
_COLLECTOR = form(
    {
        "type": needed(one_of(*ALLOWED)),
        "uuid": maybe(identifier),
        "parameters": maybe(
            form(
                {
                    "history_size": maybe(whole(1)),
                    "answer_threshold": maybe(whole(1)),
                    "fast_submit_threshold_seconds": maybe(whole(1)),
                }
            )
        ),
    }
)
_NEEDS_OF_COLLECTORS = {"MAJORITY_VOTE": "answer_threshold", "ASSIGNMENT_SUBMIT_TIME": "fast_submit_threshold_seconds"}
_NEEDS_OF_ACTIONS = {
    "RESTRICTION": ("scope",),
    "RESTRICTION_V2": ("scope", "duration_unit"),
    "SET_SKILL": ("skill_id", "skill_value"),
    "SET_SKILL_FROM_OUTPUT_FIELD": ("skill_id", "from_field"),
    "CHANGE_OVERLAP": ("delta",),
}


def _quality_config(value: Any, path: str, errors: FieldErrors) -> None:
    before = len(errors)
    form({"collector_config": needed(_COLLECTOR), "rules": needed(several(_RULE, fewest=1))})(value, path, errors)
    if len(errors) > before:
        return
    kind, parameters = value["collector_config"]["type"], value["collector_config"].get("parameters") or {}
    need = _NEEDS_OF_COLLECTORS.get(kind)
    if need and parameters.get(need) is None:
        refuse(errors, f"{path}.collector_config.parameters.{need}", "VALUE_REQUIRED", "A value is required.")
    for index, rule in enumerate(value["rules"]):
        _rule_fits(kind, rule, f"{path}.rules.{index}", errors)


def _rule_fits(kind: str, rule: dict[str, Any], path: str, errors: FieldErrors) -> None:
    keys, actions = ALLOWED[kind]
    for index, condition in enumerate(rule["conditions"]):
        if condition["key"] not in keys:
            refuse(errors, f"{path}.conditions.{index}.key", "VALUE_NOT_ALLOWED", f"Not a condition of {kind}.")
    action = rule["action"]["type"]
    if action not in actions:
        refuse(errors, f"{path}.action.type", "VALUE_NOT_ALLOWED", f"Not an action of {kind}.")
    given = rule["action"].get("parameters") or {}
    for name in _NEEDS_OF_ACTIONS.get(action, ()):
        if given.get(name) is None:
            refuse(errors, f"{path}.action.parameters.{name}", "VALUE_REQUIRED", "A value is required.")


def distribution(lowest_from: int = 1) -> Check:
    interval = form(
        {"from": maybe(whole(lowest_from)), "to": maybe(whole(1)), "frequency": needed(whole(1, 10_000_000))}
    )
    return form(
        {
            "scope": needed(one_of("POOL", "PROJECT")),
            "distribution": needed(one_of("UNIFORM")),
            "window_days": needed(whole(1, 365)),
            "intervals": needed(several(interval, fewest=1, most=10_000)),
        }
    )


_CHECKPOINT = form({"target_overlap": needed(whole(1)), "task_distribution_function": needed(distribution(0))})
QUALITY = form(
    {
        "configs": maybe(several(_quality_config)),
        "training_requirement": maybe(
            form({"training_pool_id": needed(identifier), "training_passing_skill_value": needed(whole(0, 100))})
        ),
        "checkpoints_config": maybe(
            form(dict.fromkeys(("real_settings", "golden_settings", "training_settings"), maybe(_CHECKPOINT)))
        ),
        "captcha_frequency": maybe(one_of("LOW", "MEDIUM", "HIGH")),
    }
)
