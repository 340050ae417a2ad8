"""Quality control: exams, collectors and rules, the recipes of real campaigns."""

from typing import Any

import httpx
import pytest

from tests.emulators.toloka import bodies
from tests.emulators.toloka.people import People
from tests.emulators.toloka.test_pages import pool_with, real
from tests.emulators.toloka.test_pool_life import post, project_id, state

__all__ = ["project_id"]


def skill(api: httpx.Client, name: str = "quality", **more: Any) -> str:
    return str(post(api, "/skills", {"name": name, **more})["id"])


def value(api: httpx.Client, worker: Any, skill_id: str) -> float | None:
    items = api.get("/user-skills", params={"user_id": worker.id, "skill_id": skill_id}).json()["items"]
    return items[0]["exact_value"] if items else None


def ban(scope: str = "PROJECT", **changes: Any) -> dict[str, Any]:
    return {"scope": scope, "duration": 10, "duration_unit": "DAYS", "private_comment": "control tasks", **changes}


def bans(api: httpx.Client, worker: Any) -> list[dict[str, Any]]:
    return list(api.get("/user-restrictions", params={"user_id": worker.id}).json()["items"])


def test_an_exam_gives_its_skill_and_guards_the_main_pool(api: httpx.Client, project_id: str, people: People) -> None:
    exam_skill = skill(api, "exam")
    counted = bodies.rule("GOLDEN_SET", [("golden_set_answers_count", "GTE", 10)], "SET_SKILL_FROM_OUTPUT_FIELD",
                          {"skill_id": exam_skill, "from_field": "correct_answers_rate"})  # fmt: skip
    missing = {"category": "skill", "key": exam_skill, "operator": "EQ", "value": None}
    exam = pool_with(api, project_id, [bodies.golden("", number) for number in range(10)],
                     mixer_config=bodies.mixer(0, 10), reward_per_assignment=0,
                     quality_control=bodies.quality(counted), filter={"and": [{"or": [missing]}]})  # fmt: skip
    passed = {**missing, "operator": "GTE", "value": 70}
    main = pool_with(api, project_id, real(50, overlap=3), filter={"and": [{"or": [passed]}]})
    good, bad = people.come(), people.come()
    answers = iter(["ok"] * 7 + ["bad"] * 3)
    people.work(good, exam, lambda _task: next(answers))
    people.work(bad, exam, lambda task: "ok" if task.form["input_values"]["winnow_task"] < "tsk-6" else "bad")
    assert (value(api, good, exam_skill), value(api, bad, exam_skill)) == (70, 60)
    assert people.offers(good) == [main]
    assert people.offers(bad) == []


def test_a_page_that_was_skipped_never_counts(api: httpx.Client, project_id: str, people: People) -> None:
    exam_skill = skill(api, "exam")
    counted = bodies.rule("GOLDEN_SET", [("total_answers_count", "GTE", 1)], "SET_SKILL_FROM_OUTPUT_FIELD",
                          {"skill_id": exam_skill, "from_field": "golden_set_correct_answers_rate"})  # fmt: skip
    exam = pool_with(api, project_id, [bodies.golden("")], mixer_config=bodies.mixer(0, 1),
                     quality_control=bodies.quality(counted))  # fmt: skip
    worker = people.come()
    people.skip(people.take(worker, exam))
    assert value(api, worker, exam_skill) is None


def test_who_fails_control_tasks_is_banned_from_the_project(api: httpx.Client, project_id: str, people: People) -> None:
    rule = bodies.rule("GOLDEN_SET", [("golden_set_answers_count", "GTE", 3),
                                      ("golden_set_correct_answers_rate", "LT", 70)], "RESTRICTION_V2", ban(),
                       history_size=20)  # fmt: skip
    tasks = [*real(9, overlap=2), *(bodies.golden("", number) for number in range(20, 26))]
    pool = pool_with(api, project_id, tasks, mixer_config=bodies.mixer(1, 1), quality_control=bodies.quality(rule))
    worker = people.come()
    for _ in range(2):
        people.work(worker, pool, "bad")
    assert bans(api, worker) == []
    people.work(worker, pool, "bad")
    [found] = bans(api, worker)
    assert (found["scope"], found["project_id"], found["private_comment"]) == ("PROJECT", project_id, "control tasks")
    assert found["will_expire"] == "2026-11-30T10:00:00.000"
    assert people.refused(worker, pool) == "ACCESS_DENIED"


