"""Which page a worker gets: the mixer, suites, overlap, filters, bans, the best, the price."""

from typing import Any

import httpx
import pytest

from tests.emulators.toloka import bodies
from tests.emulators.toloka.people import People
from tests.emulators.toloka.test_pool_life import post, project_id, state

__all__ = ["project_id"]


def pool_with(api: httpx.Client, project_id: str, tasks: list[dict[str, Any]], **changes: Any) -> str:
    """Make a pool with these tasks and open it."""
    pool_id = str(post(api, "/pools", bodies.pool(project_id, **changes))["id"])
    post(api, "/tasks", [{**task, "pool_id": pool_id} for task in tasks])
    post(api, f"/pools/{pool_id}/open")
    return pool_id


def real(count: int, **changes: Any) -> list[dict[str, Any]]:
    return [bodies.task("", number, **changes) for number in range(count)]


def names(page: Any) -> list[str]:
    return [task.form["input_values"]["winnow_task"] for task in page.suite.tasks]


def test_a_page_takes_its_count_from_each_kind_in_creation_order(
    api: httpx.Client, project_id: str, people: People
) -> None:
    tasks = [*real(4), bodies.golden("", 10), bodies.golden("", 11), bodies.practice("", 20)]
    pool_id = pool_with(api, project_id, tasks, mixer_config=bodies.mixer(2, 1, 1))
    page = people.take(people.come(), pool_id)
    assert names(page) == ["tsk-0", "tsk-1", "tsk-10", "tsk-20"]
    shown = api.get(f"/assignments/{page.id}").json()["tasks"]
    assert [("known_solutions" in task, "message_on_unknown_solution" in task) for task in shown] == [
        (False, False), (False, False), (True, False), (True, True),
    ]  # fmt: skip


def test_pages_are_shuffled_by_the_seed_unless_asked_not_to(api: httpx.Client, project_id: str, people: People) -> None:
    mixer = bodies.mixer(20)
    del mixer["shuffle_tasks_in_task_suite"]
    pool_id = pool_with(api, project_id, real(20), mixer_config=mixer)
    page = people.take(people.come(), pool_id)
    assert names(page) != sorted(names(page))
    answer = api.get(f"/assignments/{page.id}").json()
    assert [task["input_values"]["winnow_task"] for task in answer["tasks"]] == names(page)


def test_a_worker_sees_a_control_task_once(api: httpx.Client, project_id: str, people: People) -> None:
    tasks = [*real(9), bodies.golden("", 10), bodies.golden("", 11)]
    pool_id = pool_with(api, project_id, tasks, mixer_config=bodies.mixer(1, 1))
    worker = people.come()
    assert names(people.work(worker, pool_id))[1] == "tsk-10"
    assert names(people.work(worker, pool_id))[1] == "tsk-11"
    assert people.offers(worker) == []
    assert people.refused(worker, pool_id) == "POOL_ASSIGNMENTS_EXHAUSTED"
    assert names(people.take(people.come(), pool_id))[1] == "tsk-10"


def test_overlap_goes_to_different_workers(api: httpx.Client, project_id: str, people: People) -> None:
    pool_id = pool_with(api, project_id, real(1, overlap=2), mixer_config=bodies.mixer(1))
    first, second = people.come(), people.come()
    people.work(first, pool_id)
    assert people.refused(first, pool_id) == "POOL_ASSIGNMENTS_EXHAUSTED"
    people.work(second, pool_id)
    assert state(api, pool_id) == ("CLOSED", "COMPLETED")


def test_a_skipped_or_expired_page_goes_to_somebody_else(api: httpx.Client, project_id: str, people: People) -> None:
    pool_id = pool_with(api, project_id, real(1), mixer_config=bodies.mixer(1))
    page = people.take(people.come(), pool_id)
    task_id = page.suite.tasks[0].id
    assert api.get(f"/tasks/{task_id}").json()["remaining_overlap"] == 0
    people.skip(page)
    assert api.get(f"/assignments/{page.id}").json()["status"] == "SKIPPED"
    late = people.take(people.come(), pool_id)
    people.pass_time(seconds=600)
    told = api.get(f"/assignments/{late.id}").json()
    assert (told["status"], told["expired"]) == ("EXPIRED", "2026-11-20T10:10:00.000")
    assert "solutions" not in told
    assert names(people.work(people.come(), pool_id)) == ["tsk-0"]


def test_a_partial_page_only_at_the_end_of_the_pool(api: httpx.Client, project_id: str, people: People) -> None:
    pool_id = pool_with(api, project_id, real(5, overlap=2), mixer_config=bodies.mixer(3))
    first, second = people.come(), people.come()
    assert len(names(people.work(first, pool_id))) == 3
    assert people.refused(first, pool_id) == "POOL_ASSIGNMENTS_EXHAUSTED"
    assert len(names(people.work(second, pool_id))) == 3
    assert names(people.work(first, pool_id)) == ["tsk-3", "tsk-4"]


