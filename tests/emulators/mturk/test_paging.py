"""Lists in pages: all nine paginators of the official client, and what happens between two pages."""

from collections.abc import Callable
from typing import Any

import botocore.session
import pytest

from tests.emulators.mturk.test_qualifications import make
from tests.emulators.mturk.turk import Turk


def hits(turk: Turk) -> dict[str, Any]:
    for _ in range(5):
        turk.hit(MaxAssignments=1)
    return {}


def reviewable(turk: Turk) -> dict[str, Any]:
    for _ in range(5):
        turk.submit(turk.hit(MaxAssignments=1))
    return {}


def assignments(turk: Turk) -> dict[str, Any]:
    hit = turk.hit(MaxAssignments=5)
    for _ in range(5):
        turk.submit(hit)
    return {"HITId": hit["HITId"]}


def bonuses(turk: Turk) -> dict[str, Any]:
    hit = turk.hit()
    work = turk.submit(hit, turk.worker("AWANDA"))
    for _ in range(5):
        turk.client.send_bonus(WorkerId="AWANDA", AssignmentId=work, BonusAmount="0.01", Reason="Good")
    return {"HITId": hit["HITId"]}


def types(turk: Turk) -> dict[str, Any]:
    for number in range(5):
        make(turk, Name=f"Exam {number}")
    return {"MustBeRequestable": True}


def requests(turk: Turk) -> dict[str, Any]:
    type_id = make(turk)
    for _ in range(5):
        turk.door("POST", f"workers/{turk.worker()}/qualifications", qualification_type_id=type_id)
    return {}


def qualified(turk: Turk) -> dict[str, Any]:
    type_id = make(turk)
    for _ in range(5):
        turk.client.associate_qualification_with_worker(QualificationTypeId=type_id, WorkerId=turk.worker())
    return {"QualificationTypeId": type_id}


def needing(turk: Turk) -> dict[str, Any]:
    type_id = make(turk)
    for _ in range(5):
        turk.hit(QualificationRequirements=[{"QualificationTypeId": type_id, "Comparator": "Exists"}])
    return {"QualificationTypeId": type_id}


def blocks(turk: Turk) -> dict[str, Any]:
    for _ in range(5):
        turk.client.create_worker_block(WorkerId=turk.worker(), Reason="Copies")
    return {}


LISTS: dict[str, tuple[str, Callable[[Turk], dict[str, Any]]]] = {
    "ListHITs": ("HITs", hits),
    "ListReviewableHITs": ("HITs", reviewable),
    "ListAssignmentsForHIT": ("Assignments", assignments),
    "ListBonusPayments": ("BonusPayments", bonuses),
    "ListQualificationTypes": ("QualificationTypes", types),
    "ListQualificationRequests": ("QualificationRequests", requests),
    "ListWorkersWithQualificationType": ("Qualifications", qualified),
    "ListHITsForQualificationType": ("HITs", needing),
    "ListWorkerBlocks": ("WorkerBlocks", blocks),
}


def paginate(turk: Turk, name: str, request: dict[str, Any]) -> list[dict[str, Any]]:
    snake = botocore.xform_name(name)
    return list(turk.client.get_paginator(snake).paginate(**request, PaginationConfig={"PageSize": 2}))


def test_these_are_all_paginators_of_the_service() -> None:
    model = botocore.session.get_session().get_paginator_model("mturk")
    assert set(model._paginator_config) == set(LISTS)


@pytest.mark.parametrize("name", LISTS)
def test_a_paginator_gives_everything_once(turk: Turk, name: str) -> None:
    member, prepare = LISTS[name]
    pages = paginate(turk, name, prepare(turk))
    items = [item for page in pages for item in page[member]]
    assert len(items) == 5
    assert len({str(item) for item in items}) == (1 if name == "ListBonusPayments" else 5)
    assert [page["NumResults"] for page in pages] == [2, 2, 1]


@pytest.mark.parametrize("name", LISTS)
def test_half_pages_lose_and_repeat_nothing(turk: Turk, name: str) -> None:
    member, prepare = LISTS[name]
    request = prepare(turk)
    turk.door("POST", "faults", name="half_page", rate=1)
    pages = paginate(turk, name, request)
    assert [len(page[member]) for page in pages] == [1, 1, 1, 1, 1, 0]


def test_ten_results_are_given_when_nobody_says_how_many(turk: Turk) -> None:
    for _ in range(11):
        turk.hit(MaxAssignments=1)
    assert turk.client.list_hits()["NumResults"] == 10


def test_what_leaves_the_list_between_two_pages_makes_nobody_else_disappear(turk: Turk) -> None:
    made = [turk.hit(MaxAssignments=1) for _ in range(4)]
    for hit in made:
        turk.approve(turk.submit(hit))
    first = turk.client.list_reviewable_hits(MaxResults=2)
    turk.client.delete_hit(HITId=made[0]["HITId"])
    rest = turk.client.list_reviewable_hits(MaxResults=2, NextToken=first["NextToken"])
    assert [hit["HITId"] for hit in rest["HITs"]] == [hit["HITId"] for hit in made[2:]]


def test_a_token_belongs_to_its_list(turk: Turk) -> None:
    hits(turk)
    token = turk.client.list_hits(MaxResults=1)["NextToken"]
    assert turk.error("list_reviewable_hits", NextToken=token) == "InvalidParameterValue"


def test_a_long_search_has_tokens_as_short_as_any(turk: Turk) -> None:
    search = {"MustBeRequestable": True, "MaxResults": 1, "Query": "жест " * 60}
    for number in range(2):
        make(turk, Name=f"жест {number}")
    first = turk.client.list_qualification_types(**search)
    assert len(first["NextToken"]) <= 255
    second = turk.client.list_qualification_types(NextToken=first["NextToken"], **search)
    assert first["QualificationTypes"] != second["QualificationTypes"]
