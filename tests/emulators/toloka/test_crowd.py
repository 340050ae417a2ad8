"""The rehearsal's people in a served emulator: they come by themselves or when the control door calls them."""

import time

import httpx
import pytest

from crowd.emulators.toloka import TolokaEmulator
from crowd.emulators.toloka.command import Street, prepared, read
from crowd.emulators.toloka.server import Served
from crowd.emulators.toloka.visitors import Visitors
from crowd.rehearsal.answers import right_judgement
from tests.emulators.toloka import bodies

WITHIN = 120.0
OPTIONS = ["correct", "incorrect", "rotated", "third_party"]


def api(served: Served) -> httpx.Client:
    return httpx.Client(
        base_url=served.url, headers={"Authorization": f"OAuth {served.token}"}, trust_env=False, timeout=20
    )


def photo_pool(client: httpx.Client, tasks: int) -> str:
    fields = {"image": {"type": "url", "required": False}, "class": {"type": "string", "required": True}}
    form = bodies.project()
    form["task_spec"] = {
        **form["task_spec"],
        "input_spec": fields,
        "output_spec": {"photo": {"type": "file", "required": True}},
    }
    project = client.post("/api/v1/projects", json=form).json()["id"]
    pool = bodies.pool(project, will_expire="2100-01-01T00:00:00")
    pool["mixer_config"] = {"real_tasks_count": 1, "golden_tasks_count": 0, "training_tasks_count": 0}
    pool_id = client.post("/api/v1/pools", json=pool).json()["id"]
    rows = [{"pool_id": pool_id, "input_values": {"class": "like"}, "overlap": 1} for _ in range(tasks)]
    assert client.post("/api/v1/tasks", json=rows).status_code == 201
    client.post(f"/api/v1/pools/{pool_id}/open")
    return str(pool_id)


def test_people_of_a_rehearsal_come_by_when_the_door_calls_them() -> None:
    emulator = prepared(read({"crowd": "7", "population": "5"}))
    with emulator.serve() as served, api(served) as client:
        pool_id = photo_pool(client, tasks=3)
        told = client.post("/_emulator/visits", json={"n": 4}).json()["outcomes"]
        pages = client.get("/api/v1/assignments", params={"pool_id": pool_id}).json()["items"]
    assert sum(told.values()) == 4
    assert len(pages) == told["page"] + told.get("abandoned", 0) == 3
    assert {page["user_id"].rpartition("-")[0] for page in pages} == {"sim-7"}


def test_the_same_seed_is_the_same_crowd() -> None:
    def workers() -> list[str]:
        emulator = prepared(read({"crowd": "a", "population": "30", "seed": "1"}))
        with emulator.serve() as served, api(served) as client:
            photo_pool(client, tasks=2)
            client.post("/_emulator/visits", json={"n": 2})
            return [worker.id for worker in emulator.market.workers]

    assert workers() == workers()


def test_they_come_by_themselves() -> None:
    wishes = read({"crowd": "7", "population": "5", "visits_per_second": "50"})
    emulator = prepared(wishes)
    with emulator.serve() as served, api(served) as client:
        photo_pool(client, tasks=2)
        street = Street(emulator, wishes)
        street.start()
        until = time.monotonic() + WITHIN
        while not client.get("/_emulator/workers").json():
            assert time.monotonic() < until, "nobody came"
            time.sleep(0.01)
        street.stop()


@pytest.mark.parametrize("body", ["[]", '{"n": "many"}', "six"])
def test_a_number_of_visits_that_is_none(body: str) -> None:
    with prepared(read({"crowd": "7"})).serve() as served, api(served) as client:
        answer = client.post("/_emulator/visits", content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_CONTROL")


def test_without_a_crowd_nobody_comes() -> None:
    with TolokaEmulator().serve() as served, api(served) as client:
        answer = client.post("/_emulator/visits", json={"n": 1})
    assert (answer.status_code, answer.json()["code"]) == (409, "NO_CROWD")


@pytest.mark.parametrize("right", OPTIONS)
def test_a_control_task_shows_what_its_known_answer_says(right: str) -> None:
    from crowd.emulators.toloka.visitors import _told_by

    truth = _told_by([{"answer": right}], {"class": "like"})
    assert truth is not None
    assert right_judgement("like", truth) == right


def test_a_task_without_known_answers_shows_what_is_known_of_its_picture() -> None:
    visitors = Visitors(TolokaEmulator().market, "7", 3)
    assert visitors.truth_of(b"nobody has seen it") is None
