"""What the platform refuses, with which status, code and payload."""

import uuid
from typing import Any

import httpx
import pytest

from crowd.emulators.toloka import API_KEY, Served, TolokaEmulator
from crowd.money import micro
from tests.emulators.toloka import bodies
from tests.emulators.toloka.people import People


def made(api: httpx.Client, path: str, body: Any) -> dict[str, Any]:
    answer = api.post(path, json=body)
    assert answer.is_success, answer.text
    return dict(answer.json())


@pytest.fixture
def project_id(api: httpx.Client) -> str:
    return str(made(api, "/projects", bodies.project())["id"])


@pytest.fixture
def pool_id(api: httpx.Client, project_id: str) -> str:
    return str(made(api, "/pools", bodies.by_hand(project_id, mixer_config=bodies.mixer(1)))["id"])


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def field_codes(answer: httpx.Response) -> dict[str, str]:
    assert code(answer) == (400, "VALIDATION_ERROR"), answer.text
    return {path: error["code"] for path, error in answer.json()["payload"].items()}


@pytest.mark.parametrize(
    "header", ["", "OAuth", "OAuth wrong", "Bearer toloka-emulator-token", "ApiKey wrong.wrong.wrong"]
)
def test_a_stranger_is_not_let_in(served: Served, header: str) -> None:
    answer = httpx.get(f"{served.url}/api/v1/requester", headers={"Authorization": header})
    assert code(answer) == (401, "AUTHENTICATION_ERROR")
    assert answer.json()["request_id"]


def test_both_schemes_let_in(served: Served) -> None:
    for header in (f"OAuth {served.token}", f"ApiKey {API_KEY}"):
        assert httpx.get(f"{served.url}/api/v1/requester", headers={"Authorization": header}).is_success


def test_an_account_that_is_not_shared_is_refused(api: httpx.Client) -> None:
    answer = api.get("/requester", headers={"X-Act-Under-Account-ID": "somebody"})
    assert code(answer) == (403, "ACCESS_DENIED")
    mine = api.get("/requester").json()["id"]
    assert api.get("/requester", headers={"X-Act-Under-Account-ID": mine}).is_success


@pytest.mark.parametrize(
    "path",
    ["projects", "pools", "trainings", "tasks", "task-suites", "assignments", "attachments", "skills", "user-skills",
     "user-restrictions", "user-bonuses", "operations", "webhook-subscriptions", "user-metadata"],
)  # fmt: skip
def test_what_is_not_there_is_404(api: httpx.Client, path: str) -> None:
    assert code(api.get(f"/{path}/12345")) == (404, "DOES_NOT_EXIST")


def test_paths_and_methods_that_do_not_exist(api: httpx.Client) -> None:
    assert code(api.get("/nonsense")) == (404, "DOES_NOT_EXIST")
    assert api.delete("/projects").status_code == 405


def test_bodies_that_are_no_json_or_nothing(api: httpx.Client) -> None:
    assert field_codes(api.post("/projects", content=b"{")) == {"body": "JSON_EXPECTED"}
    assert field_codes(api.post("/projects")) == {"body": "NOT_NULL_BODY"}
    assert field_codes(api.post("/projects", json=[1])) == {"body": "OBJECT_EXPECTED"}


def test_one_bad_task_fails_all_unless_it_may_be_skipped(api: httpx.Client, pool_id: str) -> None:
    items = [bodies.task(pool_id), bodies.task(pool_id, overlap=0)]
    answer = api.post("/tasks", json=items)
    assert answer.json()["payload"]["1"]["overlap"]["code"] == "VALUE_LESS_THAN_MIN"
    assert api.get("/tasks", params={"pool_id": pool_id}).json()["items"] == []
    skipping = api.post("/tasks", params={"skip_invalid_items": "true"}, json=items).json()
    assert (list(skipping["items"]), list(skipping["validation_errors"])) == (["0"], ["1"])
    none_left = api.post("/tasks", params={"skip_invalid_items": "true"}, json=items[1:])
    assert none_left.status_code == 400