def test_history_looks_at_the_last_answers_only(api: httpx.Client, project_id: str, people: People) -> None:
    given = skill(api)
    rule = bodies.rule("GOLDEN_SET", [("total_answers_count", "GTE", 2)], "SET_SKILL_FROM_OUTPUT_FIELD",
                       {"skill_id": given, "from_field": "correct_answers_rate"}, history_size=2)  # fmt: skip
    tasks = [*real(9), *(bodies.golden("", number) for number in range(20, 26))]
    pool = pool_with(api, project_id, tasks, mixer_config=bodies.mixer(1, 1), quality_control=bodies.quality(rule))
    worker, seen = people.come(), []
    for verdict in ("bad", "ok", "ok", "bad"):
        people.work(worker, pool, verdict)
        seen.append(value(api, worker, given))
    assert seen == [None, 50, 100, 50]


def test_a_half_right_answer_counts_half(api: httpx.Client, project_id: str, people: People) -> None:
    given = skill(api)
    rule = bodies.rule("GOLDEN_SET", [("total_answers_count", "GTE", 1)], "SET_SKILL_FROM_OUTPUT_FIELD",
                       {"skill_id": given, "from_field": "incorrect_answers_rate"})  # fmt: skip
    known = [{"output_values": {"verdict": "ok"}}, {"output_values": {"verdict": "bad"}, "correctness_weight": 0.5}]
    golden = {**bodies.golden("", 5), "known_solutions": known}
    pool = pool_with(api, project_id, [golden], mixer_config=bodies.mixer(0, 1),
                     quality_control=bodies.quality(rule))  # fmt: skip
    worker = people.come()
    people.work(worker, pool, "bad")
    assert value(api, worker, given) == 50


def test_the_majority_decides_who_was_right(api: httpx.Client, project_id: str, people: People) -> None:
    given = skill(api)
    rule = bodies.rule("MAJORITY_VOTE", [("total_answers_count", "GTE", 1)], "SET_SKILL_FROM_OUTPUT_FIELD",
                       {"skill_id": given, "from_field": "correct_answers_rate"}, answer_threshold=2)  # fmt: skip
    pool = pool_with(api, project_id, real(1, overlap=4), mixer_config=bodies.mixer(1),
                     quality_control=bodies.quality(rule))  # fmt: skip
    crowd = [people.come() for _ in range(4)]
    for worker, verdict in zip(crowd[:2], ("bad", "ok"), strict=True):
        people.work(worker, pool, verdict)
    assert [value(api, worker, given) for worker in crowd] == [None] * 4
    people.work(crowd[2], pool, "ok")
    people.work(crowd[3], pool, "bad")
    assert [value(api, worker, given) for worker in crowd] == [0, 100, 100, 0]


def test_the_too_fast_are_found(api: httpx.Client, project_id: str, people: People) -> None:
    rule = bodies.rule("ASSIGNMENT_SUBMIT_TIME", [("total_submitted_count", "GTE", 2),
                                                  ("fast_submitted_count", "GTE", 2)], "RESTRICTION_V2",
                       ban("POOL", duration=90, duration_unit="MINUTES"),
                       fast_submit_threshold_seconds=20, history_size=5)  # fmt: skip
    pool = pool_with(api, project_id, real(9), mixer_config=bodies.mixer(1), quality_control=bodies.quality(rule))
    slow, fast = people.come(), people.come()
    for worker, seconds in ((slow, 20), (fast, 19), (slow, 30), (fast, 5)):
        page = people.take(worker, pool)
        people.pass_time(seconds=seconds)
        people.hand_in(page, [{"verdict": "ok"}])
    assert bans(api, slow) == []
    assert bans(api, fast)[0]["pool_id"] == pool
    people.pass_time(minutes=90)
    assert bans(api, fast) == []


def test_one_worker_one_video(api: httpx.Client, project_id: str, people: People) -> None:
    rule = bodies.rule("ANSWER_COUNT", [("assignments_accepted_count", "GT", 0)], "RESTRICTION_V2",
                       {"scope": "PROJECT", "duration_unit": "PERMANENT"})  # fmt: skip
    pool = pool_with(api, project_id, real(3), mixer_config=bodies.mixer(1), quality_control=bodies.quality(rule),
                     auto_accept_solutions=False, auto_accept_period_day=7)  # fmt: skip
    worker = people.come()
    page = people.work(worker, pool)
    assert bans(api, worker) == []
    api.patch(f"/assignments/{page.id}", json={"status": "ACCEPTED"})
    assert "will_expire" not in bans(api, worker)[0]


