"""Counts that screens show: changed by whoever changes a row, exact at every moment, the same when counted anew."""

from datetime import datetime, timedelta

import pytest

from crowd.models import Assignment, Batch, LedgerEntry, Tally, Task
from crowd.models.tally import Of
from crowd.services import claims, handing_in, judging, tallies
from crowd.services.tallies import Chart, Key
from tests.crowd import market
from tests.crowd.market import NOON

pytestmark = pytest.mark.django_db


def counts(batch: Batch, word: str = "") -> dict[str, int]:
    return tallies.totals([Key(Of.BATCH, batch.pk, word)]).get((Of.BATCH, batch.pk), {})


@pytest.fixture
def photos() -> Batch:
    batch = market.batch("photo", auto_accept=False)
    market.tasks(batch, 3)
    return batch


def test_a_page_is_counted_as_it_goes_its_way_and_folding_changes_nothing(photos):
    page = market.sent(photos, market.worker(photos.account))
    assert counts(photos, "answers.") == {"answers.submitted": 1}
    judging.accept(assignment_id=page.pk, now=NOON + timedelta(minutes=5))
    before = counts(photos)
    assert {name: before[name] for name in ("answers.accepted", "pages.sent", "pages.accepted")} == {
        "answers.accepted": 1, "pages.sent": 1, "pages.accepted": 1,
    }  # fmt: skip
    assert "answers.submitted" not in before
    assert tallies.fold(now=NOON) > 0
    assert counts(photos) == before
    assert tallies.compare() == []


def test_tasks_are_counted_by_what_they_ask_for_and_control_tasks_are_not(photos):
    market.sent(photos, market.worker(photos.account))
    Task.objects.create(batch=photos, key="known", project_id=photos.project_id, overlap=None, known_answer={"a": 1})
    assert counts(photos, "tasks.") == {"tasks.asked": 3, "tasks.done": 1, "tasks.begun": 1}
    Task.objects.filter(batch=photos, done=0).update(cancelled=True)
    assert counts(photos, "tasks.")["tasks.asked"] == 1
    assert tallies.compare() == []


def test_a_series_tells_when_it_happened(photos):
    for minutes in (0, 10, 70):
        page = market.sent(photos, market.worker(photos.account, f"w{minutes}"))
        judging.accept(assignment_id=page.pk, now=NOON + timedelta(minutes=minutes))

    def accepted(seconds: float, start: datetime = NOON) -> list[tuple[int, int]]:
        key = Key(Of.BATCH, photos.pk, "pages.accepted")
        return [(one.bucket, one.n) for one in tallies.series([key], start=start, seconds=seconds)[key]]

    for _ in range(2):
        assert accepted(600) == [(0, 1), (1, 1), (7, 1)]
        assert accepted(3_600) == [(0, 2), (1, 1)]
        tallies.fold(now=NOON)
    assert accepted(600, NOON + timedelta(hours=1)) == [(-1, 2), (1, 1)]
    tallies.forget_minutes(now=NOON + timedelta(days=30))
    assert accepted(3_600) == [(0, 2), (1, 1)]


def test_counts_of_all_time_and_of_several_charts_are_read_by_one_statement(photos, django_assert_num_queries):
    for minutes in (0, 70):
        page = market.sent(photos, market.worker(photos.account, f"w{minutes}"))
        judging.accept(assignment_id=page.pk, now=NOON + timedelta(minutes=minutes))
    accepted, sent = (Key(Of.BATCH, photos.pk, word) for word in ("pages.accepted", "pages.sent"))
    last = Chart([accepted], NOON, 60, since=NOON + timedelta(hours=1))
    with django_assert_num_queries(1):
        found, [hours, minutes] = tallies.read([accepted], [Chart([accepted, sent], NOON, 3_600), last])
    assert found == {(Of.BATCH, photos.pk): {"pages.accepted": 2}}
    assert [(one.bucket, one.n) for one in hours[accepted]] == [(0, 1), (1, 1)]
    assert [(one.bucket, one.n) for one in minutes[accepted]] == [(70, 1)]
    assert (sum(one.n for one in hours[sent]), sent in minutes) == (2, False)