def test_one_bad_task_fails_an_operation_and_extra_keys_come_back_in_its_log(api: httpx.Client, pool_id: str) -> None:
    items = [bodies.task(pool_id), {**bodies.task(pool_id, overlap=0), "__item_idx": "1"}]
    operation = api.post("/tasks", params={"async_mode": "true"}, json=items)
    assert (operation.status_code, operation.json()["status"]) == (202, "FAIL")
    assert operation.json()["details"] == {
        "total_count": 2, "valid_count": 1, "not_valid_count": 1, "success_count": 0, "failed_count": 1,
    }  # fmt: skip
    [item] = api.get(f"/operations/{operation.json()['id']}/log").json()
    assert (item["type"], item["success"], item["input"]["__item_idx"]) == ("TASK_VALIDATE", False, "1")
    assert item["output"]["overlap"]["code"] == "VALUE_LESS_THAN_MIN"


def test_the_limits_of_one_request(api: httpx.Client, pool_id: str) -> None:
    too_many = [bodies.task(pool_id)] * 5_001
    assert field_codes(api.post("/tasks", json=too_many)) == {"body": "ARRAY_SIZE_GREATER_THAN_MAX"}
    long = {"image": "https://a", "winnow_task": "x" * 600_000}
    too_big = [bodies.task(pool_id, input_values=long)] * 2
    assert field_codes(api.post("/tasks", json=too_big)) == {"input_values": "OBJECT_SIZE_BYTES_GREATER_THAN_MAX"}
    bonus = {"user_id": "a", "amount": 1, "without_message": True}
    assert field_codes(api.post("/user-bonuses", json=[bonus] * 101)) == {"body": "ARRAY_SIZE_GREATER_THAN_MAX"}


def test_a_pool_holds_two_million_assignments(api: httpx.Client, pool_id: str) -> None:
    many = [bodies.task(pool_id, overlap=30_000)] * 67
    assert code(api.post("/tasks", json=many)) == (409, "POOL_ASSIGNMENTS_COUNT_EXCEEDED")
    operation = api.post("/tasks", params={"async_mode": "true"}, json=many).json()
    assert (operation["status"], operation["details"]["code"]) == ("FAIL", "POOL_ASSIGNMENTS_COUNT_EXCEEDED")


def test_an_operation_id_is_a_uuid_and_is_used_once(api: httpx.Client, pool_id: str) -> None:
    query = {"async_mode": "true", "operation_id": "seven"}
    assert field_codes(api.post("/tasks", params=query, json=[bodies.task(pool_id)])) == {
        "operation_id": "UUID_EXPECTED"
    }
    query["operation_id"] = str(uuid.uuid4())
    assert api.post("/tasks", params=query, json=[bodies.task(pool_id)]).status_code == 202
    again = api.post("/tasks", params=query, json=[bodies.task(pool_id)])
    assert code(again) == (409, "OPERATION_ALREADY_EXISTS")
    assert len(api.get("/tasks", params={"pool_id": pool_id}).json()["items"]) == 1


def test_what_keeps_a_pool_from_opening(api: httpx.Client, project_id: str, emulator: TolokaEmulator) -> None:
    def open_(body: dict[str, Any], *tasks: dict[str, Any], suites: int = 0) -> httpx.Response:
        pool = made(api, "/pools", body)
        for task in tasks:
            made(api, "/tasks", {**task, "pool_id": pool["id"]})
        for _ in range(suites):
            inside = [{"input_values": bodies.task("")["input_values"]}]
            made(api, "/task-suites", {"pool_id": pool["id"], "tasks": inside, "overlap": 1})
        return api.post(f"/pools/{pool['id']}/open")

    assert code(open_(bodies.pool(project_id))) == (409, "EMPTY_POOL")
    assert code(open_(bodies.pool(project_id, mixer_config=None), bodies.task(""))) == (409, "MIXER_CONFIG_REQUIRED")
    assert code(open_(bodies.pool(project_id), bodies.task(""), suites=1)) == (409, "POOL_TASK_TYPE_CONFLICT")
    free = open_(bodies.pool(project_id, reward_per_assignment=0), bodies.task(""))
    assert field_codes(free) == {"reward_per_assignment": "VALUE_LESS_THAN_MIN"}
    emulator.market.books.set_balance(micro("0.012"), emulator.market.now)
    assert code(open_(bodies.pool(project_id), bodies.task(""))) == (409, "NOT_ENOUGH_BALANCE")


