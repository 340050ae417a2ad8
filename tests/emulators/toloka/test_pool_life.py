"""Pools and trainings from closed to archived, by hand and by themselves; operations that take their time."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from crowd.emulators.toloka import Served, TolokaEmulator
from tests.emulators.toloka import bodies
from tests.emulators.toloka.people import People


def post(api: httpx.Client, path: str, body: Any = None) -> dict[str, Any]:
    answer = api.post(path, json=body)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else {}


@pytest.fixture
def project_id(api: httpx.Client) -> str:
    return str(post(api, "/projects", bodies.project())["id"])


def opened(api: httpx.Client, project_id: str, count: int = 1, **changes: Any) -> str:
    """Make a pool with tasks of one answer each, a task a page, and open it."""
    body = bodies.pool(project_id, **{"mixer_config": bodies.mixer(1), **changes})
    pool_id = str(post(api, "/pools", body)["id"])
    post(api, "/tasks", [bodies.task(pool_id, number) for number in range(count)])
    post(api, f"/pools/{pool_id}/open")
    return pool_id


def state(api: httpx.Client, pool_id: str) -> tuple[str, str | None]:
    pool = api.get(f"/pools/{pool_id}").json()
    return pool["status"], pool.get("last_close_reason")


def test_a_pool_is_made_closed_with_the_platforms_defaults(api: httpx.Client, project_id: str) -> None:
    sent = bodies.pool(project_id)
    del sent["auto_accept_solutions"]
    pool = post(api, "/pools", sent)
    assert (pool["status"], pool["type"], pool["auto_accept_solutions"]) == ("CLOSED", "REGULAR", True)
    assert sent.items() <= api.get(f"/pools/{pool['id']}").json().items()


def test_a_pool_closes_when_its_work_is_done(api: httpx.Client, project_id: str, people: People) -> None:
    pool_id = opened(api, project_id, 2)
    people.work(people.come(), pool_id)
    assert state(api, pool_id) == ("OPEN", None)
    people.work(people.come(), pool_id)
    assert state(api, pool_id) == ("CLOSED", "COMPLETED")


def test_a_pool_may_wait_before_it_closes(api: httpx.Client, project_id: str, people: People) -> None:
    pool_id = opened(api, project_id, auto_close_after_complete_delay_seconds=600)
    people.work(people.come(), pool_id)
    people.pass_time(seconds=599)
    assert state(api, pool_id) == ("OPEN", None)
    people.pass_time(seconds=1)
    assert state(api, pool_id) == ("CLOSED", "COMPLETED")


def test_new_tasks_keep_a_waiting_pool_open(api: httpx.Client, project_id: str, people: People) -> None:
    pool_id = opened(api, project_id, auto_close_after_complete_delay_seconds=600)
    people.work(people.come(), pool_id)
    people.pass_time(seconds=300)
    post(api, "/tasks", [bodies.task(pool_id, 7)])
    people.pass_time(seconds=600)
    assert state(api, pool_id) == ("OPEN", None)


def test_a_page_in_hand_keeps_a_pool_open(api: httpx.Client, project_id: str, people: People) -> None:
    pool_id = opened(api, project_id)
    page = people.take(people.come(), pool_id)
    api.patch(f"/tasks/{page.suite.tasks[0].id}/set-overlap-or-min", json={"overlap": 0})
    assert state(api, pool_id) == ("OPEN", None)
    people.skip(page)
    assert api.get(f"/tasks/{page.suite.tasks[0].id}").json()["remaining_overlap"] == 1


def test_no_more_answers_wanted_is_done(api: httpx.Client, project_id: str) -> None:
    pool_id = opened(api, project_id)
    [task] = api.get("/tasks", params={"pool_id": pool_id}).json()["items"]
    api.patch(f"/tasks/{task['id']}/set-overlap-or-min", json={"overlap": 0})
    assert state(api, pool_id) == ("CLOSED", "COMPLETED")


def test_a_pool_closes_when_its_time_is_over(api: httpx.Client, project_id: str, people: People) -> None:
    pool_id = opened(api, project_id, will_expire="2026-11-20T12:00:00")
    people.pass_time(hours=2)
    assert state(api, pool_id) == ("CLOSED", "EXPIRED")
    stopped = api.get(f"/pools/{pool_id}").json()["last_stopped"]
    assert stopped == "2026-11-20T12:00:00.000"
    assert api.post(f"/pools/{pool_id}/open").json()["payload"]["will_expire"]["code"] == "DATE_OUT_OF_RANGE"


def test_a_pool_closes_when_the_next_page_cannot_be_paid(
    api: httpx.Client, door: httpx.Client, project_id: str, people: People
) -> None:
    pool_id = opened(api, project_id, 3)
    door.put("/balance", json={"balance": "0.025"})
    people.take(people.come(), pool_id)
    assert people.refused(people.come(), pool_id) == "NOT_ENOUGH_BALANCE"
    assert state(api, pool_id) == ("CLOSED", "NOT_ENOUGH_BALANCE")


def test_a_pool_closed_for_an_update_opens_again_after_a_quarter_of_an_hour(
    api: httpx.Client, project_id: str, people: People
) -> None:
    pool_id = opened(api, project_id)
    post(api, f"/pools/{pool_id}/close-for-update")
    people.pass_time(minutes=14, seconds=59)
    assert state(api, pool_id) == ("CLOSED", "FOR_UPDATE")
    people.pass_time(seconds=1)
    assert state(api, pool_id) == ("OPEN", "FOR_UPDATE")


def test_a_pool_opened_by_hand_does_not_open_twice(api: httpx.Client, project_id: str, people: People) -> None:
    pool_id = opened(api, project_id)
    post(api, f"/pools/{pool_id}/close-for-update")
    post(api, f"/pools/{pool_id}/open")
    post(api, f"/pools/{pool_id}/close")
    people.pass_time(minutes=15)
    assert state(api, pool_id) == ("CLOSED", "MANUAL")


def test_an_idle_pool_is_archived_after_thirty_days(api: httpx.Client, project_id: str, people: People) -> None:
    pool_id = opened(api, project_id)
    post(api, f"/pools/{pool_id}/close")
    people.pass_time(days=20)
    api.put(f"/pools/{pool_id}", json=api.get(f"/pools/{pool_id}").json())
    people.pass_time(days=29)
    assert state(api, pool_id) == ("CLOSED", "MANUAL")
    people.pass_time(days=1)
    assert state(api, pool_id)[0] == "ARCHIVED"


def test_already_so_is_204_without_a_body(api: httpx.Client, project_id: str) -> None:
    pool_id = opened(api, project_id)
    for verb in ("open", "close", "close", "archive", "archive"):
        answer = api.post(f"/pools/{pool_id}/{verb}")
    assert (answer.status_code, answer.content) == (204, b"")


def test_a_clone_shares_its_collectors_and_has_no_tasks(api: httpx.Client, project_id: str) -> None:
    rule = bodies.rule("ANSWER_COUNT", [("assignments_accepted_count", "GT", 0)], "RESTRICTION_V2",
                       {"scope": "PROJECT", "duration_unit": "PERMANENT"})  # fmt: skip
    pool_id = opened(api, project_id, quality_control=bodies.quality(rule))
    copy_id = post(api, f"/pools/{pool_id}/clone")["details"]["pool_id"]
    assert api.get("/tasks", params={"pool_id": copy_id}).json()["items"] == []
    uuids = {
        api.get(f"/pools/{one}").json()["quality_control"]["configs"][0]["collector_config"]["uuid"]
        for one in (pool_id, copy_id)
    }
    assert len(uuids) == 1


class TestOperationsThatTakeTime:
    """An operation waits, runs, then does its work; the clock decides."""

    @pytest.fixture
    def emulator(self) -> TolokaEmulator:
        return TolokaEmulator(seed="slow", quotas=False, operation_delay=10)

    def test_tasks_are_there_when_the_operation_is_done(
        self, api: httpx.Client, project_id: str, people: People
    ) -> None:
        pool_id = post(api, "/pools", bodies.pool(project_id))["id"]
        operation = api.post("/tasks", params={"async_mode": "true"}, json=[bodies.task(pool_id)]).json()
        assert (operation["status"], operation["progress"]) == ("PENDING", 0)
        people.pass_time(seconds=5)
        assert api.get(f"/operations/{operation['id']}").json()["status"] == "RUNNING"
        assert api.get("/tasks", params={"pool_id": pool_id}).json()["items"] == []
        people.pass_time(seconds=5)
        done = api.get(f"/operations/{operation['id']}").json()
        assert (done["status"], done["progress"]) == ("SUCCESS", 100)
        assert (done["started"], done["finished"]) == ("2026-11-20T10:00:05.000", "2026-11-20T10:00:10.000")
        assert len(api.get("/tasks", params={"pool_id": pool_id}).json()["items"]) == 1

    def test_a_pool_is_held_by_the_operation_that_opens_it(
        self, api: httpx.Client, project_id: str, people: People
    ) -> None:
        pool_id = post(api, "/pools", bodies.pool(project_id))["id"]
        post(api, "/tasks", bodies.task(pool_id))
        post(api, f"/pools/{pool_id}/open")
        again = api.post(f"/pools/{pool_id}/open")
        assert (again.status_code, again.json()["code"]) == (409, "POOL_LOCKED_BY_ANOTHER_OPERATION")
        people.pass_time(seconds=10)
        assert state(api, pool_id) == ("OPEN", None)

    def test_what_was_possible_may_fail_later(
        self, api: httpx.Client, door: httpx.Client, project_id: str, people: People
    ) -> None:
        pool_id = post(api, "/pools", bodies.pool(project_id))["id"]
        post(api, "/tasks", bodies.task(pool_id))
        operation = post(api, f"/pools/{pool_id}/open")
        door.put("/balance", json={"balance": 0})
        people.pass_time(seconds=10)
        failed = api.get(f"/operations/{operation['id']}").json()
        assert (failed["status"], failed["details"]["code"]) == ("FAIL", "NOT_ENOUGH_BALANCE")
        assert state(api, pool_id) == ("CLOSED", None)


def test_a_log_is_kept_for_a_month(api: httpx.Client, project_id: str, people: People) -> None:
    pool_id = post(api, "/pools", bodies.pool(project_id))["id"]
    operation = api.post("/tasks", params={"async_mode": "true"}, json=[bodies.task(pool_id)]).json()
    people.pass_time(days=29)
    assert api.get(f"/operations/{operation['id']}/log").is_success
    people.pass_time(days=1)
    answer = api.get(f"/operations/{operation['id']}/log")
    assert (answer.status_code, answer.json()["code"]) == (409, "OPERATION_LOGS_ARCHIVED")


QUOTAS = [("projects", 20), ("skills", 10), ("pools", 20), ("trainings", 20)]


class TestQuotas:
    """The platform's limits per minute, hour and day, on its clock."""

    @pytest.fixture
    def emulator(self) -> TolokaEmulator:
        return TolokaEmulator(seed="quotas")

    @pytest.mark.parametrize(("noun", "most"), QUOTAS)
    def test_one_too_many_in_a_minute(
        self, api: httpx.Client, people: People, project_id: str, noun: str, most: int
    ) -> None:
        body = {"projects": bodies.project(), "skills": {"name": "s"}, "pools": bodies.pool(project_id),
                "trainings": bodies.training(project_id)}[noun]  # fmt: skip
        people.pass_time(minutes=1)
        for _ in range(most):
            post(api, f"/{noun}", body)
        answer = api.post(f"/{noun}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (429, "TOO_MANY_REQUESTS")
        assert answer.json()["payload"] == {"interval": "MIN"}
        people.pass_time(minutes=1)
        post(api, f"/{noun}", body)

    def test_a_hundred_pools_a_day(self, api: httpx.Client, people: People, project_id: str) -> None:
        for number in range(100):
            if number % 20 == 0:
                people.pass_time(minutes=1)
            post(api, "/pools", bodies.pool(project_id))
        people.pass_time(minutes=1)
        answer = api.post("/pools", json=bodies.pool(project_id))
        assert answer.json()["payload"] == {"interval": "DAY"}
        people.pass_time(hours=24)
        post(api, "/pools", bodies.pool(project_id))

    def test_overlap_changes_ten_times_an_hour(self, api: httpx.Client, project_id: str) -> None:
        pool = post(api, "/pools", bodies.pool(project_id))
        for overlap in range(4, 15):
            pool["defaults"] = {"default_overlap_for_new_task_suites": overlap}
            answer = api.put(f"/pools/{pool['id']}", json=pool)
        assert (answer.status_code, answer.json()["payload"]) == (429, {"interval": "HOUR"})

    def test_a_message_to_all_once_a_day(self, api: httpx.Client) -> None:
        body = {"recipients_select_type": "ALL", "topic": {"EN": "a"}, "text": {"EN": "b"}}
        post(api, "/message-threads/compose", body)
        assert api.post("/message-threads/compose", json=body).json()["payload"] == {"interval": "DAY"}

    def test_tasks_count_by_the_item(self, api: httpx.Client, project_id: str, served: Served) -> None:
        pool_id = post(api, "/pools", bodies.pool(project_id))["id"]
        served.market.quotas.spend("create tasks", served.market.now, 199_999)
        two = [bodies.task(pool_id)] * 2
        assert api.post("/tasks", json=two).json()["payload"] == {"interval": "MIN"}
        post(api, "/tasks", two[:1])

    def test_what_never_fits_is_refused_for_good(self, emulator: TolokaEmulator) -> None:
        from crowd.emulators.toloka.errors import ApiError

        with pytest.raises(ApiError) as refused:
            emulator.market.quotas.spend("create tasks", emulator.market.now, 200_001)
        assert (refused.value.status, refused.value.code) == (400, "TASKS_CREATION_DOES_NOT_FIT_QUOTA")

    def test_requests_per_second_have_no_payload(self, api: httpx.Client, door: httpx.Client) -> None:
        door.put("/settings", json={"requests_per_second": 3})
        answers = [api.get("/requester") for _ in range(8)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert refused
        assert refused[0].json()["payload"] is None


def test_the_clock_only_goes_forward(door: httpx.Client, emulator: TolokaEmulator) -> None:
    assert door.get("/clock").json() == {"now": "2026-11-20T10:00:00.000", "speed": 0.0}
    assert door.post("/clock/advance", json={"hours": 1}).json()["now"] == "2026-11-20T11:00:00.000"
    assert door.put("/clock", json={"now": "2026-11-21T00:00:00"}).json()["now"] == "2026-11-21T00:00:00.000"
    back = door.put("/clock", json={"now": "2026-11-20T00:00:00"})
    assert (back.status_code, "only goes forward" in back.text) == (400, True)
    assert door.post("/clock/advance", json={"hours": -1}).status_code == 400
    assert emulator.market.clock.now() - emulator.market.now < timedelta(seconds=1)