def test_who_earned_enough_today_comes_again_tomorrow(api: httpx.Client, project_id: str, people: People) -> None:
    rule = bodies.rule("INCOME", [("income_sum_for_last_24_hours", "GTE", 0.3)], "RESTRICTION_V2",
                       ban("PROJECT", duration=1, duration_unit="HOURS"))  # fmt: skip
    pool = pool_with(api, project_id, real(9), mixer_config=bodies.mixer(1), reward_per_assignment=0.1,
                     quality_control=bodies.quality(rule))  # fmt: skip
    worker = people.come()
    for _ in range(2):
        people.work(worker, pool)
    people.pass_time(hours=25)
    for _ in range(2):
        people.work(worker, pool)
    assert bans(api, worker) == []
    people.work(worker, pool)
    assert bans(api, worker)


def test_who_skips_in_a_row_is_given_a_skill(api: httpx.Client, project_id: str, people: People) -> None:
    given = skill(api)
    rule = bodies.rule("SKIPPED_IN_ROW_ASSIGNMENTS", [("skipped_in_row_count", "GTE", 2)], "SET_SKILL",
                       {"skill_id": given, "skill_value": 1})  # fmt: skip
    pool = pool_with(api, project_id, real(9), mixer_config=bodies.mixer(1), quality_control=bodies.quality(rule))
    worker = people.come()
    people.skip(people.take(worker, pool))
    people.work(worker, pool)
    people.skip(people.take(worker, pool))
    assert value(api, worker, given) is None
    people.skip(people.take(worker, pool))
    assert value(api, worker, given) == 1


def test_an_acceptance_rate_that_changes_its_mind(api: httpx.Client, project_id: str, people: People) -> None:
    given = skill(api)
    rule = bodies.rule("ACCEPTANCE_RATE", [("total_assignments_count", "GTE", 2),
                                           ("rejected_assignments_rate", "GTE", 50)], "SET_SKILL",
                       {"skill_id": given, "skill_value": 5})  # fmt: skip
    pool = pool_with(api, project_id, real(9), mixer_config=bodies.mixer(1), quality_control=bodies.quality(rule),
                     auto_accept_solutions=False, auto_accept_period_day=7)  # fmt: skip
    worker = people.come()
    pages = [people.work(worker, pool).id for _ in range(3)]
    api.patch(f"/assignments/{pages[0]}", json={"status": "REJECTED", "public_comment": "no"})
    api.patch(f"/assignments/{pages[0]}", json={"status": "ACCEPTED"})
    api.patch(f"/assignments/{pages[1]}", json={"status": "ACCEPTED"})
    assert value(api, worker, given) is None
    api.patch(f"/assignments/{pages[2]}", json={"status": "REJECTED", "public_comment": "no"})
    assert value(api, worker, given) is None
    last = people.work(worker, pool).id
    api.patch(f"/assignments/{last}", json={"status": "REJECTED", "public_comment": "no"})
    assert value(api, worker, given) == 5


@pytest.mark.parametrize(
    ("action", "status"), [("APPROVE_ALL_ASSIGNMENTS", "ACCEPTED"), ("REJECT_ALL_ASSIGNMENTS", "REJECTED")]
)
def test_a_rule_judges_all_work_of_a_worker(
    api: httpx.Client, project_id: str, people: People, action: str, status: str
) -> None:
    parameters = {"public_comment": "Too fast"} if status == "REJECTED" else None
    rule = bodies.rule("ASSIGNMENT_SUBMIT_TIME", [("total_submitted_count", "GTE", 1500)], action, parameters,
                       fast_submit_threshold_seconds=20)  # fmt: skip
    rule["rules"][0]["conditions"][0]["value"] = 3
    pool = pool_with(api, project_id, real(9), mixer_config=bodies.mixer(1), quality_control=bodies.quality(rule),
                     auto_accept_solutions=False, auto_accept_period_day=7)  # fmt: skip
    worker, other = people.come(), people.come()
    people.work(other, pool)
    for _ in range(3):
        people.work(worker, pool)
    pages = api.get("/assignments", params={"pool_id": pool}).json()["items"]
    assert [(page["user_id"] == worker.id, page["status"]) for page in pages] == [
        (False, "SUBMITTED"), *[(True, status)] * 3
    ]  # fmt: skip
    assert people.market.books.adds_up()


