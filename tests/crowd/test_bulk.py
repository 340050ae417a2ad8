"""Many rows at once: new ones come in, known ones stay, none is lost in silence."""

import json

import pytest
from django.db import DataError, IntegrityError, ProgrammingError, connection, transaction
from django.db.models.functions import Now

from crowd.bulk import FEW, bulk_change, bulk_load, insert_all, insert_values, json_text
from crowd.models import AnswerRaw, OutboxCommand, Reservation, Task, Worker
from crowd.models.worker import digest_of
from curation.models import Decision
from tests.crowd import market
from tests.crowd.market import NOON

pytestmark = pytest.mark.django_db


def load(at, *names: str):
    return bulk_load(
        model=Worker,
        columns=["ext_id", "ext_digest"],
        rows=[(name, digest_of(name)) for name in names],
        same={"account_id": at.pk},
        conflict=["account_id", "ext_digest"],
        returning=["ext_id"],
    )


def test_only_what_is_new_is_inserted_and_returned():
    at = market.account()
    assert len(load(at, "anna", "bert")) == 2
    assert load(at, "bert", "cleo", "cleo") == [("cleo",)]
    assert Worker.objects.count() == 3


def test_what_nobody_gives_is_filled_as_django_would():
    load(market.account(), "anna")
    anna = Worker.objects.get()
    assert (anna.language, anna.only_projects, anna.person_id, anna.name) == ("en", [], None, "")
    assert anna.first_seen is not None


def test_no_rows_are_no_work():
    assert load(market.account()) == []


def test_json_comes_as_text():
    at = market.account()
    bulk_load(
        model=OutboxCommand,
        columns=["key", "payload"],
        rows=[("a", json_text({"n": 1}))],
        same={"kind": "test", "account_id": at.pk},
        conflict=["kind", "key"],
    )
    row = OutboxCommand.objects.get()
    assert (row.payload, row.result, row.state) == ({"n": 1}, {}, "planned")


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("a\0b", "a\ufffdb"),
        ("\ud83d", "\ufffd"),
        ("👋 \\u0000", "👋 \\u0000"),
        ([float("inf"), {"a\0": float("nan")}], [None, {"a\ufffd": None}]),
        ({"deep": [{"er": ["\udfff", 1, True, None]}]}, {"deep": [{"er": ["\ufffd", 1, True, None]}]}),
    ],
)
def test_any_json_can_be_stored(value, stored):
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::jsonb", [json_text(value)])
        assert json.loads(cursor.fetchone()[0]) == stored


def forget_numbers() -> None:
    """Let the id sequence lag behind, as after a load with ids of its own."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('crowd_worker', 'id'), min(id), false) FROM crowd_worker")


def test_an_insert_that_names_no_target_drops_rows_in_silence():
    """The form that is not used, kept to show what the named target is for."""
    at = market.account()
    load(at, "anna", "bert")
    forget_numbers()
    rows = [Worker(account=at, ext_id=name, ext_digest=digest_of(name)) for name in ("cleo", "dora")]
    Worker.objects.bulk_create(rows, ignore_conflicts=True)
    assert Worker.objects.count() == 2


def test_an_insert_that_names_its_target_says_what_is_wrong():
    at = market.account()
    load(at, "anna", "bert")
    forget_numbers()
    with pytest.raises(IntegrityError, match="crowd_worker_pkey"), transaction.atomic():
        load(at, "cleo", "dora")


def test_bytes_are_stored_as_they_are_and_not_as_their_name_in_python():
    load(market.account(), "anna")
    bulk_change(model=Worker, columns=["ext_digest"], rows=[(Worker.objects.get().pk, b"\x01\\\xff\x00")])
    assert bytes(Worker.objects.get().ext_digest) == b"\x01\\\xff\x00"
    with pytest.raises(TypeError, match="set cannot be changed"):
        bulk_change(model=Worker, columns=["name"], rows=[(1, {"Anna"})])


def test_rows_get_values_of_their_own_and_the_others_keep_theirs():
    at = market.account()
    load(at, "anna", "bert", "cleo")
    anna, _, cleo = Worker.objects.order_by("ext_id")
    rows = [(anna.pk, "Anna", None), (cleo.pk, "Cleo", 7)]
    bulk_change(model=Worker, columns=["name", "person_id"], rows=rows)
    bulk_change(model=Worker, columns=["name"], rows=[])
    assert list(Worker.objects.order_by("ext_id").values_list("name", "person_id")) == [
        ("Anna", None), ("", None), ("Cleo", 7),
    ]  # fmt: skip


def test_a_text_that_is_too_long_is_refused_and_not_cut_off():
    load(market.account(), "anna")
    anna = Worker.objects.get()
    with pytest.raises(DataError), transaction.atomic():
        bulk_change(model=Worker, columns=["country"], rows=[(anna.pk, "Netherlands")])
    assert Worker.objects.get().country == ""


def test_what_one_of_many_rows_names_is_not_left_to_the_database():
    rows = [Reservation(project_id=1, ref=f"bonus:{number}", amount_micro=5) for number in range(FEW)]
    rows[-1].created_at = NOON
    with pytest.raises(ProgrammingError), transaction.atomic():
        insert_all(rows)
    assert not Reservation.objects.exists()


def test_many_rows_that_are_numbered_know_their_ids():
    batch = market.batch()
    rows = [
        Task(batch=batch, key=f"task-{number}", project_id=1, payload={"n": number}, overlap=number or None)
        for number in range(FEW)
    ]
    insert_all(rows, numbered=True)
    stored = Task.objects.in_bulk([row.pk for row in rows])
    assert [(stored[row.pk].key, stored[row.pk].payload, stored[row.pk].overlap) for row in rows] == [
        (f"task-{number}", {"n": number}, number or None) for number in range(FEW)
    ]
    assert {(row.known_answer, row.to_push, row.kept) for row in stored.values()} == {(None, False, 0)}


@pytest.mark.parametrize("names", [("answer_id",), ("answer_id", "payload", "note"), ("payload", "payload")])
def test_values_are_stored_of_all_columns_or_not_at_all(names):
    with pytest.raises(ValueError, match="AnswerRaw has answer_id, payload; given were"):
        insert_values(AnswerRaw, names, [tuple(range(len(names)))])


@pytest.mark.parametrize("rows", [0, 1, FEW])
def test_what_the_database_fills_in_may_be_left_out_of_few_values_and_of_many(rows):
    names = ("project_id", "asset_id", "stage_id", "verdict", "reason", "evidence", "by_kind", "by_id")
    insert_values(Decision, names, [(1, 1, 1, "held", "", {"n": number}, "rule", None) for number in range(rows)])
    stored = Decision.objects.order_by("pk")
    assert [row.evidence for row in stored] == [{"n": number} for number in range(rows)]
    assert all(row.created_at is not None for row in stored)


def test_what_the_database_works_out_is_the_same_in_many_rows():
    insert_all([Reservation(project_id=1, ref=f"bonus:{n}", amount_micro=5, created_at=Now()) for n in range(FEW)])
    assert len(set(Reservation.objects.values_list("created_at", flat=True))) == 1


def test_words_of_a_list_and_times_are_stored_as_they_are_read():
    held = Reservation.State.HELD
    insert_all(
        [Reservation(project_id=1, ref=f"r:{n}", amount_micro=n, state=held, created_at=NOON) for n in range(FEW)]
    )
    assert set(Reservation.objects.values_list("state", "created_at")) == {("held", NOON)}
