"""Trainings: the first answers decide who passes the gate, and for how long."""

from typing import Any

import httpx
import pytest

from tests.emulators.toloka import bodies
from tests.emulators.toloka.people import People
from tests.emulators.toloka.test_pages import pool_with, real
from tests.emulators.toloka.test_pool_life import post, project_id
from tests.emulators.toloka.test_quality import value

__all__ = ["project_id"]

HINT = "The hand is cut off."


@pytest.fixture
def training_id(api: httpx.Client, project_id: str) -> str:
    training = str(post(api, "/trainings", bodies.training(project_id))["id"])
    post(api, "/tasks", [bodies.practice(training, number) for number in range(10)])
    post(api, f"/trainings/{training}/open")
    return training


@pytest.fixture
def guarded(api: httpx.Client, project_id: str, training_id: str) -> str:
    requirement = {"training_pool_id": training_id, "training_passing_skill_value": 70}
    quality = bodies.quality(training_requirement=requirement)
    return pool_with(api, project_id, real(50, overlap=3), quality_control=quality)


def practise(door: httpx.Client, worker: Any, training_id: str, wrong: int) -> dict[str, Any]:
    """Answer a page of a training, so many at first wrong, then as the hints say."""
    page = door.post(f"/workers/{worker.id}/take", json={"pool_id": training_id}).json()
    first = [{"verdict": "ok" if index < wrong else "bad"} for index in range(len(page["tasks"]))]
    path = f"/assignments/{page['assignment_id']}/submit"
    told = door.post(path, json={"answers": first}).json()
    if wrong:
        assert told["hints"] == {str(index): HINT for index in range(wrong)}
        told = door.post(path, json={"answers": [{"verdict": "bad"}] * len(first)}).json()
    return dict(told)


@pytest.mark.parametrize(("wrong", "let_in"), [(0, True), (3, True), (4, False), (10, False)])
def test_the_first_answers_decide_who_passes(
    door: httpx.Client, people: People, training_id: str, guarded: str, wrong: int, *, let_in: bool
) -> None:
    worker = people.come()
    assert people.offers(worker) == [training_id]
    assert people.refused(worker, guarded) == "ACCESS_DENIED"
    page = practise(door, worker, training_id, wrong)
    assert (page["status"], page["reward"]) == ("ACCEPTED", 0.0)
    assert people.offers(worker) == ([guarded] if let_in else [])


def test_seventy_passes_and_sixty_nine_does_not(people: People, training_id: str, guarded: str) -> None:
    known = people.market.trainings.get(training_id).skill_id
    assert people.offers(people.come(skills={known: 70})) == [guarded]
    assert people.offers(people.come(skills={known: 69})) == []


def test_first_answers_are_shown_when_they_were_wrong(
    api: httpx.Client, door: httpx.Client, people: People, training_id: str
) -> None:
    page = practise(door, people.come(), training_id, 2)
    told = api.get(f"/assignments/{page['id']}").json()
    firsts = [one["output_values"]["verdict"] for one in told["first_declined_solution_attempt"]]
    assert firsts == ["ok"] * 2 + ["bad"] * 8
    assert {one["output_values"]["verdict"] for one in told["solutions"]} == {"bad"}


def test_the_skill_lapses_for_who_is_idle_and_can_be_trained_again(
    door: httpx.Client, people: People, training_id: str, guarded: str
) -> None:
    worker = people.come()
    practise(door, worker, training_id, 0)
    people.pass_time(days=5)
    people.work(worker, guarded)
    people.pass_time(days=6, hours=23)
    assert people.offers(worker) == [guarded]
    people.pass_time(hours=2)
    assert people.offers(worker) == [training_id]
    practise(door, worker, training_id, 4)
    assert people.offers(worker) == []


def test_several_pages_may_be_required(api: httpx.Client, door: httpx.Client, project_id: str, people: People) -> None:
    body = bodies.training(project_id, training_tasks_in_task_suite_count=2, task_suites_required_to_pass=2)
    training = str(post(api, "/trainings", body)["id"])
    post(api, "/tasks", [bodies.practice(training, number) for number in range(6)])
    post(api, f"/trainings/{training}/open")
    worker, known = people.come(), str(people.market.trainings.get(training).skill_id)
    practise(door, worker, training, 1)
    assert value(api, worker, known) is None
    practise(door, worker, training, 0)
    assert value(api, worker, known) == 75