def test_money_is_counted_for_the_project_the_stage_and_the_pool(photos):
    page = market.sent(photos, market.worker(photos.account))
    judging.accept(assignment_id=page.pk, now=NOON)
    paid = sum(LedgerEntry.objects.spent().values_list("spent_micro", flat=True))
    for of, of_id in ((Of.PROJECT, photos.project_id), (Of.STAGE, photos.stage_id), (Of.POOL, photos.pool_id)):
        assert tallies.totals([Key(of, of_id, "spent.")]) == {(of, of_id): {"spent.USD": paid}}


def test_pages_that_ran_out_or_were_skipped_count_no_answers(photos):
    one, other = market.worker(photos.account, "one"), market.worker(photos.account, "other")
    page = claims.claim_page(batch_id=photos.pk, worker_id=one.pk, now=NOON)
    handing_in.skip_page(assignment_id=page.pk, worker_id=one.pk, now=NOON)
    claims.claim_page(batch_id=photos.pk, worker_id=other.pk, now=NOON)
    handing_in.expire_leases(now=NOON + timedelta(days=1))
    assert counts(photos, "pages.") == {"pages.skipped": 1, "pages.expired": 1}
    assert counts(photos, "answers.") == {}
    assert tallies.compare() == []


def test_a_wrong_count_is_found_and_rebuilt(photos):
    market.sent(photos, market.worker(photos.account))
    tallies.fold(now=NOON)
    Tally.objects.filter(word="answers.submitted", minutes=0).update(n=7)
    assert [(wrong.word, wrong.told, wrong.rows) for wrong in tallies.compare()] == [("answers.submitted", 7, 1)]
    tallies.rebuild(now=NOON)
    assert tallies.compare() == []
    assert counts(photos, "answers.") == {"answers.submitted": 1}


def minutes_counted() -> int:
    return Tally.objects.filter(minutes=1).count()


def test_counting_anew_brings_back_no_minutes_that_were_forgotten(photos):
    market.sent(photos, market.worker(photos.account))
    tallies.fold(now=NOON)
    tallies.rebuild(now=NOON + timedelta(days=7))
    assert minutes_counted() > 0
    later = NOON + timedelta(days=9)
    tallies.forget_minutes(now=later)
    kept = Tally.objects.count()
    tallies.rebuild(now=later)
    assert (minutes_counted(), Tally.objects.count()) == (0, kept)


def test_minutes_are_forgotten_in_portions(photos, monkeypatch):
    market.sent(photos, market.worker(photos.account))
    tallies.fold(now=NOON)
    n, later = minutes_counted(), NOON + timedelta(days=9)
    assert n > 1
    monkeypatch.setattr(tallies, "FORGOTTEN_AT_ONCE", n - 1)
    tallies.forget_minutes(now=later)
    assert minutes_counted() == 1
    tallies.forget_minutes(now=later)
    assert minutes_counted() == 0


def test_a_deleted_page_takes_its_counts_along(photos):
    market.sent(photos, market.worker(photos.account))
    Assignment.objects.all().delete()
    assert counts(photos, "pages.") == {}
    assert counts(photos, "answers.") == {}


def test_workers_stand_in_the_order_of_what_they_did_at_every_moment():
    photos = market.batch("photo", auto_accept=False)
    market.tasks(photos, 4)
    early, late, idle = (market.worker(photos.account, name) for name in ("early", "late", "idle"))
    pages = [market.sent(photos, worker) for worker in (late, early, late)]
    market.sent(photos, idle)

    def ranked(by: tallies.ByWorker, *, descending: bool = True, first: int = 0, most: int = 9) -> list[int]:
        return tallies.ranked(project_id=photos.project_id, by=by, descending=descending, first=first, most=most)

    for _ in range(2):
        assert ranked("given") == [late.pk, early.pk, idle.pk]
        assert ranked("given", descending=False) == [early.pk, idle.pk, late.pk]
        assert ranked("given", first=1, most=1) == [early.pk]
        assert ranked("earned") == [early.pk, late.pk, idle.pk]  # nobody has earned anything yet
        assert tallies.compare() == []
        tallies.fold(now=NOON)
    for page in (pages[0], pages[2]):
        judging.accept(assignment_id=page.pk, now=NOON)
    assert ranked("earned") == ranked("accepted") == [late.pk, early.pk, idle.pk]
    assert tallies.ranked(project_id=photos.project_id + 1, by="given", descending=True, first=0, most=9) == []
    before = ranked("earned")
    tallies.rebuild(now=NOON)
    assert ranked("earned") == before
    Assignment.objects.filter(worker=late).delete()
    assert ranked("given") == [early.pk, idle.pk]
    assert tallies.compare() == []
