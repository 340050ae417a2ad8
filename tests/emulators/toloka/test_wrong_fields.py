"""Bodies with wrong fields: each is named with its path and its code."""

from typing import Any

import httpx
import pytest

from tests.emulators.toloka import bodies
from tests.emulators.toloka.test_refusals import field_codes, made, pool_id, project_id

__all__ = ["pool_id", "project_id"]


def test_a_project_names_every_wrong_field(api: httpx.Client) -> None:
    wrong = bodies.project(
        public_name=" ",
        assignments_issuing_type="BY_POST",
        max_active_assignments_count=0,
        sensitive="no",
        colour="red",
        metadata={"winnow_key": "a"},
        task_spec={"input_spec": {"image": {"type": "picture"}}, "output_spec": {}},
    )
    assert field_codes(api.post("/projects", json=wrong)) == {
        "public_name": "BLANK_STRING_NOT_ALLOWED",
        "assignments_issuing_type": "UNKNOWN_ENUM_VALUE",
        "max_active_assignments_count": "VALUE_LESS_THAN_MIN",
        "sensitive": "BOOLEAN_EXPECTED",
        "colour": "VALUE_NOT_ALLOWED",
        "metadata.winnow_key": "ARRAY_EXPECTED",
        "task_spec.input_spec.image.type": "UNKNOWN_ENUM_VALUE",
        "task_spec.output_spec": "EMPTY_OBJECT_NOT_ALLOWED",
    }


@pytest.mark.parametrize(
    ("change", "path", "wanted"),
    [
        ({"private_name": None}, "private_name", "VALUE_REQUIRED"),
        ({"private_name": 5}, "private_name", "STRING_EXPECTED"),
        ({"priority": 101}, "priority", "VALUE_GREATER_THAN_MAX"),
        ({"priority": 1.5}, "priority", "INTEGER_EXPECTED"),
        ({"reward_per_assignment": 0.004}, "reward_per_assignment", "VALUE_LESS_THAN_MIN"),
        ({"reward_per_assignment": -1}, "reward_per_assignment", "VALUE_LESS_THAN_MIN"),
        ({"reward_per_assignment": 0.0123456}, "reward_per_assignment", "INVALID_VALUE"),
        ({"reward_per_assignment": "1"}, "reward_per_assignment", "FLOAT_EXPECTED"),
        ({"will_expire": "tomorrow"}, "will_expire", "INVALID_DATE_TIME_SYNTAX"),
        ({"will_expire": "2020-01-01T00:00:00"}, "will_expire", "DATE_OUT_OF_RANGE"),
        ({"assignment_max_duration_seconds": 4}, "assignment_max_duration_seconds", "VALUE_LESS_THAN_MIN"),
        ({"auto_accept_period_day": 22}, "auto_accept_period_day", "VALUE_GREATER_THAN_MAX"),
        ({"defaults": {}}, "defaults.default_overlap_for_new_task_suites", "VALUE_REQUIRED"),
        ({"mixer_config": bodies.mixer(501)}, "mixer_config.real_tasks_count", "VALUE_GREATER_THAN_MAX"),
        (
            {"mixer_config": bodies.mixer(2, min_real_tasks_count=3)},
            "mixer_config.min_real_tasks_count",
            "VALUE_GREATER_THAN_MAX",
        ),
        (
            {"speed_quality_balance": {"type": "TOP_PERCENTAGE_BY_QUALITY", "percent": 85}},
            "speed_quality_balance.percent",
            "INVALID_VALUE",
        ),
        (
            {"speed_quality_balance": {"type": "BEST_CONCURRENT_USERS_BY_QUALITY"}},
            "speed_quality_balance.count",
            "VALUE_REQUIRED",
        ),
        ({"metadata": {"a": "b"}}, "metadata.a", "ARRAY_EXPECTED"),
    ],
)
def test_a_pool_with_a_wrong_field(
    api: httpx.Client, project_id: str, change: dict[str, Any], path: str, wanted: str
) -> None:
    answer = api.post("/pools", json=bodies.pool(project_id, **change))
    assert field_codes(answer) == {path: wanted}
    assert set(answer.json()["payload"][path]) == {"code", "message", "params"}


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ({"category": "shoe", "key": "size", "operator": "EQ", "value": 1}, "UNKNOWN_ENUM_VALUE"),
        ({"category": "profile", "key": "shoe", "operator": "EQ", "value": 1}, "UNKNOWN_ENUM_VALUE"),
        ({"category": "profile", "key": "country", "operator": "GT", "value": "RU"}, "UNKNOWN_ENUM_VALUE"),
        ({"category": "skill", "key": "1", "operator": "GTE", "value": 70}, "ENTITY_DOES_NOT_EXIST"),
    ],
)
def test_a_filter_that_makes_no_sense(api: httpx.Client, project_id: str, condition: Any, wanted: str) -> None:
    answer = api.post("/pools", json=bodies.pool(project_id, filter={"and": [{"or": [condition]}]}))
    assert list(field_codes(answer).values()) == [wanted]


