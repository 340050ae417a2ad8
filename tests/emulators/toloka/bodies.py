"""Bodies of requests as a requester sends them."""

from typing import Any

JUDGEMENT = {
    "input_spec": {
        "image": {"type": "url", "required": True, "hidden": False},
        "winnow_task": {"type": "string", "required": True, "hidden": True},
    },
    "output_spec": {"verdict": {"type": "string", "required": True, "allowed_values": ["ok", "bad", "broken"]}},
    "view_spec": {
        "type": "tb",
        "config": '{"view":{"type":"view.text","content":"Look"}}',
        "lock": {"core": "1.0.0", "view.text": "1.0.0"},
        "inferDataSpec": False,
    },
}
PHOTO = {
    "input_spec": {
        "gesture": {"type": "string", "required": True},
        "winnow_task": {"type": "string", "required": True, "hidden": True},
    },
    "output_spec": {"photo": {"type": "file", "required": True}},
    "view_spec": {"type": "classic", "markup": "<p></p>", "assets": {"script_urls": []}},
}


def project(**changes: Any) -> dict[str, Any]:
    return {
        "public_name": "Is the gesture shown?",
        "public_description": "Look and judge",
        "public_instructions": "<p>The whole hand.</p>",
        "private_comment": "winnow:prj-7f3a",
        "metadata": {"winnow_key": ["prj-7f3a"]},
        "assignments_issuing_type": "AUTOMATED",
        "task_spec": JUDGEMENT,
        **changes,
    }


def pool(project_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "project_id": project_id,
        "private_name": "validate fist #3",
        "private_comment": "winnow:bat-19f2",
        "metadata": {"winnow_key": ["bat-19f2"]},
        "may_contain_adult_content": False,
        "will_expire": "2027-01-31T00:00:00",
        "reward_per_assignment": 0.01,
        "assignment_max_duration_seconds": 600,
        "auto_accept_solutions": True,
        "priority": 0,
        "defaults": {"default_overlap_for_new_task_suites": 3, "default_overlap_for_new_tasks": 3},
        "mixer_config": mixer(2),
        **changes,
    }


def mixer(real: int, golden: int = 0, training: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "real_tasks_count": real,
        "golden_tasks_count": golden,
        "training_tasks_count": training,
        "shuffle_tasks_in_task_suite": False,
        **changes,
    }


def by_hand(project_id: str, **changes: Any) -> dict[str, Any]:
    """A pool whose work is judged by hand within a week."""
    return pool(project_id, auto_accept_solutions=False, auto_accept_period_day=7, **changes)


def training(project_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "project_id": project_id,
        "private_name": "validate: practice",
        "inherited_instructions": True,
        "assignment_max_duration_seconds": 600,
        "training_tasks_in_task_suite_count": 10,
        "task_suites_required_to_pass": 1,
        "retry_training_after_days": 7,
        "mix_tasks_in_creation_order": True,
        "shuffle_tasks_in_task_suite": False,
        "metadata": {"winnow_key": ["trn-02"]},
        **changes,
    }


def task(pool_id: str, number: int = 0, /, **changes: Any) -> dict[str, Any]:
    values = {"image": f"https://winnow.example/t/{number:04d}", "winnow_task": f"tsk-{number}"}
    return {"pool_id": pool_id, "input_values": values, "overlap": 1, **changes}


def golden(pool_id: str, number: int = 0, verdict: str = "ok", /, **changes: Any) -> dict[str, Any]:
    known = [{"output_values": {"verdict": verdict}, "correctness_weight": 1}]
    return task(pool_id, number, overlap=None, infinite_overlap=True, known_solutions=known, **changes)


def practice(pool_id: str, number: int = 0, verdict: str = "bad", /, **changes: Any) -> dict[str, Any]:
    return golden(pool_id, number, verdict, message_on_unknown_solution="The hand is cut off.", **changes)


def rule(
    collector: str, conditions: list[tuple[str, str, Any]], action: str, parameters: Any = None, **settings: Any
) -> dict[str, Any]:
    """One collector with one rule."""
    config: dict[str, Any] = {"type": collector}
    if settings:
        config["parameters"] = settings
    told = [{"key": key, "operator": operator, "value": value} for key, operator, value in conditions]
    act: dict[str, Any] = {"type": action}
    if parameters is not None:
        act["parameters"] = parameters
    return {"collector_config": config, "rules": [{"conditions": told, "action": act}]}


def quality(*configs: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"configs": list(configs), **more}