def test_many_pages_judged_by_one_rule_do_not_pile_up(api: httpx.Client, project_id: str, people: People) -> None:
    rules = [
        bodies.rule("ASSIGNMENT_SUBMIT_TIME", [("total_submitted_count", "GTE", 1200)], "REJECT_ALL_ASSIGNMENTS",
                    {"public_comment": "no"}, fast_submit_threshold_seconds=1),
        bodies.rule("ACCEPTANCE_RATE", [("rejected_assignments_rate", "GTE", 1)], "REJECT_ALL_ASSIGNMENTS",
                    {"public_comment": "no"}),
    ]  # fmt: skip
    pool = pool_with(api, project_id, real(1200), mixer_config=bodies.mixer(1),
                     quality_control=bodies.quality(*rules), auto_accept_solutions=False,
                     auto_accept_period_day=7)  # fmt: skip
    worker = people.come()
    for _ in range(1200):
        people.work(worker, pool)
    rejected = api.get("/assignments", params={"pool_id": pool, "status": "REJECTED", "limit": 2000}).json()
    assert len(rejected["items"]) == 1200


def test_rejected_work_is_asked_for_again(api: httpx.Client, project_id: str, people: People) -> None:
    rule = bodies.rule("ASSIGNMENTS_ASSESSMENT", [("assessment_event", "EQ", "REJECT")], "CHANGE_OVERLAP",
                       {"delta": 1, "open_pool": True})  # fmt: skip
    pool = pool_with(api, project_id, real(1), mixer_config=bodies.mixer(1), quality_control=bodies.quality(rule),
                     auto_accept_solutions=False, auto_accept_period_day=7)  # fmt: skip
    page = people.work(people.come(), pool)
    assert state(api, pool) == ("CLOSED", "COMPLETED")
    api.patch(f"/assignments/{page.id}", json={"status": "REJECTED", "public_comment": "no"})
    assert state(api, pool)[0] == "OPEN"
    assert api.get(f"/tasks/{page.suite.tasks[0].id}").json()["overlap"] == 2
    assert people.offers(people.come()) == [pool]


def test_rejected_work_is_not_asked_for_again_without_a_rule(
    api: httpx.Client, project_id: str, people: People
) -> None:
    pool = pool_with(api, project_id, real(2), mixer_config=bodies.mixer(1), auto_accept_solutions=False,
                     auto_accept_period_day=7)  # fmt: skip
    page = people.work(people.come(), pool)
    api.patch(f"/assignments/{page.id}", json={"status": "REJECTED", "public_comment": "no"})
    people.work(people.come(), pool)
    assert state(api, pool) == ("CLOSED", "COMPLETED")


def test_a_suite_by_hand_is_asked_for_again_as_it_is(api: httpx.Client, project_id: str, people: People) -> None:
    rule = bodies.rule("ASSIGNMENTS_ASSESSMENT", [("rejected_assignments_count", "GTE", 1),
                                                  ("pending_assignments_count", "EQ", 0)], "CHANGE_OVERLAP",
                       {"delta": 2, "open_pool": False})  # fmt: skip
    pool = post(api, "/pools", bodies.by_hand(project_id, mixer_config=None,
                                              quality_control=bodies.quality(rule)))["id"]  # fmt: skip
    inside = [{"input_values": bodies.task("")["input_values"]}]
    suite = post(api, "/task-suites", {"pool_id": pool, "tasks": inside, "overlap": 1})
    post(api, f"/pools/{pool}/open")
    page = people.work(people.come(), pool)
    api.patch(f"/assignments/{page.id}", json={"status": "REJECTED", "public_comment": "no"})
    assert api.get(f"/task-suites/{suite['id']}").json()["remaining_overlap"] == 2
    assert state(api, pool) == ("CLOSED", "COMPLETED")


@pytest.mark.parametrize("reason", ["RESTRICTION", "SKILL_CHANGE"])
def test_the_work_of_who_loses_access_is_asked_for_again_once(
    api: httpx.Client, project_id: str, people: People, reason: str
) -> None:
    needed = skill(api)
    rule = bodies.rule("USERS_ASSESSMENT", [("pool_access_revoked_reason", "EQ", reason)], "CHANGE_OVERLAP",
                       {"delta": 1, "open_pool": True})  # fmt: skip
    condition = {"category": "skill", "key": needed, "operator": "GTE", "value": 50}
    pool = pool_with(api, project_id, real(1), mixer_config=bodies.mixer(1), quality_control=bodies.quality(rule),
                     filter={"and": [{"or": [condition]}]})  # fmt: skip
    worker = people.come(skills={needed: 90})
    page = people.work(worker, pool)
    assert state(api, pool) == ("CLOSED", "COMPLETED")
    for _ in range(2):
        api.put("/user-restrictions", json={"scope": "PROJECT", "user_id": worker.id, "project_id": project_id})
        api.put("/user-skills", json={"skill_id": needed, "user_id": worker.id, "value": 10})
    assert api.get(f"/tasks/{page.suite.tasks[0].id}").json()["overlap"] == 2
    assert people.offers(people.come(skills={needed: 60})) == [pool]


