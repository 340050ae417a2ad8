"""Lists: stable pages, signed cursors, explicit filters, a bounded number of queries."""

from itertools import chain

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from curation.api import paging
from curation.api.assets import AssetRow
from curation.models import Asset, ConsensusBox, Project
from tests.api.conftest import Caller
from tests.doors.conftest import photo, publish
from tests.factories import make_asset

ASSETS = "/api/v1/assets"


def every_page(caller: Caller, path: str, **parameters: str) -> list[list[str]]:
    pages: list[list[str]] = []
    cursor: str | None = None
    while True:
        answer = caller.get(path, parameters | ({"cursor": cursor} if cursor else {})).json()
        pages.append([row["id"] for row in answer["results"]])
        cursor = answer["next"]
        if cursor is None:
            return pages


@pytest.fixture
def many(project: Project) -> Project:
    for number in range(5):
        make_asset(project, Asset.State.DROPPED, reason="same_photo", name=f"number {number}")
    return project


def test_pages_follow_each_other_without_gaps_or_twins(alice: Caller, many: Project):
    pages = every_page(alice, ASSETS, limit="3")
    assert [len(page) for page in pages] == [3, 3, 1]
    ids = [str(one) for one in many.assets.order_by("pk").values_list("public_id", flat=True)]
    assert list(chain.from_iterable(pages)) == ids


def test_a_row_of_the_list_is_what_the_asset_alone_says(alice: Caller, project: Project):
    rows = alice.get(ASSETS).json()["results"]
    alone = [alice.get(f"{ASSETS}/{row['id']}", {"fields": ",".join(row)}).json() for row in rows]
    assert rows == alone
    assert [len(row["consensus"][0]["boxes"]) for row in rows] == [1, 0]
    assert [list(row) for row in rows] == [AssetRow.Meta.fields] * 2


def test_only_the_fields_that_are_asked_for_are_read(alice: Caller, project: Project):
    rows = alice.get(ASSETS, {"fields": "sha256,id"}).json()["results"]
    assert [set(row) for row in rows] == [{"id", "sha256"}] * 2
    assert all(row["consensus"] for row in alice.get(ASSETS, {"fields": "consensus"}).json()["results"])


def test_a_row_that_arrives_meanwhile_comes_at_the_end(alice: Caller, many: Project):
    first = alice.get(ASSETS, {"limit": "4"}).json()
    late = make_asset(many)
    rest = alice.get(ASSETS, {"limit": "10", "cursor": first["next"]}).json()
    assert rest["results"][-1]["id"] == str(late.public_id)
    assert len(first["results"]) + len(rest["results"]) == 8


def test_there_is_a_total_only_when_asked(alice: Caller, many: Project):
    assert "count" not in alice.get(ASSETS, {"limit": 1}).json()
    assert alice.get(ASSETS, {"limit": "1", "count": "1", "state": "dropped"}).json()["count"] == 5


@pytest.mark.parametrize(
    ("parameters", "code", "word"),
    [
        ({"user__password__startswith": "a"}, "unknown_parameter", "user__password__startswith"),
        ({"stat": "dropped"}, "unknown_parameter", "stat"),
        ({"state": "gone"}, "bad_parameter", "published"),
        ({"project": "7"}, "bad_parameter", "project"),
        ({"limit": "0"}, "bad_parameter", "limit"),
        ({"limit": "1001"}, "bad_parameter", "1000"),
        ({"limit": "١"}, "bad_parameter", "limit"),
        ({"cursor": "abc"}, "bad_cursor", "damaged"),
        ({"reason": "a\0b"}, "bad_parameter", "NUL"),
    ],
)
def test_a_wrong_parameter_is_named(alice: Caller, parameters: dict[str, str], code: str, word: str):
    answer = alice.get(ASSETS, parameters)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert word in answer.json()["detail"]