def test_a_free_pool_opens_with_control_tasks_only(api: httpx.Client, project_id: str) -> None:
    exam = made(api, "/pools", bodies.pool(project_id, reward_per_assignment=0, mixer_config=bodies.mixer(0, 1)))
    made(api, "/tasks", bodies.golden(exam["id"]))
    assert api.post(f"/pools/{exam['id']}/open").status_code == 202


def test_states_that_do_not_allow_a_change(api: httpx.Client, pool_id: str, people: People) -> None:
    made(api, "/tasks", bodies.task(pool_id))
    body = api.get(f"/pools/{pool_id}").json()
    api.post(f"/pools/{pool_id}/open")
    refused = api.put(f"/pools/{pool_id}", json=body)
    assert code(refused) == (409, "INAPPROPRIATE_STATUS")
    assert refused.json()["payload"] == {"appropriate_statuses": ["CLOSED"]}
    assert code(api.post(f"/pools/{pool_id}/archive")) == (409, "INAPPROPRIATE_STATUS")

    page = people.take(people.come(), pool_id)
    assert code(api.patch(f"/assignments/{page.id}", json={"status": "ACCEPTED"})) == (409, "INAPPROPRIATE_STATUS")
    api.post(f"/pools/{pool_id}/close")
    assert code(api.post(f"/pools/{pool_id}/archive")) == (409, "THERE_IS_ACTIVE_ASSIGNMENT")
    people.hand_in(page, [{"verdict": "ok"}])
    assert code(api.post(f"/pools/{pool_id}/archive")) == (409, "SUBMITTED_ASSIGNMENTS_CONFLICT")
    assert api.patch(f"/assignments/{page.id}", json={"status": "REJECTED", "public_comment": "no"}).is_success
    assert code(api.post(f"/pools/{pool_id}/archive")) == (409, "THERE_IS_REJECTED_ASSIGNMENT")
    people.pass_time(days=9)
    assert code(api.post(f"/projects/{body['project_id']}/archive")) == (409, "UNARCHIVED_POOLS_CONFLICT")
    assert api.post(f"/pools/{pool_id}/archive").status_code == 202
    judged = api.patch(f"/assignments/{page.id}", json={"status": "ACCEPTED"})
    assert code(judged) == (409, "POOL_INAPPROPRIATE_STATUS")
    assert code(api.patch(f"/pools/{pool_id}", json={"priority": 5})) == (409, "INAPPROPRIATE_STATUS")
    assert code(api.post(f"/pools/{pool_id}/open")) == (409, "INAPPROPRIATE_STATUS")
    assert code(api.post(f"/pools/{pool_id}/close")) == (409, "INAPPROPRIATE_STATUS")
    assert code(api.post("/tasks", json=bodies.task(pool_id))) == (409, "CONFLICT_STATE")


def test_an_archived_project_takes_nothing_new(api: httpx.Client, project_id: str) -> None:
    api.post(f"/projects/{project_id}/archive")
    assert api.post(f"/projects/{project_id}/archive").status_code == 204
    assert code(api.put(f"/projects/{project_id}", json=bodies.project())) == (409, "PROJECT_INAPPROPRIATE_STATUS")
    assert code(api.post("/pools", json=bodies.pool(project_id))) == (409, "PROJECT_INAPPROPRIATE_STATUS")