def test_a_filter_that_is_too_long(api: httpx.Client, project_id: str) -> None:
    one = {"category": "profile", "key": "country", "operator": "EQ", "value": "RU"}
    answer = api.post("/pools", json=bodies.pool(project_id, filter={"and": [{"or": [one] * 200}]}))
    assert field_codes(answer) == {"filter": "STRING_LENGTH_GREATER_THAN_MAX"}


def test_what_a_pool_refers_to_must_be_there(api: httpx.Client, project_id: str) -> None:
    rule = bodies.rule("INCOME", [("income_sum_for_last_24_hours", "GTE", 1)], "SET_SKILL",
                       {"skill_id": "1", "skill_value": 1})  # fmt: skip
    requirement = {"training_pool_id": "5", "training_passing_skill_value": 70}
    body = bodies.pool(
        project_id,
        quality_control=bodies.quality(rule, training_requirement=requirement),
        dynamic_pricing_config={"type": "SKILL", "skill_id": "2", "intervals": [{"from": 0, "to": 5,
                                                                                   "reward_per_assignment": 1}]},
        dynamic_overlap_config={"type": "BASIC", "max_overlap": 3, "min_confidence": 0.9,
                                "answer_weight_skill_id": "3", "fields": [{"name": "colour"}]},
    )  # fmt: skip
    assert field_codes(api.post("/pools", json=body)) == {
        "dynamic_pricing_config.skill_id": "ENTITY_DOES_NOT_EXIST",
        "dynamic_overlap_config.answer_weight_skill_id": "ENTITY_DOES_NOT_EXIST",
        "quality_control.configs.0.rules.0.action.parameters.skill_id": "ENTITY_DOES_NOT_EXIST",
        "quality_control.training_requirement.training_pool_id": "ENTITY_DOES_NOT_EXIST",
        "dynamic_overlap_config.max_overlap": "VALUE_LESS_THAN_MIN",
        "dynamic_overlap_config.fields.0.name": "ENTITY_DOES_NOT_EXIST",
    }
    assert field_codes(api.post("/pools", json=bodies.pool("1"))) == {"project_id": "ENTITY_DOES_NOT_EXIST"}


def test_price_intervals_must_not_overlap(api: httpx.Client, project_id: str) -> None:
    skill = made(api, "/skills", {"name": "quality"})["id"]
    spans = [{"from": 0, "to": 95, "reward_per_assignment": 0.03}, {"from": 95, "reward_per_assignment": 0.04}]
    config = {"type": "SKILL", "skill_id": skill, "intervals": spans}
    answer = api.post("/pools", json=bodies.pool(project_id, dynamic_pricing_config=config))
    assert field_codes(answer) == {"dynamic_pricing_config.intervals.1.from": "VALUE_OUT_OF_BOUNDS"}


@pytest.mark.parametrize(
    ("rule", "path", "wanted"),
    [
        (
            bodies.rule("GOLDEN_SET", [("skipped_in_row_count", "GT", 1)], "APPROVE_ALL_ASSIGNMENTS"),
            "rules.0.conditions.0.key",
            "VALUE_NOT_ALLOWED",
        ),
        (
            bodies.rule("INCOME", [("income_sum_for_last_24_hours", "GT", 1)], "CHANGE_OVERLAP", {"delta": 1}),
            "rules.0.action.type",
            "VALUE_NOT_ALLOWED",
        ),
        (
            bodies.rule("MAJORITY_VOTE", [("total_answers_count", "GT", 1)], "APPROVE_ALL_ASSIGNMENTS"),
            "collector_config.parameters.answer_threshold",
            "VALUE_REQUIRED",
        ),
        (
            bodies.rule("INCOME", [("income_sum_for_last_24_hours", "GT", 1)], "RESTRICTION_V2", {"scope": "POOL"}),
            "rules.0.action.parameters.duration_unit",
            "VALUE_REQUIRED",
        ),
    ],
)
def test_a_rule_that_does_not_fit_its_collector(
    api: httpx.Client, project_id: str, rule: Any, path: str, wanted: str
) -> None:
    answer = api.post("/pools", json=bodies.pool(project_id, quality_control=bodies.quality(rule)))
    assert field_codes(answer) == {f"quality_control.configs.0.{path}": wanted}


