"""Who answers: a script, a plain player, the control door; the seam that a simulated crowd plays through."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from crowd.emulators.crowd import Answer, HandIn, Hints, Leave, Move, Offer, Page, Skip, visit
from crowd.emulators.toloka import TolokaEmulator
from crowd.emulators.toloka.players import RandomPlayer, Script
from tests.emulators.toloka import bodies
from tests.emulators.toloka.people import People
from tests.emulators.toloka.test_pages import pool_with, real
from tests.emulators.toloka.test_pool_life import post, project_id, state

__all__ = ["project_id"]

EVERY_TYPE = {
    "input_spec": {"image": {"type": "url"}, "winnow_task": {"type": "string"}},
    "output_spec": {
        "verdict": {"type": "string", "allowed_values": ["ok", "bad"]},
        "sure": {"type": "boolean"},
        "count": {"type": "integer", "min_value": 2, "max_value": 4},
        "share": {"type": "float", "min_value": 0, "max_value": 1},
        "text": {"type": "string", "min_length": 30, "max_length": 40},
        "link": {"type": "url"},
        "place": {"type": "coordinates"},
        "boxes": {"type": "json"},
        "photos": {"type": "array_file", "min_size": 2, "max_size": 3},
        "notes": {"type": "array_string", "required": False, "max_size": 2},
    },
}


def test_the_plain_player_answers_every_type_of_field(api: httpx.Client, emulator: TolokaEmulator) -> None:
    project = post(api, "/projects", bodies.project(task_spec=EVERY_TYPE))["id"]
    pool = pool_with(api, project, real(40, overlap=2), mixer_config=bodies.mixer(2))
    people, player = People(emulator), RandomPlayer("any", patience=0)
    crowd = [people.come() for _ in range(4)]
    outcomes = [visit(emulator.floor, player, worker.id) for _ in range(20) for worker in crowd]
    assert outcomes.count("handed in") > 30
    assert {"handed in"} < set(outcomes) <= {"handed in", "skipped", "left", "nothing"}
    page = api.get("/assignments", params={"pool_id": pool, "status": "ACCEPTED", "limit": 1}).json()["items"][0]
    assert len(page["solutions"][0]["output_values"]["photos"]) in (2, 3)


def test_the_same_seed_plays_the_same_market() -> None:
    def played(seed: str) -> list[Any]:
        emulator = TolokaEmulator(seed=seed)
        with emulator.serve() as served, httpx.Client(base_url=served.url) as client:
            client.headers["Authorization"] = f"OAuth {served.token}"
            project = client.post("/api/v1/projects", json=bodies.project()).json()["id"]
            pool = client.post("/api/v1/pools", json=bodies.pool(project)).json()["id"]
            client.post("/api/v1/tasks", json=[bodies.task(pool, number) for number in range(12)])
            client.post(f"/api/v1/pools/{pool}/open")
            crowd = client.post("/_emulator/workers", json={"people": 3}).json()
            for worker in crowd:
                client.post(f"/_emulator/workers/{worker['id']}/play")
            return [crowd, client.get("/api/v1/assignments", params={"pool_id": pool}).json()]

    assert played("a") == played("a") != played("b")


class Thoughtful:
    """Takes its time, and gives up a training when it is told that it is wrong."""

    def __init__(self, move: Move) -> None:
        self.move = move
        self.pages: list[Page] = []
        self.told: tuple[Page, Sequence[Answer], Hints] | None = None

    def choose(self, worker_id: str, offers: Sequence[Offer]) -> str | None:
        return offers[0].pool_id if worker_id and offers else None

    def play(self, page: Page) -> Move:
        self.pages.append(page)
        return self.move

    def correct(self, page: Page, answers: Sequence[Answer], hints: Hints) -> Sequence[Answer] | None:
        self.told = (page, answers, hints)
        return None


def test_an_answer_comes_after_the_seconds_it_takes(
    api: httpx.Client, project_id: str, people: People, emulator: TolokaEmulator
) -> None:
    pool = pool_with(api, project_id, real(2), reward_per_assignment=0.03)
    player = Thoughtful(HandIn([{"verdict": "ok"}] * 2, seconds=45))
    assert visit(emulator.floor, player, people.come().id) == "handed in"
    [page] = api.get("/assignments", params={"pool_id": pool}).json()["items"]
    assert page["status"] == "ACTIVE"
    people.pass_time(hours=1)
    told = api.get(f"/assignments/{page['id']}").json()
    assert (told["created"], told["submitted"]) == ("2026-11-20T10:00:00.000", "2026-11-20T10:00:45.000")
    seen = player.pages[0]
    assert (seen.offer.reward_micro, seen.tasks[0].values["winnow_task"]) == (30_000, "tsk-0")
    assert (seen.due_at - seen.taken_at).total_seconds() == 600


def test_an_answer_that_takes_too_long_finds_the_page_expired(
    api: httpx.Client, project_id: str, people: People, emulator: TolokaEmulator
) -> None:
    pool = pool_with(api, project_id, real(2))
    visit(emulator.floor, Thoughtful(HandIn([{"verdict": "ok"}] * 2, seconds=601)), people.come().id)
    people.pass_time(hours=1)
    [page] = api.get("/assignments", params={"pool_id": pool}).json()["items"]
    assert page["status"] == "EXPIRED"


@pytest.mark.parametrize(("move", "status"), [(Skip(30), "SKIPPED"), (Leave(), "EXPIRED")])
def test_skipping_and_leaving(api: httpx.Client, project_id: str, people: People, move: Move, status: str) -> None:
    pool = pool_with(api, project_id, real(2))
    visit(people.emulator.floor, Thoughtful(move), people.come().id)
    people.pass_time(hours=1)
    [page] = api.get("/assignments", params={"pool_id": pool}).json()["items"]
    assert page["status"] == status


def test_a_training_given_up_stays_in_hand(
    api: httpx.Client, project_id: str, people: People, emulator: TolokaEmulator
) -> None:
    training = post(api, "/trainings", bodies.training(project_id, training_tasks_in_task_suite_count=1))["id"]
    post(api, "/tasks", bodies.practice(training))
    post(api, f"/trainings/{training}/open")
    player = Thoughtful(HandIn([{"verdict": "ok"}]))
    visit(emulator.floor, player, people.come().id)
    assert player.told is not None
    assert player.told[2] == Hints({0: "The hand is cut off."})
    [page] = api.get("/assignments", params={"pool_id": training}).json()["items"]
    assert page["status"] == "ACTIVE"


SCRIPT = {
    "workers": [{"id": "wanda", "country": "KE"}, {"id": "rita"}],
    "steps": [
        {"worker": "wanda", "pool": "validate", "answers": [{"verdict": "ok"}]},
        {"worker": "wanda", "do": "skip"},
        {"worker": "rita", "do": "leave"},
        {"worker": "rita", "answers": [{"verdict": "bad"}]},
    ],
}


def test_a_script_is_played_step_by_step(
    api: httpx.Client, door: httpx.Client, project_id: str, people: People
) -> None:
    pool = pool_with(api, project_id, real(9), mixer_config=bodies.mixer(1))
    told = door.post("/script", json=SCRIPT).json()
    assert told == {"outcomes": ["handed in", "left", "skipped"], "is_done": False}
    people.pass_time(hours=1)
    statuses = [(one["user_id"], one["status"]) for one in
                api.get("/assignments", params={"pool_id": pool}).json()["items"]]  # fmt: skip
    assert statuses == [("wanda", "ACCEPTED"), ("rita", "EXPIRED"), ("wanda", "SKIPPED")]


def test_a_script_sends_files_and_takes_hints(api: httpx.Client, emulator: TolokaEmulator, tmp_path: Path) -> None:
    (tmp_path / "fist.jpg").write_bytes(b"pixels")
    project = post(api, "/projects", bodies.project(task_spec=bodies.PHOTO))["id"]
    values = {"gesture": "fist", "winnow_task": "tsk-1"}
    pool = pool_with(api, project, [{"input_values": values, "overlap": 1}], mixer_config=bodies.mixer(1))
    step = {"worker": "wanda", "answers": [{"photo": {"$file": "fist.jpg"}}]}
    script = Script(json.dumps({"workers": [{"id": "wanda"}], "steps": [step]}), tmp_path)
    People(emulator).come(id="wanda")
    assert visit(emulator.floor, script.player, "wanda") == "handed in"
    [file] = api.get("/attachments", params={"pool_id": pool}).json()["items"]
    assert api.get(f"/attachments/{file['id']}/download").content == b"pixels"


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ([], 'an object with "workers" and "steps"'),
        ({"steps": [{}]}, 'step 0 has no "worker"'),
        ({"steps": [{"worker": "w", "do": "sing"}]}, "'sing' is not something"),
        ({"steps": [{"worker": "w"}]}, 'step 0 has no list of "answers"'),
        ({"workers": [{}], "steps": []}, 'worker 0 has no "id"'),
    ],
)
def test_a_script_that_makes_no_sense(script: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        Script(json.dumps(script))


def test_the_control_door_plays_a_worker(api: httpx.Client, door: httpx.Client, project_id: str) -> None:
    pool = pool_with(api, project_id, real(3), mixer_config=bodies.mixer(1))
    worker = door.post("/workers", json={"worker": {"country": "KE", "quality": 90}}).json()["id"]
    [offer] = door.get(f"/workers/{worker}/offers").json()
    assert (offer["pool_id"], offer["reward_micro"]) == (pool, 10_000)
    pages = []
    for act in ("skip", "expire"):
        pages.append(door.post(f"/workers/{worker}/take", json={"pool_id": pool}).json())
        door.post(f"/assignments/{pages[-1]['assignment_id']}/{act}")
    statuses = [api.get(f"/assignments/{page['assignment_id']}").json()["status"] for page in pages]
    assert statuses == ["SKIPPED", "EXPIRED"]
    assert pages[0]["tasks"][0]["values"]["winnow_task"] == "tsk-0"
    none = door.post(f"/workers/{worker}/take", json={"pool_id": "7"})
    assert none.status_code == 404
    assert state(api, pool)[0] == "OPEN"


def test_the_control_door_tells_how_things_stand(door: httpx.Client, people: People) -> None:
    people.come(quality=42)
    told = door.get("/").json()
    assert (told["workers"], told["balance"], told["seed"]) == (1, "1000.00", "test")
    assert door.get("/workers").json()[0]["quality"] == 42
    assert door.put("/seed", json={"seed": "other"}).json() == {"seed": "other"}
    assert door.put("/balance", json={"balance": "12.5"}).json()["balance"] == "12.50"
    assert door.put("/settings", json={"operation_delay": 3, "quotas": True}).json()["operation_delay"] == 3
    assert door.put("/balance", json={"balance": "much"}).status_code == 400


def test_people_drawn_from_the_seed_are_various(door: httpx.Client) -> None:
    crowd = door.post("/workers", json={"people": 60}).json()
    assert len({person["country"] for person in crowd}) > 4
    assert {person["attributes"]["client_type"] for person in crowd} == {"BROWSER", "TOLOKA_APP"}