def test_trainings_are_not_pools(api: httpx.Client, project_id: str, people: People) -> None:
    training = made(api, "/trainings", bodies.training(project_id))["id"]
    assert code(api.post(f"/pools/{training}/open")) == (409, "POOL_IS_TRAINING")
    assert field_codes(api.post("/tasks", json=bodies.task(training))) == {"known_solutions": "VALUE_REQUIRED"}
    requirement = {"training_pool_id": training, "training_passing_skill_value": 70}
    made(api, "/pools", bodies.pool(project_id, quality_control=bodies.quality(training_requirement=requirement)))
    assert code(api.post(f"/trainings/{training}/archive")) == (409, "TRAINING_ARCHIVE_CONFLICT")
    skills = api.get("/skills").json()["items"]
    [skill] = [one["id"] for one in skills if one["training"]]
    assert code(api.put(f"/skills/{skill}", json={"name": "mine"})) == (409, "SKILL_IS_TRAINING")
    given = {"skill_id": skill, "user_id": people.come().id, "value": 100}
    assert code(api.put("/user-skills", json=given)) == (409, "SKILL_IS_TRAINING")


def test_skills_and_restrictions_that_cannot_be_given(api: httpx.Client, project_id: str, people: People) -> None:
    worker = people.come().id
    assert code(api.put("/skills/26366", json={"name": "mine"})) == (403, "ACCESS_DENIED")
    value = {"skill_id": "1", "user_id": worker, "value": 5}
    assert field_codes(api.put("/user-skills", json=value)) == {"skill_id": "ENTITY_DOES_NOT_EXIST"}
    skill = made(api, "/skills", {"name": "mine"})["id"]
    value = {"skill_id": skill, "user_id": worker, "value": 101}
    assert field_codes(api.put("/user-skills", json=value)) == {"value": "VALUE_GREATER_THAN_MAX"}
    ban = {"scope": "SYSTEM", "user_id": worker}
    assert code(api.put("/user-restrictions", json=ban)) == (409, "SYSTEM_SCOPE_MODIFICATION")
    ban = {"scope": "PROJECT", "user_id": worker, "private_comment": "x" * 500}
    assert field_codes(api.put("/user-restrictions", json=ban)) == {"private_comment": "STRING_LENGTH_GREATER_THAN_MAX"}
    ban = {"scope": "PROJECT", "user_id": worker}
    assert field_codes(api.put("/user-restrictions", json=ban)) == {"project_id": "VALUE_REQUIRED"}
    ban = {"scope": "POOL", "user_id": worker, "pool_id": "7", "will_expire": "2020-01-01T00:00:00"}
    assert field_codes(api.put("/user-restrictions", json=ban)) == {
        "pool_id": "ENTITY_DOES_NOT_EXIST", "will_expire": "DATE_OUT_OF_RANGE",
    }  # fmt: skip


def test_the_platforms_own_ban_is_not_ours_to_lift(api: httpx.Client, door: httpx.Client, people: People) -> None:
    ban = door.post(f"/workers/{people.come().id}/ban", json={}).json()["id"]
    assert code(api.delete(f"/user-restrictions/{ban}")) == (409, "SYSTEM_SCOPE_MODIFICATION")


def test_bonuses_that_cannot_be_paid(api: httpx.Client, door: httpx.Client, people: People) -> None:
    worker = people.come().id
    bonus = {"user_id": worker, "amount": 0.5, "public_title": {"EN": "a"}, "public_message": {"EN": "b"}}
    same = api.post("/user-bonuses", json=[bonus, bonus])
    assert code(same) == (409, "CONFLICT_STATE")
    assert same.json()["payload"]["1"]["user_id"]["code"] == "ENTITY_CONFLICT"
    assert field_codes(api.post("/user-bonuses", json={**bonus, "amount": 0.004})) == {"amount": "VALUE_LESS_THAN_MIN"}
    assert field_codes(api.post("/user-bonuses", json={**bonus, "amount": 101})) == {"amount": "VALUE_GREATER_THAN_MAX"}
    assert field_codes(api.post("/user-bonuses", json={"user_id": worker, "amount": 1})) == {
        "public_title": "VALUE_REQUIRED", "public_message": "VALUE_REQUIRED",
    }  # fmt: skip
    silent = {**bonus, "without_message": True, "public_title": None}
    assert field_codes(api.post("/user-bonuses", json=silent)) == {"public_message": "VALUE_NOT_ALLOWED"}
    for_nothing = {**bonus, "assignment_id": "0002719cbb--1"}
    assert field_codes(api.post("/user-bonuses", json=for_nothing)) == {"assignment_id": "ENTITY_DOES_NOT_EXIST"}
    door.put("/balance", json={"balance": "1.2"})
    assert code(api.post("/user-bonuses", json={**bonus, "amount": 1})) == (409, "NOT_ENOUGH_BALANCE")
    parts = [{**bonus, "private_comment": str(number)} for number in range(3)]
    operation = api.post(
        "/user-bonuses", params={"async_mode": "true", "skip_invalid_items": "true"}, json=parts
    ).json()
    assert operation["details"]["success_count"] == 1


