"""Submissions in all their states and spellings, decisions that are final, books."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowd.emulators.prolific import submissions as far
from crowd.errors import Invalid, StateConflict, Unknown
from crowd.platforms.doors import Arrival
from crowd.platforms.prolific.door import ProlificDoor
from crowd.platforms.prolific.submissions import LEAST_WORDS, as_page, category_of, message_of, moment
from tests.crowd.market import MINUTE, NOON

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ("RESERVED", "active"),
        ("ACTIVE", "active"),
        ("TIMED-OUT", "expired"),
        ("TIMED OUT", "expired"),
        ("TIMED_OUT", "expired"),
        ("AWAITING REVIEW", "submitted"),
        ("awaiting_review", "submitted"),
        ("APPROVED", "accepted"),
        ("PARTIALLY APPROVED", "accepted"),
        ("REJECTED", "rejected"),
        ("RETURNED", "skipped"),
        ("SCREENED OUT", "skipped"),
        ("SCREENED-OUT", "skipped"),
        ("SOMETHING NEW", "active"),
        (None, "active"),
    ],
)
def test_every_state_has_a_word_of_ours(told, state):
    row = {"id": "s1", "participant_id": "p1", "status": told, "completed_at": "2026-11-20T10:00:00Z"}
    page = as_page(row, 90)
    assert (page.state, page.price_micro) == (state, 900_000)
    assert (page.submitted_at is not None) == (state in {"submitted", "accepted", "rejected"})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-11-20T10:00:00.123000Z", datetime(2026, 11, 20, 10, 0, 0, 123_000, UTC)),
        ("2026-11-20T10:00:00", datetime(2026, 11, 20, 10, 0, tzinfo=UTC)),
        ("2026-11-20T11:00:00+01:00", datetime(2026, 11, 20, 10, 0, tzinfo=UTC)),
        ("03/11/2026", datetime(2026, 11, 3, tzinfo=UTC)),
        ("03/11/2026 10:05", datetime(2026, 11, 3, 10, 5, tzinfo=UTC)),
        ("03/11/2026 10:05:06", datetime(2026, 11, 3, 10, 5, 6, tzinfo=UTC)),
        ("", None),
        (None, None),
    ],
)
def test_dates_come_in_several_forms_and_the_day_stands_first(text, found):
    assert moment(text) == found


@pytest.mark.parametrize("text", ["yesterday", "31/31/2026", "2026-99-01T00:00:00Z"])
def test_what_is_no_date_is_refused_with_its_text(text):
    with pytest.raises(Invalid, match="is not a date of Prolific"):
        moment(text)


def test_people_who_leave_are_told_apart_from_those_who_finish(adapter, account, study, there):
    held = there.market
    for how in ("complete", "return", "time_out", "screen_out"):
        far.end(held, far.take(held, study).id, how)
    far.take(held, study)
    states = [page.state for page in adapter.pull(account, study, "").assignments]
    assert states == ["submitted", "skipped", "expired", "skipped", "active"]


def test_a_pull_tells_whose_page_it_is_and_when_it_was_made(adapter, account, study, there):
    held = there.market
    taken = far.take(held, study)
    held.clock.advance(5 * MINUTE)
    far.end(held, taken.id, "complete")
    (page,) = adapter.pull(account, study, "").assignments
    assert (page.ext_id, page.worker_ext_id) == (taken.id, taken.participant)
    assert (page.issued_at, page.submitted_at) == (NOON, NOON + 5 * MINUTE)


def test_a_day_without_an_hour_is_read_too(adapter, account, study, there):
    there.sends(study)
    there.market.only_days = True
    (page,) = adapter.pull(account, study, "").assignments
    assert page.submitted_at == NOON - timedelta(hours=12)


def test_a_claimed_submission_is_checked_with_the_platform(account, study, there):
    taken = there.takes(study)
    door = ProlificDoor()
    assert door.doubts(account, Arrival(taken.participant, taken.id)) == ""
    for claimed in (Arrival("somebody-else", taken.id), Arrival(taken.participant, taken.participant)):
        assert "does not know this submission as yours" in door.doubts(account, claimed)


def test_a_decision_whose_answer_was_lost_is_found_and_not_made_again(adapter, account, study, there):
    page = there.sends(study)
    there.trouble.switch("drop_reply", path="/transition/")
    with pytest.raises(Unknown):
        adapter.accept(account, page.id, NOON)
    adapter.accept(account, page.id, NOON)
    assert there.books()["rewards"] == 90


@pytest.mark.parametrize("first", ["accept", "reject"])
def test_decisions_are_final(first, adapter, account, study, there):
    page = there.sends(study)
    decide = {"accept": lambda: adapter.accept(account, page.id, NOON)}
    decide["reject"] = lambda: adapter.reject(account, page.id, "blurred", NOON)
    decide.pop(first)()
    with pytest.raises(StateConflict, match="final"):
        next(iter(decide.values()))()


def test_a_rejected_worker_reads_our_reason_in_enough_words(adapter, account, study, there):
    page = there.sends(study)
    adapter.reject(account, page.id, "The hand is cut off", NOON)
    told = there.market.submissions[page.id].told
    assert told["message"].startswith("The hand is cut off. ")
    assert told["rejection_category"] == "FAILED_INSTRUCTIONS"


@given(st.text(max_size=150))
def test_any_reason_is_long_enough_and_stays_what_it_is(reason):
    message = message_of(reason)
    assert len(message) >= LEAST_WORDS
    assert message.startswith(reason.strip())
    assert category_of(reason) in far.CATEGORIES


@pytest.mark.parametrize(
    ("reason", "category"),
    [
        ("Three pages faster than 1 s a task", "TOO_QUICKLY"),
        ("Surely under 70% right on known answers", "FAILED_CHECK"),
        ("This page was handed in on the platform before it was finished here.", "NO_DATA"),
        ("It is the same photo as another one", "LOW_EFFORT"),
        ("Your browser cannot show this", "UNSUPP_DEVICE"),
        ("The picture is blurred", "FAILED_INSTRUCTIONS"),
        ("", "OTHER"),
    ],
)
def test_reasons_become_categories(reason, category):
    assert category_of(reason) == category


def test_the_books_agree_with_the_platforms_own(adapter, account, study, there):
    pages = [there.sends(study) for _ in range(4)]
    for page in pages[:2]:
        adapter.accept(account, page.id, NOON)
    adapter.reject(account, pages[2].id, "blurred", NOON)
    told = adapter.books(account, study)
    assert told.pages_by_state == {"accepted": 2, "rejected": 1, "submitted": 1}
    assert told.spent_micro == 1_800_000 == there.books()["rewards"] * 10_000
    assert told.page_states[pages[2].id] == "rejected"
