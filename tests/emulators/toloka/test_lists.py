"""Lists: pages, filters, ranges, order; the kit's own search requests fit them."""

from typing import Any

import httpx
import pytest
from toloka.client import search_requests

from crowd.emulators.toloka import lists
from crowd.emulators.toloka.listing import Listing
from tests.emulators.toloka import bodies
from tests.emulators.toloka.people import People
from tests.emulators.toloka.test_pages import pool_with, real
from tests.emulators.toloka.test_pool_life import post, project_id

__all__ = ["project_id"]

KITS: dict[str, Listing[Any]] = {
    "Project": lists.PROJECTS,
    "Pool": lists.POOLS,
    "Training": lists.TRAININGS,
    "Task": lists.TASKS,
    "TaskSuite": lists.SUITES,
    "Assignment": lists.ASSIGNMENTS,
    "Attachment": lists.ATTACHMENTS,
    "Skill": lists.SKILLS,
    "UserSkill": lists.USER_SKILLS,
    "UserRestriction": lists.RESTRICTIONS,
    "UserBonus": lists.BONUSES,
    "Operation": lists.OPERATIONS,
    "WebhookSubscription": lists.SUBSCRIPTIONS,
    "MessageThread": lists.THREADS,
    "AggregatedSolution": lists.solutions_of("any"),
}


@pytest.mark.parametrize("noun", KITS)
def test_everything_the_kit_can_ask_is_known(noun: str) -> None:
    listing, request = KITS[noun], getattr(search_requests, f"{noun}SearchRequest")
    names = {field.name for field in request.__attrs_attrs__ if not field.name.startswith("_")}
    known = {*listing.filters, *(f"{name}_{end}" for name in listing.ranges for end in ("gt", "gte", "lt", "lte"))}
    assert names - known == set()
    keys = getattr(search_requests, f"{noun}SortItems").SortItem.SortField
    assert {key.value for key in keys} - set(listing.sort) == set()


@pytest.fixture
def pool(api: httpx.Client, project_id: str) -> str:
    return pool_with(api, project_id, real(25), mixer_config=bodies.mixer(1))


def walk(api: httpx.Client, path: str, **query: Any) -> list[str]:
    """Follow a list by id to its end."""
    found: list[str] = []
    while True:
        page = api.get(path, params={"sort": "id", **query, **({"id_gt": found[-1]} if found else {})}).json()
        assert page["items"] or not page["has_more"]
        found += [item["id"] for item in page["items"]]
        if not page["has_more"]:
            return found


@pytest.mark.parametrize("limit", [1, 7, 24, 25, 26])
def test_pages_by_id_give_everything_once(api: httpx.Client, pool: str, limit: int) -> None:
    found = walk(api, "/tasks", pool_id=pool, limit=limit)
    assert len(found) == len(set(found)) == 25
    assert found == sorted(found)


def test_ids_have_the_platforms_shape(api: httpx.Client, pool: str) -> None:
    [first] = walk(api, "/tasks", pool_id=pool)[:1]
    assert first.startswith(f"{int(pool):010x}--")
    assert len(first) == len("0002719cbb--64a100000000000000000001")


def test_half_pages_still_give_everything(api: httpx.Client, door: httpx.Client, pool: str) -> None:
    door.put("/faults", json={"half_pages": 0.5})
    page = api.get("/tasks", params={"pool_id": pool, "limit": 1}).json()
    assert page["items"]
    assert len(set(walk(api, "/tasks", pool_id=pool, limit=10))) == 25


def test_the_usual_length_of_a_page(api: httpx.Client, pool: str) -> None:
    for _ in range(22):
        post(api, "/projects", bodies.project())
    assert len(api.get("/projects").json()["items"]) == 20
    assert len(api.get("/tasks", params={"pool_id": pool}).json()["items"]) == 25


@pytest.mark.parametrize(
    ("path", "most"),
    [("projects", 300), ("pools", 300), ("trainings", 300), ("skills", 100), ("attachments", 100),
     ("user-restrictions", 500), ("operations", 500), ("user-skills", 1_000), ("user-bonuses", 300),
     ("message-threads", 300), ("webhook-subscriptions", 300), ("tasks", 100_000), ("task-suites", 100_000),
     ("assignments", 100_000)],
)  # fmt: skip
def test_the_longest_page(api: httpx.Client, pool: str, path: str, most: int) -> None:
    of = {"pool_id": pool} if _by_pool(path) else {}
    assert api.get(f"/{path}", params={"limit": most, **of}).is_success
    over = api.get(f"/{path}", params={"limit": most + 1, **of})
    assert over.json()["payload"]["limit"]["code"] == "VALUE_GREATER_THAN_MAX"


