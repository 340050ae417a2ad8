"""What was handed in: found, judged, counted."""

from datetime import timedelta

import pytest

from crowd.emulators.mturk import worker_side
from crowd.errors import Invalid, NotFound, OutOfFunds, StateConflict, Throttled, Unavailable, Unknown
from crowd.platforms.mturk import pages
from tests.platforms.mturk.conftest import NOW

pytestmark = pytest.mark.django_db
ANSWER = (
    '<?xml version="1.0"?><QuestionFormAnswers xmlns="http://mechanicalturk.amazonaws.com/'
    'AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd">{}</QuestionFormAnswers>'
)
FIELD = "<Answer><QuestionIdentifier>{}</QuestionIdentifier><FreeText>{}</FreeText></Answer>"


@pytest.fixture
def open_batch(turk, account, batch):
    turk.offer_pages(account, batch, 18, "k")
    turk.open(account, batch, NOW)
    return batch


def pulled(turk, account, batch, mark=""):
    found, more = [], True
    while more:
        told = turk.pull(account, batch, mark)
        mark, more = told.watermark, told.more
        found += told.assignments
    return found, mark


def test_a_page_comes_with_price_times_and_our_value(turk, account, open_batch, there):
    taken = there.takes()
    there.later(minutes=5)
    worker_side.hand_in(there.house.market, taken, {"winnow_submission": "v1", "other": "x"}, there.house.clock.now())
    (page,), _ = pulled(turk, account, open_batch)
    assert (page.ext_id, page.worker_ext_id, page.state, page.price_micro) == (
        taken.id,
        taken.worker_id,
        "submitted",
        100_000,
    )
    assert (page.issued_at, page.submitted_at, page.submission) == (NOW, NOW + timedelta(minutes=5), "v1")


@pytest.mark.parametrize(
    ("xml", "value"),
    [
        (ANSWER.format(FIELD.format("winnow_submission", "v1")), "v1"),
        (ANSWER.format(FIELD.format("other", "v1")), ""),
        (ANSWER.format(""), ""),
        ("<broken", ""),
        ("", ""),
        ('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', ""),
        (ANSWER.format(FIELD.format("winnow_submission", "&lt;b&gt;")), "<b>"),
    ],
)
def test_our_value_is_read_out_of_an_answer_and_nothing_else_is_believed(xml, value):
    assert pages.submission_in(xml) == value


def test_between_the_hours_only_hits_with_something_new_are_looked_at(turk, account, open_batch, there):
    first = there.sends()
    _, mark = pulled(turk, account, open_batch)
    turk.accept(account, first.id, NOW)
    assert pulled(turk, account, open_batch, mark)[0] == []
    second = there.sends()
    assert second.id in {page.ext_id for page in pulled(turk, account, open_batch, mark)[0]}


def test_once_an_hour_all_is_looked_at_and_what_mturk_approved_by_itself_is_found(turk, account, open_batch, there):
    page = there.sends()
    pulled(turk, account, open_batch)
    there.later(days=8)
    old = (NOW - timedelta(hours=2)).isoformat()
    (found,), mark = pulled(turk, account, open_batch, old)
    assert (found.ext_id, found.state) == (page.id, "accepted")
    assert mark > old


def test_half_a_list_is_not_its_end(turk, account, open_batch, there):
    sent = {there.sends().id for _ in range(6)}
    there.breaks("half_page", rate=0.7, times=20)
    assert {page.ext_id for page in pulled(turk, account, open_batch)[0]} == sent
    assert set(turk.books(account, open_batch).page_states) == sent


@pytest.mark.parametrize("mark", ["yesterday", "2026-05-04", "2026-05-04T12:00:00+00:00 sideways token", "a b c"])
def test_marks_of_others_are_refused(turk, account, open_batch, mark):
    with pytest.raises(Invalid):
        turk.pull(account, open_batch, mark)


