"""Pages of our own that a platform pays for: what it shows counts, and nothing else is paid."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from crowd.clock import database_now
from crowd.errors import IllegalTransition
from crowd.links import submission_of
from crowd.models import Assignment, Batch, LedgerEntry, OutboxCommand, RemoteFile, Task
from crowd.platforms.base import RemoteAssignment
from crowd.services import claims, confirming, dispatch, handing_in, inbox, judging, publishing
from tests.crowd import market, remote
from tests.crowd.market import NOON
from tests.crowd.remote import told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("far_away")]
State = Assignment.State
DAY = timedelta(days=1)
far_away = remote.far_away


@pytest.fixture
def of() -> Batch:
    return remote.batch(platform="proving")


@pytest.fixture
def page(of) -> Assignment:
    """A page that somebody from the platform has in hand."""
    return issued(of)


def issued(of: Batch, ext_id: str = "A1", **fields: Any) -> Assignment:
    who = market.worker(of.account)
    return claims.claim_page(batch_id=of.pk, worker_id=who.pk, now=NOON, ext_id=ext_id)


def shown(page: Assignment, state: str = "submitted", **fields: Any) -> RemoteAssignment:
    """The page as its platform tells of it."""
    usual = {"price_micro": page.price_micro, "submission": submission_of(page.pk)}
    return told(page.batch, state=state, ext_id=page.ext_id, **{"who": page.worker.ext_id, **usual, **fields})


def take(page: Assignment, *pages: RemoteAssignment, now: datetime = NOON) -> inbox.Taken:
    taken = inbox.take(batch=page.batch, pages=pages, now=now)
    page.refresh_from_db()
    return taken


def places(of: Batch) -> list[tuple[int, int]]:
    return list(Task.objects.filter(batch=of).order_by("pk").values_list("issued", "done"))


def commands(page: Assignment, kind: str) -> int:
    return OutboxCommand.objects.filter(kind=kind, payload__assignment_id=page.pk).count()


def test_a_page_counts_when_its_platform_shows_it_with_our_value(page):
    market.submit(page)
    page.refresh_from_db()
    assert page.awaits_files
    take(page, shown(page))
    assert (page.state, page.platform_state, page.awaits_files) == (State.SUBMITTED, "submitted", False)
    assert page.review_until == NOON + timedelta(days=page.batch.review_days)


def test_a_page_that_is_shown_again_changes_nothing(page):
    market.submit(page)
    take(page, shown(page))
    taken = take(page, shown(page))
    assert (taken.matched, taken.changed, taken.refused) == (1, 0, [])


def test_a_page_of_a_pool_without_review_is_accepted_as_soon_as_it_is_confirmed(of, page):
    Batch.objects.filter(pk=of.pk).update(auto_accept=True)
    market.submit(page)
    page.refresh_from_db()
    assert page.state == State.SUBMITTED
    take(page, shown(page))
    assert page.state == State.ACCEPTED
    assert remote.totals(of).paid_micro == 36_000  # with the platform's fee
    assert commands(page, "accept") == 1


@pytest.mark.parametrize("wrong", [{"submission": "guessed"}, {"submission": ""}, {"who": "somebody-else"}])
def test_a_page_without_our_value_or_by_another_worker_is_kept_apart(of, page, wrong):
    market.submit(page)
    taken = take(page, shown(page, **wrong))
    assert taken.refused == [f"Page A1 is rejected in a day. {confirming.NOT_OURS}"]
    assert (page.state, page.awaits_files, page.review_until) == (State.SUBMITTED, True, None)
    assert remote.totals(of).reserved_micro == 0
    assert places(of) == [(0, 0)] * 3
    assert not commands(page, "reject")


def test_a_stray_is_rejected_after_a_day_with_a_sentence_and_its_tasks_are_not_given_out_twice(of, page):
    market.submit(page)
    take(page, shown(page, submission="guessed"))
    issued(of, "A2")
    confirming.tidy(batch_id=of.pk, now=NOON + DAY)
    page.refresh_from_db()
    assert page.state == State.SUBMITTED
    confirming.tidy(batch_id=of.pk, now=NOON + DAY + market.MINUTE)
    page.refresh_from_db()
    assert (page.state, page.reason) == (State.REJECTED, confirming.NOT_OURS)
    assert commands(page, "reject") == 1
    assert places(of)[0] == (1, 0)


def test_a_stray_is_not_paid_when_a_whole_pool_is_accepted(of, page):
    market.submit(page)
    take(page, shown(page, submission="guessed"))
    Batch.objects.filter(pk=of.pk).update(auto_accept=True)
    other = issued(of, "A2")
    market.submit(other)
    take(other, shown(other))
    page.refresh_from_db()
    assert (page.state, other.state) == (State.SUBMITTED, State.ACCEPTED)


@pytest.mark.parametrize("auto_accept", [True, False])
def test_a_page_handed_in_there_before_it_was_finished_here_is_not_paid(of, page, auto_accept):
    Batch.objects.filter(pk=of.pk).update(auto_accept=auto_accept)
    taken = take(page, shown(page))
    assert taken.refused == [f"Page A1 is rejected in a day. {confirming.UNFINISHED}"]
    assert (page.state, page.reason) == (State.SUBMITTED, confirming.UNFINISHED)
    assert (places(of), remote.totals(of).reserved_micro) == ([(0, 0)] * 3, 0)
    confirming.tidy(batch_id=of.pk, now=NOON + 2 * DAY)
    page.refresh_from_db()
    assert page.state == State.REJECTED
    assert places(of) == [(0, 0)] * 3


def test_a_page_whose_time_was_over_here_is_rejected_there(of, page):
    handing_in.expire_leases(now=NOON + DAY)
    take(page, shown(page), now=NOON + DAY)
    assert (page.state, page.reason) == (State.EXPIRED, confirming.TOO_LATE)
    for _ in range(2):
        confirming.tidy(batch_id=of.pk, now=NOON + 3 * DAY)
    assert commands(page, "reject") == 1


@pytest.mark.parametrize("auto_accept", [True, False])
def test_a_page_that_never_was_ours_is_listed_and_rejected_after_a_day(of, auto_accept):
    Batch.objects.filter(pk=of.pk).update(auto_accept=auto_accept)
    stranger = told(of, state="submitted", ext_id="X9")
    taken = inbox.take(batch=of, pages=[stranger], now=NOON)
    assert taken.refused == [f"Page X9 is rejected in a day. {confirming.NOT_STARTED}"]
    row = Assignment.objects.get(ext_id="X9")
    assert list(confirming.strays(of)) == [row]
    confirming.tidy(batch_id=of.pk, now=NOON + 2 * DAY)
    row.refresh_from_db()
    assert (row.state, commands(row, "reject")) == (State.REJECTED, 1)


def test_what_is_in_hand_there_and_not_opened_here_is_nobodys(of):
    taken = inbox.take(batch=of, pages=[told(of, state="active")], now=NOON)
    assert (taken.inserted, taken.matched) == (0, 0)


def test_a_page_returned_there_gives_money_and_place_back(of, page):
    take(page, shown(page, "skipped"))
    assert page.state == State.SKIPPED
    assert (places(of), remote.totals(of).reserved_micro) == ([(0, 0)] * 3, 0)


def test_a_page_that_was_finished_here_and_given_back_there_is_not_paid(of, page):
    market.submit(page)
    take(page, shown(page, "skipped"))
    assert (page.state, page.reason) == (State.REJECTED, confirming.GIVEN_BACK)
    assert (places(of), remote.totals(of).reserved_micro) == ([(0, 0)] * 3, 0)
    assert not commands(page, "reject")


def test_a_page_that_never_comes_to_the_platform_is_given_up_and_its_tasks_go_out_again(of, page):
    market.submit(page)
    confirming.tidy(batch_id=of.pk, now=page.lease_until + confirming.PATIENCE)
    page.refresh_from_db()
    assert page.state == State.SUBMITTED
    confirming.tidy(batch_id=of.pk, now=page.lease_until + confirming.PATIENCE + market.MINUTE)
    page.refresh_from_db()
    assert (page.state, page.reason) == (State.REJECTED, confirming.NEVER_THERE)
    assert (places(of), remote.totals(of).reserved_micro) == ([(0, 0)] * 3, 0)
    assert not commands(page, "reject")


def test_a_page_that_comes_there_after_it_was_given_up_is_rejected_there(of, page):
    market.submit(page)
    confirming.tidy(batch_id=of.pk, now=NOON + DAY)
    take(page, shown(page), now=NOON + DAY)
    confirming.tidy(batch_id=of.pk, now=NOON + 3 * DAY)
    assert commands(page, "reject") == 1


def test_a_rejection_of_a_page_that_never_comes_there_is_not_asked_about_for_ever(of, page):
    market.submit(page)
    judging.reject(assignment_id=page.pk, reason="copied", now=NOON)
    (command,) = OutboxCommand.objects.filter(kind="reject")
    Assignment.objects.filter(pk=page.pk).update(lease_until=database_now())
    dispatch.dispatch(command_id=command.pk, now=database_now())
    command.refresh_from_db()
    assert command.state == "planned"
    Assignment.objects.filter(pk=page.pk).update(lease_until=database_now() - 2 * DAY)
    dispatch.dispatch(command_id=command.pk, now=database_now() + DAY)
    command.refresh_from_db()
    assert (command.state, command.result) == ("done", {"skipped": "it never came to the platform"})
    take(page, shown(page))
    confirming.tidy(batch_id=of.pk, now=NOON + 2 * DAY)
    assert commands(page, "reject") == 2


def test_the_price_is_what_the_platform_pays(of, page):
    market.submit(page)
    take(page, shown(page, price_micro=20_000))
    assert (page.price_micro, page.fee_micro) == (20_000, 4_000)
    assert remote.totals(of).reserved_micro == 24_000
    judging.accept(assignment_id=page.pk, now=NOON)
    assert (remote.totals(of).paid_micro, remote.totals(of).reserved_micro) == (24_000, 0)


def test_a_page_accepted_there_is_paid_out_of_its_own_hold_and_taken_in(of, page):
    market.submit(page)
    take(page, shown(page, "accepted"))
    assert (page.state, page.awaits_files) == (State.ACCEPTED, False)
    assert LedgerEntry.objects.get(kind="charge").source == "held"


def test_a_page_accepted_there_without_our_value_is_booked_and_not_taken_in(of, page):
    market.submit(page)
    take(page, shown(page, "accepted", submission=""))
    assert (page.state, page.awaits_files) == (State.ACCEPTED, True)
    assert remote.totals(of).paid_micro == 36_000


def test_what_was_accepted_is_never_rejected(page):
    market.submit(page)
    take(page, shown(page, "accepted"))
    with pytest.raises(IllegalTransition):
        judging.reject(assignment_id=page.pk, reason="", now=NOON)


def test_a_confirmed_page_still_waits_for_its_files(of, page):
    market.submit(page)
    RemoteFile.objects.create(answer=page.answers.get(), assignment=page, ref="https://files.example/a.jpg")
    take(page, shown(page))
    assert page.awaits_files
    assert page.platform_state == "submitted"


def test_a_platform_without_a_value_confirms_by_page_and_worker():
    of = remote.batch(platform="hosted")
    page = issued(of)
    market.submit(page)
    take(page, shown(page, submission=""))
    assert not page.awaits_files


# --- places -----------------------------------------------------------------------------------------------------------
def test_a_place_given_back_is_not_asked_for_again(of, page):
    wanted = publishing.pages_wanted(of)
    take(page, shown(page, "skipped"))
    assert publishing.pages_wanted(of) == wanted == 3


def test_a_rejected_page_needs_another_place(of, page):
    market.submit(page)
    take(page, shown(page))
    judging.reject(assignment_id=page.pk, reason="blurred", now=NOON)
    assert publishing.pages_wanted(of) == 4


def test_missing_places_are_asked_for_once(of):
    for _ in range(2):
        confirming.tidy(batch_id=of.pk, now=NOON)
    assert [command.payload for command in OutboxCommand.objects.filter(kind="offer_pages")] == [{"pages": 3}]