def _by_pool(path: str) -> bool:
    return path in ("tasks", "task-suites", "assignments")


@pytest.mark.parametrize(
    ("query", "path", "code"),
    [
        ({"limit": "many"}, "limit", "INTEGER_EXPECTED"),
        ({"limit": 0}, "limit", "VALUE_LESS_THAN_MIN"),
        ({"sort": "colour"}, "sort", "UNKNOWN_ENUM_VALUE"),
        ({"colour": "red"}, "colour", "VALUE_NOT_ALLOWED"),
        ({"created_gte": "yesterday"}, "created_gte", "INVALID_DATE_TIME_SYNTAX"),
    ],
)
def test_a_question_that_cannot_be_answered(
    api: httpx.Client, pool: str, query: dict[str, Any], path: str, code: str
) -> None:
    answer = api.get("/tasks", params={"pool_id": pool, **query})
    assert (answer.status_code, answer.json()["payload"][path]["code"]) == (400, code)


@pytest.mark.parametrize("path", ["tasks", "task-suites", "assignments"])
def test_lists_of_a_pool_name_the_pool(api: httpx.Client, path: str) -> None:
    assert api.get(f"/{path}").json()["payload"]["pool_id"]["code"] == "VALUE_REQUIRED"


def test_assignments_by_status_and_its_time(api: httpx.Client, pool: str, people: People) -> None:
    worker = people.come()
    pages = []
    for _ in range(3):
        people.pass_time(minutes=1)
        pages.append(people.work(worker, pool).id)
    people.skip(people.take(worker, pool))

    def found(**query: Any) -> list[str]:
        return [one["id"] for one in api.get("/assignments", params={"pool_id": pool, **query}).json()["items"]]

    assert found(status="SKIPPED,SUBMITTED") == [people.market.pools.get(pool).assignments[-1].id]
    assert found(status="ACCEPTED", submitted_gte="2026-11-20T10:02:00") == pages[1:]
    assert found(status="ACCEPTED", submitted_gt="2026-11-20T10:02:00.000") == pages[2:]
    assert found(accepted_lte="2026-11-20T10:02:00.000000") == pages[:2]
    assert found(rejected_gte="2026-01-01T00:00:00") == []
    assert found(status="ACCEPTED", sort="-submitted") == pages[::-1]
    assert found(user_id="somebody") == []


def test_sorting_by_several_keys(api: httpx.Client) -> None:
    names = [("b", "1"), ("a", "2"), ("a", "1")]
    made = [post(api, "/projects", bodies.project(public_name=name, private_comment=note))["id"]
            for name, note in names]  # fmt: skip
    order = [one["id"] for one in api.get("/projects", params={"sort": "public_name,-private_comment"}).json()["items"]]
    assert order == [made[1], made[2], made[0]]


def test_tasks_by_overlap(api: httpx.Client, project_id: str) -> None:
    pool = post(api, "/pools", bodies.pool(project_id))["id"]
    post(api, "/tasks", [bodies.task(pool, number, overlap=number) for number in (1, 3, 5)])
    post(api, "/tasks", bodies.golden(pool, 9))

    def found(**query: Any) -> list[int]:
        return [one["overlap"] for one in api.get("/tasks", params={"pool_id": pool, **query}).json()["items"]]

    assert found(overlap=3) == [3]
    assert found(overlap_gte=3) == [3, 5]
    assert found(overlap_lt=5) == [1, 3]


def test_objects_made_after_a_time_are_found_by_their_key(api: httpx.Client, people: People) -> None:
    post(api, "/projects", bodies.project())
    people.pass_time(hours=1)
    late = post(api, "/projects", bodies.project(metadata={"winnow_key": ["prj-2"]}))
    items = api.get("/projects", params={"created_gte": "2026-11-20T10:50:00"}).json()["items"]
    assert [(one["id"], one["metadata"]) for one in items] == [(late["id"], {"winnow_key": ["prj-2"]})]


def test_the_platforms_language_skills_are_there(api: httpx.Client) -> None:
    items = api.get("/skills", params={"global": "true"}).json()["items"]
    assert len(items) == 14
    assert {"26366", "26296", "44742"} < {one["id"] for one in items}