def test_no_partial_page_without_force(api: httpx.Client, project_id: str, people: People) -> None:
    pool_id = pool_with(api, project_id, real(2), mixer_config=bodies.mixer(3, force_last_assignment=False))
    assert people.refused(people.come(), pool_id) == "POOL_ASSIGNMENTS_EXHAUSTED"
    assert state(api, pool_id) == ("OPEN", None)


def test_a_partial_page_waits_for_its_delay(api: httpx.Client, project_id: str, people: People) -> None:
    mixer = bodies.mixer(3, force_last_assignment_delay_seconds=60)
    pool_id = pool_with(api, project_id, real(2), mixer_config=mixer)
    worker = people.come()
    assert people.offers(worker) == []
    people.pass_time(seconds=60)
    assert people.offers(worker) == [pool_id]


def test_a_minimum_allows_smaller_pages_but_never_without_control_tasks(
    api: httpx.Client, project_id: str, people: People
) -> None:
    mixer = bodies.mixer(9, 1, min_real_tasks_count=1)
    pool_id = pool_with(api, project_id, [*real(2), bodies.golden("", 10)], mixer_config=mixer)
    assert names(people.take(people.come(), pool_id)) == ["tsk-0", "tsk-1", "tsk-10"]
    other = pool_with(api, project_id, real(2), mixer_config=mixer)
    assert people.refused(people.come(), other) == "POOL_ASSIGNMENTS_EXHAUSTED"


def test_control_tasks_come_by_a_distribution_function(api: httpx.Client, project_id: str, people: People) -> None:
    spans = [{"from": 1, "to": 6, "frequency": 3}, {"from": 7, "to": 100, "frequency": 6}]
    function = {"scope": "POOL", "distribution": "UNIFORM", "window_days": 5, "intervals": spans}
    tasks = [*real(30), *(bodies.golden("", number) for number in range(40, 50))]
    mixer = bodies.mixer(6, 0, golden_task_distribution_function=function)
    pool_id = pool_with(api, project_id, tasks, mixer_config=mixer)
    worker = people.come()
    kinds = [[task.kind for task in people.work(worker, pool_id).suite.tasks].count("GOLDEN") for _ in range(3)]
    assert kinds == [2, 1, 1]


def test_suites_go_out_by_their_priority_then_as_they_were_made(
    api: httpx.Client, project_id: str, people: People
) -> None:
    pool_id = post(api, "/pools", bodies.pool(project_id, mixer_config=None))["id"]
    for number, order in ((1, 0), (2, 0), (3, 5.5)):
        inside = [{"input_values": bodies.task("", number)["input_values"]}]
        suite = {"pool_id": pool_id, "tasks": inside, "overlap": 1, "issuing_order_override": order}
        post(api, "/task-suites", suite)
    post(api, f"/pools/{pool_id}/open")
    worker = people.come()
    pages = [people.work(worker, pool_id) for _ in range(3)]
    assert [names(page) for page in pages] == [["tsk-3"], ["tsk-1"], ["tsk-2"]]
    assert state(api, pool_id) == ("CLOSED", "COMPLETED")
    assert [page.suite.mixed for page in pages] == [False] * 3


def test_a_suite_can_be_made_of_tasks_that_are_there(api: httpx.Client, project_id: str, people: People) -> None:
    pool_id = post(api, "/pools", bodies.pool(project_id, mixer_config=None))["id"]
    task = post(api, "/tasks", bodies.task(pool_id, 4))
    post(api, "/task-suites", {"pool_id": pool_id, "tasks": [{"id": task["id"]}], "overlap": 1})
    post(api, f"/pools/{pool_id}/open")
    assert people.take(people.come(), pool_id).suite.tasks[0].id == task["id"]


def test_tasks_can_be_kept_for_or_from_somebody(api: httpx.Client, project_id: str, people: People) -> None:
    wanda, rita = people.come(), people.come()
    tasks = [bodies.task("", 1, unavailable_for=[wanda.id]), bodies.task("", 2, reserved_for=[wanda.id])]
    pool_id = pool_with(api, project_id, tasks, mixer_config=bodies.mixer(1))
    assert names(people.take(wanda, pool_id)) == ["tsk-2"]
    assert names(people.take(rita, pool_id)) == ["tsk-1"]


