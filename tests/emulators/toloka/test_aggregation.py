"""One answer from many: the published vector, dynamic overlap, the model of Dawid and Skene."""

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowd.emulators.toloka.confidence import accuracy, dawid_skene, weighted
from tests.emulators.toloka import bodies
from tests.emulators.toloka.people import People
from tests.emulators.toloka.test_pages import pool_with, real
from tests.emulators.toloka.test_pool_life import post, project_id, state

__all__ = ["project_id"]


def test_the_vector_of_the_dynamic_overlap() -> None:
    agreed, confidence = weighted([("OK", 0.9), ("OK", 0.8)], 3)
    assert (agreed, round(confidence, 4)) == ("OK", 0.9863)
    leader, confidence = weighted([("OK", 0.9), ("BAD", 0.8)], 3)
    assert (leader, round(confidence, 4)) == ("OK", 0.6667)


@pytest.mark.parametrize(("correct", "total", "q"), [(0, 0, 0.5), (1, 1, 0.75), (0, 1, 0.25), (9, 10, 9.5 / 11)])
def test_accuracy_from_control_answers(correct: int, total: int, q: float) -> None:
    assert accuracy(correct, total) == pytest.approx(q)


@given(
    votes=st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.01, 0.99)), min_size=1, max_size=40),
    options=st.integers(2, 5),
)
def test_a_confidence_is_a_probability(votes: list[tuple[str, float]], options: int) -> None:
    leader, confidence = weighted(votes, options)
    assert leader in {answer for answer, _ in votes}
    assert 0 <= confidence <= 1 + 1e-9


def test_dawid_and_skene_find_out_who_is_unreliable() -> None:
    truth = {f"t{number}": "yes" if number % 2 else "no" for number in range(20)}
    votes = {
        task: [("good", right), ("fine", right), ("liar", "no" if right == "yes" else "yes")]
        for task, right in truth.items()
    }
    votes["hard"] = [("good", "yes"), ("liar", "no")]
    found = dawid_skene(votes)
    assert {task: answer for task, (answer, _) in found.items() if task != "hard"} == truth
    assert found["hard"][0] == "yes"
    assert found["hard"][1] > 0.9


class TestDynamicOverlap:
    @pytest.fixture
    def skill(self, api: httpx.Client) -> str:
        return str(post(api, "/skills", {"name": "weight"})["id"])

    @pytest.fixture
    def pool(self, api: httpx.Client, project_id: str, skill: str) -> str:
        config = {"type": "BASIC", "max_overlap": 4, "min_confidence": 0.95, "answer_weight_skill_id": skill,
                  "fields": [{"name": "verdict"}]}  # fmt: skip
        return pool_with(api, project_id, real(1, overlap=2), mixer_config=bodies.mixer(1),
                         dynamic_overlap_config=config, defaults={"default_overlap_for_new_task_suites": 2,
                                                                  "default_overlap_for_new_tasks": 2})  # fmt: skip

    def say(self, people: People, pool: str, skill: str, *answers: tuple[str, float]) -> None:
        for verdict, value in answers:
            people.work(people.come(skills={skill: value}), pool, verdict)

    def only_task(self, api: httpx.Client, pool: str) -> dict[str, Any]:
        [task] = api.get("/tasks", params={"pool_id": pool}).json()["items"]
        return dict(task)

    def test_two_who_agree_are_enough(self, api: httpx.Client, people: People, pool: str, skill: str) -> None:
        self.say(people, pool, skill, ("ok", 90), ("ok", 80))
        assert state(api, pool) == ("CLOSED", "COMPLETED")
        assert self.only_task(api, pool)["overlap"] == 2
        body = {"type": "WEIGHTED_DYNAMIC_OVERLAP", "pool_id": pool, "answer_weight_skill_id": skill,
                "task_id": self.only_task(api, pool)["id"], "fields": [{"name": "verdict"}]}  # fmt: skip
        solution = post(api, "/aggregated-solutions/aggregate-by-task", body)
        assert (solution["output_values"], round(solution["confidence"], 4)) == ({"verdict": "ok"}, 0.9863)

    def test_two_who_disagree_ask_for_a_third(self, api: httpx.Client, people: People, pool: str, skill: str) -> None:
        self.say(people, pool, skill, ("ok", 90), ("bad", 80))
        assert state(api, pool) == ("OPEN", None)
        assert self.only_task(api, pool)["remaining_overlap"] == 1

    def test_nobody_is_asked_beyond_the_maximum(self, api: httpx.Client, people: People, pool: str, skill: str) -> None:
        self.say(people, pool, skill, ("ok", 60), ("bad", 60), ("broken", 60), ("bad", 60))
        assert state(api, pool) == ("CLOSED", "COMPLETED")
        assert self.only_task(api, pool)["overlap"] == 4

    def test_who_is_not_known_weighs_one_half(self, api: httpx.Client, people: People, pool: str, skill: str) -> None:
        del skill
        for _ in range(2):
            people.work(people.come(), pool, "ok")
        assert state(api, pool) == ("OPEN", None)