@pytest.mark.parametrize(
    ("change", "path", "wanted"),
    [
        ({"pool_id": "1"}, "pool_id", "ENTITY_DOES_NOT_EXIST"),
        ({"input_values": {"winnow_task": "t"}}, "input_values.image", "VALUE_REQUIRED"),
        ({"input_values": "x"}, "input_values", "OBJECT_EXPECTED"),
        ({"input_values": {"image": "no url", "winnow_task": "t"}}, "input_values.image", "INVALID_URL_SYNTAX"),
        ({"input_values": {"image": "https://a", "winnow_task": 5}}, "input_values.winnow_task", "STRING_EXPECTED"),
        (
            {"input_values": {"image": "https://a", "winnow_task": "t", "size": 1}},
            "input_values.size",
            "VALUE_NOT_ALLOWED",
        ),
        (
            {"known_solutions": [{"output_values": {"verdict": "maybe"}}]},
            "known_solutions.0.output_values.verdict",
            "VALUE_NOT_ALLOWED",
        ),
        ({"overlap": 0}, "overlap", "VALUE_LESS_THAN_MIN"),
        ({"overlap": None}, "overlap", "VALUE_REQUIRED"),
        ({"infinite_overlap": True}, "overlap", "VALUE_NOT_ALLOWED"),
        ({"reserved_for": ["a", "a"]}, "reserved_for", "DUPLICATE_VALUE_IN_ARRAY"),
    ],
)
def test_a_task_with_a_wrong_field(
    api: httpx.Client, pool_id: str, change: dict[str, Any], path: str, wanted: str
) -> None:
    assert field_codes(api.post("/tasks", json=bodies.task(pool_id, **change))) == {path: wanted}


@pytest.mark.parametrize(
    ("spec", "value", "wanted"),
    [
        ({"type": "integer"}, 1.5, "INTEGER_EXPECTED"),
        ({"type": "integer", "min_value": 3}, 2, "VALUE_LESS_THAN_MIN"),
        ({"type": "float"}, "1", "FLOAT_EXPECTED"),
        ({"type": "float", "max_value": 1}, 2, "VALUE_GREATER_THAN_MAX"),
        ({"type": "boolean"}, 1, "BOOLEAN_EXPECTED"),
        ({"type": "boolean", "allowed_values": [True]}, False, "VALUE_NOT_ALLOWED"),
        ({"type": "coordinates"}, "north", "INVALID_COORDINATES_SYNTAX"),
        ({"type": "string", "min_length": 2}, "a", "STRING_LENGTH_LESS_THAN_MIN"),
        ({"type": "string", "max_length": 2}, "abc", "STRING_LENGTH_GREATER_THAN_MAX"),
        ({"type": "array_string"}, "a", "ARRAY_EXPECTED"),
        ({"type": "array_string", "min_size": 2}, ["a"], "ARRAY_SIZE_LESS_THAN_MIN"),
        ({"type": "array_string", "max_size": 1}, ["a", "b"], "ARRAY_SIZE_GREATER_THAN_MAX"),
        ({"type": "array_url"}, ["https://a", 1], "INVALID_URL_SYNTAX"),
    ],
)
def test_input_values_are_checked_by_their_type(api: httpx.Client, spec: Any, value: Any, wanted: str) -> None:
    task_spec = {**bodies.JUDGEMENT, "input_spec": {"field": spec}}
    project = made(api, "/projects", bodies.project(task_spec=task_spec))
    pool = made(api, "/pools", bodies.pool(project["id"]))
    answer = api.post("/tasks", json={"pool_id": pool["id"], "input_values": {"field": value}, "overlap": 1})
    assert field_codes(answer) == {"input_values.field": wanted}