def test_one_page_at_a_time_unless_the_project_allows_more(api: httpx.Client, project_id: str, people: People) -> None:
    pool_id = pool_with(api, project_id, real(4), mixer_config=bodies.mixer(1))
    worker = people.come()
    people.take(worker, pool_id)
    assert people.refused(worker, pool_id) == "TOO_MANY_ACTIVE_ASSIGNMENTS"
    api.put(f"/projects/{project_id}", json=bodies.project(max_active_assignments_count=2))
    people.take(worker, pool_id)
    assert people.refused(worker, pool_id) == "TOO_MANY_ACTIVE_ASSIGNMENTS"


FILTERS = [
    ({"category": "profile", "key": "languages", "operator": "IN", "value": "EN"}, {"languages": ["RU", "EN"]}),
    ({"category": "profile", "key": "languages", "operator": "NOT_IN", "value": "RU"}, {"languages": ["EN"]}),
    ({"category": "profile", "key": "country", "operator": "EQ", "value": "KE"}, {"country": "KE"}),
    ({"category": "profile", "key": "adult_allowed", "operator": "EQ", "value": False}, {"adult_allowed": False}),
    ({"category": "profile", "key": "date_of_birth", "operator": "GT", "value": 800}, {"date_of_birth": 900}),
    ({"category": "profile", "key": "city", "operator": "IN", "value": [213, 2]}, {"city": 213}),
    (
        {"category": "computed", "key": "region_by_phone", "operator": "IN", "value": 225},
        {"attributes": {"region_by_phone": 225}},
    ),
    (
        {"category": "computed", "key": "client_type", "operator": "EQ", "value": "BROWSER"},
        {"attributes": {"client_type": "BROWSER"}},
    ),
    ({"category": "computed", "key": "os_family", "operator": "EQ", "value": "UNKNOWN"}, {"attributes": {}}),
    ({"category": "computed", "key": "os_version", "operator": "GTE", "value": 14.5},
     {"attributes": {"os_version": 14.5}}),
    ({"category": "skill", "key": "26366", "operator": "EQ", "value": 100}, {"skills": {"26366": 100}}),
    ({"category": "skill", "key": "26366", "operator": "GTE", "value": 70}, {"skills": {"26366": 70}}),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "profile"), FILTERS)
def test_a_filter_lets_in_whom_it_names(
    api: httpx.Client, project_id: str, people: People, condition: dict[str, Any], profile: dict[str, Any]
) -> None:
    pool_id = pool_with(api, project_id, real(2), filter={"and": [{"or": [condition]}]})
    assert people.offers(people.come(**profile)) == [pool_id]
    assert people.refused(people.come(), pool_id) == "ACCESS_DENIED"


def test_a_filter_for_a_missing_skill(api: httpx.Client, project_id: str, people: People) -> None:
    condition = {"category": "skill", "key": "26366", "operator": "EQ", "value": None}
    pool_id = pool_with(api, project_id, real(2), filter={"and": [{"or": [condition]}]})
    assert people.offers(people.come()) == [pool_id]
    assert people.offers(people.come(skills={"26366": 0})) == []


def test_and_wants_all_and_or_wants_one(api: httpx.Client, project_id: str, people: People) -> None:
    kenya = {"category": "profile", "key": "country", "operator": "EQ", "value": "KE"}
    india = {**kenya, "value": "IN"}
    english = {"category": "profile", "key": "languages", "operator": "IN", "value": "EN"}
    pool_id = pool_with(api, project_id, real(2), filter={"and": [{"or": [kenya, india]}, {"or": [english]}]})
    assert people.offers(people.come(country="IN", languages=["EN"])) == [pool_id]
    assert people.offers(people.come(country="IN", languages=["RU"])) == []
    assert people.offers(people.come(country="RU", languages=["EN"])) == []


def test_adult_content_is_for_those_who_agree(api: httpx.Client, project_id: str, people: People) -> None:
    pool_id = pool_with(api, project_id, real(2), may_contain_adult_content=True)
    assert people.offers(people.come(adult_allowed=False)) == []
    assert people.offers(people.come(adult_allowed=True)) == [pool_id]


def test_the_best_percent_of_those_who_fit(api: httpx.Client, project_id: str, people: People) -> None:
    balance = {"type": "TOP_PERCENTAGE_BY_QUALITY", "percent": 80}
    russia = {"category": "profile", "key": "country", "operator": "EQ", "value": "RU"}
    pool_id = pool_with(api, project_id, real(9), speed_quality_balance=balance, filter={"and": [{"or": [russia]}]})
    crowd = [people.come(quality=quality) for quality in (10, 20, 30, 40, 50)]
    people.come(quality=5, country="KE")
    assert [bool(people.offers(worker)) for worker in crowd] == [False, True, True, True, True]
    assert people.refused(crowd[0], pool_id) == "ACCESS_DENIED"