@pytest.mark.parametrize(
    "asked",
    [{"q": "name:unheard-of"}, {"q": "width<10"}, {"q": "source:crowd"}, {"q": "-class:peace"}, {"count": "1"}],
    ids=["part of a name", "a number", "a source", "negated", "counted"],
)
def test_a_search_that_takes_too_long_ends_with_what_to_do(alice: Caller, many: Project, monkeypatch, asked):
    monkeypatch.setattr(paging, "in_time", lambda *_, **__: None)
    answer = alice.get(ASSETS, asked)
    assert (answer.status_code, answer.json()["code"]) == (400, "too_slow")
    assert "add a condition" in answer.json()["detail"]
    assert alice.get(ASSETS, {"q": "class:peace"}).status_code == 200


def test_a_statement_that_took_too_long_is_no_lost_database(alice: Caller, many: Project, monkeypatch):
    def stopped(*_: object, **__: object) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 1")
            cursor.execute("SELECT pg_sleep(60)")

    monkeypatch.setattr(paging, "in_time", stopped)
    answer = alice.get(ASSETS, {"count": "1"})
    assert (answer.status_code, answer.json()["code"]) == (400, "too_slow")
    assert set(answer.json()) == {"type", "title", "status", "code", "detail"}
    assert "Retry-After" not in answer


def test_a_lost_database_is_told_in_the_form_of_all_problems(alice: Caller, many: Project, monkeypatch, caplog):
    def lost(*_: object, **__: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(paging, "in_time", lost)
    answer = alice.get(ASSETS, {"count": "1"})
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "database_away", "5")
    assert "the database did not answer a request: server closed the connection unexpectedly" in caplog.text
    assert set(answer.json()) == {"type", "title", "status", "code", "detail"}


def test_a_cursor_belongs_to_its_filters(alice: Caller, many: Project):
    cursor = alice.get(ASSETS, {"limit": "1", "state": "dropped"}).json()["next"]
    answer = alice.get(ASSETS, {"limit": "1", "cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")


def test_an_asset_comes_with_its_current_boxes(alice: Caller, project: Project):
    rows = alice.get(ASSETS, {"project": str(project.public_id), "state": "published"}).json()["results"]
    assert [[box["label"] for box in row["consensus"][0]["boxes"]] for row in rows] == [["gesture"], []]
    assert rows[0]["label_class"] == "peace"


def test_an_outline_comes_with_its_corners_in_lists_and_alone(alice: Caller, project: Project):
    points = [[0.25, 0.25], [0.5, 0.25], [0.5, 0.75]]
    box = ConsensusBox.objects.get(consensus__asset__project=project, label="gesture")
    ConsensusBox.objects.filter(pk=box.pk).update(points=points)
    asset = box.consensus.asset
    (row,) = (row for row in alice.get(ASSETS, {"q": f"id:{asset.public_id}"}).json()["results"])
    assert row["consensus"][0]["boxes"][0]["points"] == points
    assert alice.get(f"{ASSETS}/{asset.public_id}").json()["consensus"] == row["consensus"]


def test_one_asset_comes_with_its_history_and_no_storage_key(alice: Caller, project: Project):
    asset = project.assets.earliest("pk")
    answer = alice.get(f"{ASSETS}/{asset.public_id}")
    assert answer.json()["decisions"] == []
    assert asset.storage_key not in answer.content.decode()


def test_a_long_list_costs_as_many_queries_as_a_short_one(alice: Caller, project: Project):
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            alice.get(ASSETS)
        return len(seen)

    alice.get(ASSETS)
    before = queries()
    for number in range(4):
        publish(project, photo(60 + number), [("gesture", 0.1), ("no gesture", 0.5)])
    assert queries() == before


def test_a_project_says_what_it_may_spend(alice: Caller, project: Project):
    found = alice.get(f"/api/v1/projects/{project.public_id}").json()
    assert found["budget"] == {
        "currency": "USD",
        "limit_usd": "500.00",
        "reserved_usd": "0.00",
        "spent_usd": "0.00",
        "free_usd": "500.00",
    }
    assert (found["role"], [one["name"] for one in found["classes"]]) == ("lead", ["peace", "no_gesture"])
    assert [one["name"] for one in found["stages"]] == ["collect", "checks", "validate", "publish"]


def test_an_address_that_does_not_exist_is_a_problem_too(alice: Caller):
    answer = alice.get("/api/v1/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer["Content-Type"] == "application/problem+json"