def test_a_verdict_whose_answer_was_lost_may_be_sent_again(turk, account, open_batch, there):
    good, bad = there.sends(), there.sends()
    there.breaks("drop_reply", "ApproveAssignment")
    with pytest.raises(Unknown):
        turk.accept(account, good.id, NOW, "Thank you.")
    turk.accept(account, good.id, NOW)
    there.breaks("drop_reply", "RejectAssignment")
    with pytest.raises(Unknown):
        turk.reject(account, bad.id, "blurred", NOW)
    turk.reject(account, bad.id, "blurred", NOW)
    assert (good.state, bad.state) == ("Approved", "Rejected")
    assert there.house.market.books.sum_of("reward") == 100_000


def test_a_rejection_always_has_a_reason(turk, account, open_batch, there):
    page, long = there.sends(), there.sends()
    turk.reject(account, page.id, "  ", NOW)
    turk.reject(account, long.id, "x" * 2_000, NOW)
    assert page.feedback == pages.NO_REASON
    assert len(long.feedback) == 1_024


def test_a_rejection_can_be_undone_for_thirty_days(turk, account, open_batch, there):
    early, late = there.sends(), there.sends()
    for page in (early, late):
        turk.reject(account, page.id, "blurred", NOW)
    there.later(days=29)
    turk.accept(account, early.id, NOW)
    there.later(days=2)
    with pytest.raises(StateConflict, match="more than 30 days ago"):
        turk.accept(account, late.id, NOW)


def test_what_is_paid_cannot_be_rejected(turk, account, open_batch, there):
    page = there.sends()
    turk.accept(account, page.id, NOW)
    with pytest.raises(StateConflict):
        turk.reject(account, page.id, "changed my mind", NOW)


def test_an_empty_account_only_delays_an_acceptance(turk, account, open_batch, there):
    page = there.sends()
    turk.reject(account, page.id, "blurred", NOW)
    books = there.house.market.books
    for hit in there.hits:
        hit.held = 0
    books.available = 0
    with pytest.raises(OutOfFunds):
        turk.accept(account, page.id, NOW)
    books.available = 1_000_000
    turk.accept(account, page.id, NOW)
    assert page.state == "Approved"


def test_the_books_tell_every_page_and_bonus(turk, account, open_batch, there):
    good, bad, fresh = (there.sends() for _ in range(3))
    turk.accept(account, good.id, NOW)
    turk.reject(account, bad.id, "blurred", NOW)
    books = turk.books(account, open_batch)
    assert books.page_states == {good.id: "accepted", bad.id: "rejected", fresh.id: "submitted"}
    assert (books.pages_by_state["accepted"], books.spent_micro, books.bonuses) == (1, 100_000, {})


SORTED = {
    "service_fault": (Unavailable, Unknown),
    "drop_reply": (Unavailable, Unknown),
    "throttle": (Throttled, Throttled),
}


@pytest.mark.parametrize("fault", SORTED)
def test_what_goes_wrong_is_sorted_by_whether_it_may_have_happened(turk, account, open_batch, there, fault):
    page, (reads, writes) = there.sends(), SORTED[fault]
    there.breaks(fault, "GetAccountBalance")
    with pytest.raises(reads):
        turk.check(account)
    there.breaks(fault, "ApproveAssignment")
    with pytest.raises(writes):
        turk.accept(account, page.id, NOW)


def test_a_write_is_sent_once_whatever_comes_back(turk, account, open_batch, there):
    page = there.sends()
    there.breaks("service_fault", "ApproveAssignment", times=1)
    with pytest.raises(Unknown):
        turk.accept(account, page.id, NOW)
    assert page.state == "Submitted"  # a second attempt of the client's own would have gone through


def test_a_server_that_is_not_there_has_done_nothing(turk, account):
    account.base_url = "http://127.0.0.1:9"
    with pytest.raises(Unavailable, match="cannot be reached"):
        turk.check(account)


def test_a_page_mturk_does_not_know_is_not_found(turk, account, open_batch):
    for page in ("3XYZ", "no such id", ""):
        with pytest.raises(NotFound):
            turk.accept(account, page, NOW)
