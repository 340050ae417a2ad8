"""Files of answers come into our storage once, and a page waits for the last of them."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection, transaction

from crowd.errors import AuthFailed, NotFound, Throttled, Unavailable
from crowd.models import AnswerRaw, Assignment, OutboxCommand, RemoteFile
from crowd.services import files, inbox
from tests.crowd import market, remote
from tests.crowd.fetching.servers import Bait, Site
from tests.crowd.fetching.servers import page as a_page
from tests.crowd.market import NOON
from tests.crowd.remote import told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("far_away")]
far_away = remote.far_away
State = Assignment.State
PHOTO = bytes(range(256)) * 20
WEEK = timedelta(days=7)


def photos(*refs: str, **fields: Any) -> Assignment:
    """A page of photos that lie on the platform."""
    of = remote.batch("photo", n=len(refs), **fields)
    answers = {
        key: {"file_ref": ref, "name": f"{ref}.jpg", "place": "home"}
        for key, ref in zip(remote.keys(of), refs, strict=True)
    }
    inbox.take(batch=of, pages=[told(of, answers=answers)], now=NOON)
    RemoteFile.objects.update(next_at=NOON)
    return Assignment.objects.select_related("batch__account", "account").get(batch=of)


def lies_there(page: Assignment, **contents: bytes | Exception) -> None:
    remote.far(page.batch).files.update(contents)


def fetch(now=NOON, **options: Any) -> files.Fetched:
    return files.fetch_due(now=now, **options)


def numbers(fetched: files.Fetched) -> tuple[int, int, int]:
    return fetched.done, fetched.failed, fetched.again


def test_a_file_is_kept_with_its_digest_and_the_answer_as_it_came():
    page = photos("f1")
    lies_there(page, f1=PHOTO)
    assert fetch() == files.Fetched(done=1, project_ids=frozenset({page.project_id}))
    payload = AnswerRaw.objects.get().payload
    file = payload.pop("file")
    assert payload == {"file_ref": "f1", "name": "f1.jpg", "place": "home"}
    assert (file["bytes"], file["name"]) == (len(PHOTO), "f1.jpg")
    assert file["sha256"] == hashlib.sha256(PHOTO).hexdigest()
    with default_storage.open(file["key"]) as stored:
        assert stored.read() == PHOTO
    page.refresh_from_db()
    assert not page.awaits_files
    assert RemoteFile.objects.get().state == "done"


def test_a_page_waits_for_its_last_file():
    page = photos("f1", "f2", auto_accept=True)
    lies_there(page, f1=PHOTO, f2=Unavailable("Nobody answers."))
    assert numbers(fetch()) == (1, 0, 1)
    page.refresh_from_db()
    assert (page.awaits_files, page.state) == (True, State.SUBMITTED)
    lies_there(page, f2=PHOTO)
    assert numbers(fetch(NOON + timedelta(hours=1))) == (1, 0, 0)
    page.refresh_from_db()
    assert (page.awaits_files, page.state) == (False, State.ACCEPTED)
    assert OutboxCommand.objects.get().kind == "accept"


def test_a_file_that_is_here_is_not_fetched_again():
    lies_there(photos("f1"), f1=PHOTO)
    assert fetch()
    assert not fetch(NOON + WEEK)


def test_a_file_that_is_not_there_yet_is_looked_for_for_hours_then_the_page_is_rejected():
    page = photos("f1")
    lies_there(page, f1=NotFound("There is no file f1."))
    now, looks = NOON, 0
    while RemoteFile.objects.get().state == "waiting":
        fetch(now)
        now, looks = RemoteFile.objects.get().next_at, looks + 1
    assert looks == files.MOST_FAILURES
    assert timedelta(hours=4) < now - NOON < timedelta(hours=8)
    page.refresh_from_db()
    assert page.state == State.REJECTED
    assert page.reason == "The file of this page could not be fetched. There is no file f1."
    assert (page.awaits_files, page.processed_at is None) == (False, False)
    assert OutboxCommand.objects.get().kind == "reject"


@pytest.mark.parametrize("error", [Unavailable("Down."), AuthFailed("Wrong token."), Throttled(NOON, "files")])
def test_what_is_not_the_files_fault_never_costs_the_worker_his_money(error):
    page = photos("f1")
    lies_there(page, f1=error)
    for hour in range(30):
        fetch(NOON + timedelta(hours=hour))
    row = RemoteFile.objects.get()
    assert (row.state, row.last_error) == ("waiting", str(error))
    assert row.failures <= files.TROUBLED < files.MOST_FAILURES


def test_a_call_that_broke_off_is_repeated_within_seconds_and_less_often_while_it_fails():
    lies_there(photos("f1"), f1=Unavailable("Nobody answers."))
    now, waits = NOON, []
    for _ in range(10):
        fetch(now)
        due = RemoteFile.objects.get().next_at
        waits.append((due - now).total_seconds())
        now = due
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_a_throttled_file_waits_as_long_as_the_platform_asks():
    page = photos("f1")
    lies_there(page, f1=Throttled(NOON + timedelta(hours=3), "files"))
    fetch()
    assert RemoteFile.objects.get().next_at == NOON + timedelta(hours=3)


def test_a_file_that_is_larger_than_its_batch_takes_is_cut_off_and_refused():
    page = photos("f1", spec={"most_megabytes": 1})
    lies_there(page, f1=bytes(1024 * 1024 + 1))
    assert numbers(fetch()) == (0, 1, 0)
    page.refresh_from_db()
    assert (page.state, page.reason) == (
        State.REJECTED,
        "The file of this page could not be fetched. It has more than 1 MB.",
    )
    assert not AnswerRaw.objects.exists()


def test_a_page_paid_before_its_file_was_lost_stays_paid_and_is_done_with():
    page = photos("f1")
    Assignment.objects.update(state=State.ACCEPTED)
    lies_there(page, f1=PHOTO)
    RemoteFile.objects.update(ref="https://127.0.0.1/me.jpg")
    assert numbers(fetch()) == (0, 1, 0)
    page.refresh_from_db()
    assert (page.state, page.processed_at, page.awaits_files) == (State.ACCEPTED, NOON, False)


def test_nothing_is_fetched_for_a_page_that_is_rejected():
    page = photos("f1")
    lies_there(page, f1=PHOTO)
    Assignment.objects.update(state=State.REJECTED)
    assert numbers(fetch()) == (0, 0, 0)


def test_only_the_files_of_the_account_that_is_asked_for_are_fetched():
    first, second = photos("f1"), photos("f2")
    lies_there(first, f1=PHOTO)
    lies_there(second, f2=PHOTO)
    fetch(account_id=second.account_id)
    assert RemoteFile.objects.get(state="done").ref == "f2"


def test_a_full_storage_is_not_the_files_fault(monkeypatch):
    def full(*_args: object, **_options: object) -> str:
        raise OSError(28, "No space left on device")

    lies_there(photos("f1"), f1=PHOTO)
    monkeypatch.setattr(FileSystemStorage, "save", full)
    assert numbers(fetch()) == (0, 0, 1)
    assert "No space left on device" in RemoteFile.objects.get().last_error


@pytest.mark.django_db(transaction=True)
def test_several_fetchers_at_once_fetch_each_file_once():
    page = photos(*[f"f{n}" for n in range(12)])
    lies_there(page, **{f"f{n}": PHOTO for n in range(12)})
    results = market.at_once(lambda _: fetch(), range(4))
    assert sum(one.done for one in results) == AnswerRaw.objects.count() == 12
    page.refresh_from_db()
    assert not page.awaits_files


@pytest.mark.django_db(transaction=True)
def test_a_file_somebody_is_working_on_is_not_waited_for():
    lies_there(photos("f1"), f1=PHOTO)
    with transaction.atomic():
        RemoteFile.objects.select_for_update().get()

        def other(_: int) -> files.Fetched:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '1s'")
            return fetch()

        assert market.at_once(other, [0]) == [files.Fetched()]


def test_who_comes_too_late_leaves_no_second_file():
    page = photos("f1")

    class Slow(bytes):
        """While it is read, somebody else is faster."""

        def __getitem__(self, part: Any) -> Any:
            RemoteFile.objects.update(state="done")
            return super().__getitem__(part)

    lies_there(page, f1=Slow(PHOTO[:500]))
    before = set(default_storage.listdir("uploads")[1]) if default_storage.exists("uploads") else set()
    assert fetch() == files.Fetched()
    assert set(default_storage.listdir("uploads")[1]) == before


# Links


def test_a_link_of_a_worker_is_fetched_through_the_guarded_door():
    with Site() as site:
        site.pages["/me.jpg"] = a_page(PHOTO)
        photos(site.url("/me.jpg"))
        assert numbers(fetch(allow=site.allow)) == (1, 0, 0)
    assert AnswerRaw.objects.get().payload["file"]["bytes"] == len(PHOTO)


def test_a_link_into_our_own_house_is_refused_at_once_and_visits_nobody():
    bait = Bait()
    page = photos(f"https://127.0.0.1:{bait.port}/me.jpg")
    assert numbers(fetch()) == (0, 1, 0)
    assert not bait.visited
    page.refresh_from_db()
    assert page.state == State.REJECTED


def test_a_link_to_nothing_is_tried_again():
    with Site() as site:
        site.pages["/gone.jpg"] = a_page(status=404)
        photos(site.url("/gone.jpg"))
        assert numbers(fetch(allow=site.allow)) == (0, 0, 1)
    assert "404" in RemoteFile.objects.get().last_error