def test_messages_that_go_nowhere(api: httpx.Client) -> None:
    words = {"topic": {"EN": "a"}, "text": {"EN": "b"}}
    unknown = {**words, "recipients_select_type": "DIRECT", "recipients_ids": ["nobody"]}
    assert code(api.post("/message-threads/compose", json=unknown)) == (409, "INCORRECT_RECIPIENTS")
    assert field_codes(api.post("/message-threads/compose", json={**words, "recipients_select_type": "DIRECT"})) == {
        "recipients_ids": "VALUE_REQUIRED"
    }
    shouted = {**words, "topic": {"english": "a"}, "recipients_select_type": "ALL"}
    assert field_codes(api.post("/message-threads/compose", json=shouted)) == {"topic.english": "PATTERN_MISMATCH"}


def test_aggregations_that_cannot_be_made(api: httpx.Client, pool_id: str, people: People) -> None:
    path = "/aggregated-solutions/aggregate-by-pool"
    body = {"type": "DAWID_SKENE", "pool_id": pool_id, "fields": [{"name": "verdict"}]}
    made(api, "/tasks", bodies.task(pool_id))
    api.post(f"/pools/{pool_id}/open")
    assert code(api.post(path, json=body)) == (409, "ASSIGNMENTS_AGGREGATION_DENIED")
    assert code(api.post(path, json={**body, "type": "GUESS"})) == (409, "UNSUPPORTED_ALGORITHM")
    two = {**body, "fields": [{"name": "verdict"}] * 2}
    assert field_codes(api.post(path, json=two)) == {"fields": "ARRAY_SIZE_GREATER_THAN_MAX"}
    weighted = {**body, "type": "WEIGHTED_DYNAMIC_OVERLAP"}
    assert field_codes(api.post(path, json=weighted)) == {"answer_weight_skill_id": "ENTITY_DOES_NOT_EXIST"}


def test_a_webhook_needs_a_pool_and_a_url(api: httpx.Client, pool_id: str) -> None:
    good = {"webhook_url": "http://127.0.0.1:9/", "event_type": "POOL_CLOSED", "pool_id": pool_id}
    bad = [{**good, "pool_id": "1"}, {**good, "webhook_url": "ftp://a"}, {**good, "event_type": "RAIN"}]
    answer = api.put("/webhook-subscriptions", json=[*bad, good]).json()
    assert list(answer["items"]) == ["3"]
    assert [next(iter(answer["validation_errors"][str(n)].values()))["code"] for n in range(3)] == [
        "ENTITY_DOES_NOT_EXIST", "INVALID_URL_SYNTAX", "UNKNOWN_ENUM_VALUE",
    ]  # fmt: skip
    assert api.put("/webhook-subscriptions", json=bad).status_code == 400


def test_a_second_worker_with_the_same_id_is_refused(door: httpx.Client) -> None:
    assert door.post("/workers", json={"worker": {"id": "w1"}}).is_success
    assert code(door.post("/workers", json={"worker": {"id": "w1"}})) == (409, "USER_ALREADY_REGISTERED")