def test_weights_come_from_counted_control_answers(api: httpx.Client, project_id: str, people: People) -> None:
    skill = post(api, "/skills", {"name": "weight"})["id"]
    rule = bodies.rule("GOLDEN_SET", [("total_answers_count", "GTE", 1)], "SET_SKILL_FROM_OUTPUT_FIELD",
                       {"skill_id": skill, "from_field": "correct_answers_rate"})  # fmt: skip
    pool = pool_with(api, project_id, [*real(1), bodies.golden("", 9)], mixer_config=bodies.mixer(1, 1),
                     quality_control=bodies.quality(rule))  # fmt: skip
    people.work(people.come(), pool, "ok")
    task = api.get("/tasks", params={"pool_id": pool}).json()["items"][0]["id"]
    body = {"type": "WEIGHTED_DYNAMIC_OVERLAP", "pool_id": pool, "answer_weight_skill_id": skill, "task_id": task,
            "fields": [{"name": "verdict"}]}  # fmt: skip
    confidence = post(api, "/aggregated-solutions/aggregate-by-task", body)["confidence"]
    assert confidence == pytest.approx(0.75 / (0.75 + 2 * 0.125))


def test_a_baseline_counts_as_an_answer(api: httpx.Client, project_id: str, people: People) -> None:
    skill = post(api, "/skills", {"name": "weight"})["id"]
    baseline = [{"output_values": {"verdict": "bad"}, "confidence_weight": 0.97}]
    tasks = [bodies.task("", 1, baseline_solutions=baseline)]
    pool = pool_with(api, project_id, tasks, mixer_config=bodies.mixer(1))
    people.work(people.come(skills={skill: 60}), pool, "ok")
    body = {"type": "WEIGHTED_DYNAMIC_OVERLAP", "pool_id": pool, "answer_weight_skill_id": skill,
            "fields": [{"name": "verdict"}]}  # fmt: skip
    operation = post(api, "/aggregated-solutions/aggregate-by-pool", body)["id"]
    [solution] = api.get(f"/aggregated-solutions/{operation}").json()["items"]
    assert solution["output_values"] == {"verdict": "bad"}


def test_the_model_of_dawid_and_skene_over_a_pool(api: httpx.Client, project_id: str, people: People) -> None:
    pool = pool_with(api, project_id, real(4, overlap=3), mixer_config=bodies.mixer(4))
    for verdict in ("ok", "ok", "bad"):
        people.work(people.come(), pool, verdict)
    body = {"type": "DAWID_SKENE", "pool_id": pool, "fields": [{"name": "verdict"}]}
    operation = post(api, "/aggregated-solutions/aggregate-by-pool", body)["id"]
    page = api.get(f"/aggregated-solutions/{operation}", params={"limit": 3}).json()
    assert [one["output_values"]["verdict"] for one in page["items"]] == ["ok"] * 3
    assert page["has_more"]


def test_rejected_answers_do_not_count(api: httpx.Client, project_id: str, people: People) -> None:
    pool = pool_with(api, project_id, real(1, overlap=2), mixer_config=bodies.mixer(1), auto_accept_solutions=False,
                     auto_accept_period_day=7)  # fmt: skip
    for verdict, status in (("bad", "REJECTED"), ("ok", "ACCEPTED")):
        page = people.work(people.come(), pool, verdict)
        api.patch(f"/assignments/{page.id}", json={"status": status, "public_comment": "x"})
    body = {"type": "DAWID_SKENE", "pool_id": pool, "fields": [{"name": "verdict"}]}
    operation = post(api, "/aggregated-solutions/aggregate-by-pool", body)["id"]
    [solution] = api.get(f"/aggregated-solutions/{operation}").json()["items"]
    assert (solution["output_values"], solution["confidence"]) == ({"verdict": "ok"}, 1)