def test_some_tasks_are_checked_by_more_people(api: httpx.Client, project_id: str, people: People) -> None:
    function = {"scope": "POOL", "distribution": "UNIFORM", "window_days": 7,
                "intervals": [{"from": 0, "to": 100, "frequency": 3}]}  # fmt: skip
    checkpoints = {"real_settings": {"target_overlap": 5, "task_distribution_function": function}}
    pool = pool_with(api, project_id, real(6), mixer_config=bodies.mixer(2),
                     quality_control=bodies.quality(checkpoints_config=checkpoints))  # fmt: skip
    worker = people.come()
    for _ in range(3):
        people.work(worker, pool)
    tasks = api.get("/tasks", params={"pool_id": pool}).json()["items"]
    assert [task["overlap"] for task in tasks] == [5, 1, 1, 5, 1, 1]


def test_a_collector_on_training_tasks_inside_of_a_pool(api: httpx.Client, project_id: str, people: People) -> None:
    given = skill(api)
    rule = bodies.rule("TRAINING", [("total_answers_count", "GTE", 2), ("submitted_assignments_count", "GTE", 2)],
                       "SET_SKILL_FROM_OUTPUT_FIELD",
                       {"skill_id": given, "from_field": "correct_answers_rate"})  # fmt: skip
    tasks = [*real(5), bodies.practice("", 10, "ok"), bodies.practice("", 11, "ok"), bodies.practice("", 12, "ok")]
    pool = pool_with(api, project_id, tasks, mixer_config=bodies.mixer(1, 0, 1), quality_control=bodies.quality(rule))
    worker = people.come()
    people.work(worker, pool, "ok")
    assert value(api, worker, given) is None
    people.work(worker, pool, "ok")
    assert value(api, worker, given) == 100


def test_rules_may_end_a_pool_and_forget(api: httpx.Client, project_id: str, people: People) -> None:
    forget = bodies.rule("ANSWER_COUNT", [("assignments_accepted_count", "GTE", 2)], "CLEAN_COLLECTOR")
    end = bodies.rule("ANSWER_COUNT", [("assignments_accepted_count", "GTE", 3)], "SET_POOL_COMPLETE")
    pool = pool_with(api, project_id, real(9), mixer_config=bodies.mixer(1),
                     quality_control=bodies.quality(forget, end))  # fmt: skip
    worker = people.come()
    for _ in range(3):
        people.work(worker, pool)
    assert state(api, pool) == ("CLOSED", "COMPLETED")
    [first, _] = api.get(f"/pools/{pool}").json()["quality_control"]["configs"]
    assert len(people.market.collectors[first["collector_config"]["uuid"]].entries(worker.id)) == 1


def test_a_rule_of_a_project_counts_in_all_of_its_pools(api: httpx.Client, people: People) -> None:
    rule = bodies.rule("ANSWER_COUNT", [("assignments_accepted_count", "GTE", 2)], "RESTRICTION_V2", ban())
    project = post(api, "/projects", bodies.project(quality_control=bodies.quality(rule)))["id"]
    pools = [pool_with(api, project, real(2), mixer_config=bodies.mixer(1)) for _ in range(2)]
    worker = people.come()
    people.work(worker, pools[0])
    assert bans(api, worker) == []
    people.work(worker, pools[1])
    assert bans(api, worker)[0]["project_id"] == project


def test_a_skill_lapses_after_its_hours(api: httpx.Client, people: People) -> None:
    given, worker = skill(api, skill_ttl_hours=24), people.come()
    body = {"skill_id": given, "user_id": worker.id, "value": 80}
    api.put("/user-skills", json=body)
    people.pass_time(hours=20)
    api.put("/user-skills", json=body)
    people.pass_time(hours=20)
    assert value(api, worker, given) == 80
    people.pass_time(hours=4)
    assert value(api, worker, given) is None