def test_so_many_of_the_best(api: httpx.Client, project_id: str, people: People) -> None:
    balance = {"type": "BEST_CONCURRENT_USERS_BY_QUALITY", "count": 2}
    pool_with(api, project_id, real(9), speed_quality_balance=balance)
    crowd = [people.come(quality=quality) for quality in (10, 20, 30)]
    assert [bool(people.offers(worker)) for worker in crowd] == [False, True, True]


@pytest.mark.parametrize(
    ("value", "price"), [(None, 0.03), (0, 0.03), (95, 0.03), (96, 0.04), (100, 0.04), (95.6, 0.04)]
)
def test_the_price_is_fixed_by_the_skill_when_the_page_is_issued(
    api: httpx.Client, project_id: str, people: People, value: float | None, price: float
) -> None:
    skill = post(api, "/skills", {"name": "photos"})["id"]
    spans = [{"from": 0, "to": 95, "reward_per_assignment": 0.03}, {"from": 96, "to": 100,
                                                                     "reward_per_assignment": 0.04}]  # fmt: skip
    config = {"type": "SKILL", "skill_id": skill, "intervals": spans}
    pool_id = pool_with(api, project_id, real(2), reward_per_assignment=0.03, dynamic_pricing_config=config)
    worker = people.come(skills={} if value is None else {skill: value})
    page = people.take(worker, pool_id)
    api.put("/user-skills", json={"skill_id": skill, "user_id": worker.id, "value": 50})
    people.hand_in(page, [{"verdict": "ok"}] * 2)
    assert api.get(f"/assignments/{page.id}").json()["reward"] == price


def test_outside_of_all_intervals_the_base_price_holds(api: httpx.Client, project_id: str, people: People) -> None:
    skill = post(api, "/skills", {"name": "photos"})["id"]
    config = {"type": "SKILL", "skill_id": skill, "intervals": [{"from": 90, "reward_per_assignment": 0.09}]}
    pool_id = pool_with(api, project_id, real(4), reward_per_assignment=0.02, dynamic_pricing_config=config)
    assert people.take(people.come(skills={skill: 89}), pool_id).reward_micro == 20_000
    assert people.take(people.come(skills={skill: 90}), pool_id).reward_micro == 90_000


@pytest.mark.parametrize("scope", ["POOL", "PROJECT", "ALL_PROJECTS"])
def test_a_ban_keeps_out_until_it_ends(api: httpx.Client, project_id: str, people: People, scope: str) -> None:
    pool_id, other = pool_with(api, project_id, real(2)), pool_with(api, project_id, real(2))
    elsewhere = pool_with(api, post(api, "/projects", bodies.project())["id"], real(2))
    worker = people.come()
    place = {"POOL": {"pool_id": pool_id}, "PROJECT": {"project_id": project_id}}.get(scope, {})
    ban = {"scope": scope, "user_id": worker.id, "will_expire": "2026-11-21T00:00:00", **place}
    assert api.put("/user-restrictions", json=ban).is_success
    left = {"POOL": [other, elsewhere], "PROJECT": [elsewhere], "ALL_PROJECTS": []}[scope]
    assert people.offers(worker) == left
    people.pass_time(hours=14)
    assert people.offers(worker) == [pool_id, other, elsewhere]
    assert api.get("/user-restrictions").json()["items"] == []


def test_offers_stand_by_priority_then_age(api: httpx.Client, project_id: str, people: People) -> None:
    pools = [pool_with(api, project_id, real(2), priority=priority) for priority in (0, 50, 50)]
    assert people.offers(people.come()) == [pools[1], pools[2], pools[0]]


def test_an_invalid_answer_is_refused_and_the_page_stays_in_hand(
    api: httpx.Client, door: httpx.Client, project_id: str, people: People
) -> None:
    pool_id = pool_with(api, project_id, real(1), mixer_config=bodies.mixer(1))
    page = door.post(f"/workers/{people.come().id}/take", json={"pool_id": pool_id}).json()
    refused = door.post(f"/assignments/{page['assignment_id']}/submit", json={"answers": [{"verdict": "maybe"}]})
    assert refused.json()["payload"]["solutions.0.output_values.verdict"]["code"] == "VALUE_NOT_ALLOWED"
    none = door.post(f"/assignments/{page['assignment_id']}/submit", json={"answers": []})
    assert none.json()["payload"]["solutions"]["code"] == "ARRAY_SIZE_OUT_OF_BOUNDS"
    sent = door.post(f"/assignments/{page['assignment_id']}/submit", json={"answers": [{"verdict": "ok"}]})
    assert sent.json()["status"] == "ACCEPTED"
    again = door.post(f"/assignments/{page['assignment_id']}/submit", json={"answers": [{"verdict": "ok"}]})
    assert again.json()["code"] == "INAPPROPRIATE_STATUS"
