"""Teams: paid by the page or by the hour, and pools that are kept for one of them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowd.errors import CrowdError, NotYours
from crowd.models import Assignment, Batch, WorkerTeam
from crowd.services import handing_in, ledger, offers, own_books, teams
from crowd.services.teams import Terms
from tests.crowd import market
from tests.crowd.market import MINUTE, NOON

DOLLAR = 1_000_000
HOURLY = Terms("hour", 12 * DOLLAR)


@pytest.fixture
def work(db) -> Batch:
    return market.batch(page_size=2, assignment_seconds=600)


@pytest.fixture
def team(work) -> WorkerTeam:
    return teams.make(account=work.account, name="Students", terms=HOURLY)


@pytest.fixture
def wanda(work, team):
    return teams.move(worker_id=market.worker(work.account).pk, team=team)


def books_of(work: Batch) -> ledger.Totals:
    assert list(own_books.differences(batches=[work], account=work.account, now=NOON)) == []
    return ledger.totals(project_id=work.project_id)


def test_a_page_by_the_hour_holds_what_its_whole_time_is_worth(work, wanda):
    market.tasks(work, 2)
    page = market.claim(work, wanda)
    assert (page.hourly_micro, page.price_micro) == (12 * DOLLAR, 2 * DOLLAR)
    assert books_of(work).reserved_micro == 2 * DOLLAR


def test_a_page_by_the_hour_costs_the_time_our_clock_measured(work, wanda):
    market.tasks(work, 2)
    page = market.submit(market.claim(work, wanda), NOON + 2 * MINUTE).assignment
    page.refresh_from_db()
    assert (page.state, page.price_micro) == (Assignment.State.ACCEPTED, 400_000)
    totals = books_of(work)
    assert (totals.reserved_micro, totals.paid_micro) == (0, 400_000)


def test_time_at_the_very_end_of_the_lease_costs_what_was_held(work, wanda):
    market.tasks(work, 2)
    page = market.submit(market.claim(work, wanda), NOON + 10 * MINUTE).assignment
    page.refresh_from_db()
    assert page.price_micro == 2 * DOLLAR


def test_a_page_by_the_hour_that_is_given_back_costs_nothing(work, wanda):
    market.tasks(work, 2)
    handing_in.skip_page(assignment_id=market.claim(work, wanda).pk, worker_id=wanda.pk, now=NOON + MINUTE)
    totals = books_of(work)
    assert (totals.reserved_micro, totals.paid_micro) == (0, 0)


def test_postponed_work_by_the_hour_holds_only_its_time_until_it_is_judged(work, wanda):
    Batch.objects.filter(pk=work.pk).update(auto_accept=False)
    market.tasks(work, 2)
    market.submit(market.claim(work, wanda), NOON + MINUTE)
    assert books_of(work).reserved_micro == 200_000


def test_a_page_in_hand_is_paid_as_agreed_when_it_was_issued(work, wanda, team):
    market.tasks(work, 2)
    page = market.claim(work, wanda)
    teams.change_pay(team_id=team.pk, terms=Terms())
    done = market.submit(page, NOON + MINUTE).assignment
    done.refresh_from_db()
    assert done.price_micro == 200_000
    assert books_of(work).paid_micro == 200_000


def test_a_team_by_the_page_gets_the_price_of_the_pool(work, team, wanda):
    teams.change_pay(team_id=team.pk, terms=Terms())
    market.tasks(work, 2)
    assert market.claim(work, wanda).price_micro == 30_000


def test_an_exam_is_not_paid_by_the_hour(work, wanda):
    exam = market.batch(at=work.account, project_id=work.project_id, kind=Batch.Kind.EXAM, price_micro=0)
    assert teams.rate_of(worker=wanda, batch=exam) == 0


def test_a_pool_kept_for_a_team_is_offered_to_nobody_else(work, team, wanda):
    Batch.objects.filter(pk=work.pk).update(team=team)
    market.tasks(work, 2)
    stranger = market.worker(work.account, "walt")
    assert offers.offers(worker_id=stranger.pk, now=NOON) == []
    with pytest.raises(NotYours, match="another team"):
        market.claim(work, stranger)
    (offer,) = offers.offers(worker_id=wanda.pk, now=NOON)
    assert (offer.hourly_micro, offer.price_micro, offer.needs) == (12 * DOLLAR, 2 * DOLLAR, "")


def test_a_worker_joins_no_team_of_another_account(team):
    with pytest.raises(CrowdError, match="another platform account"):
        teams.move(worker_id=market.worker(market.account()).pk, team=team)


@pytest.mark.parametrize("terms", [Terms("week"), Terms("hour", 0), Terms("hour", -1), Terms("hour", 2_000 * DOLLAR)])
def test_impossible_pay_is_refused(work, terms):
    with pytest.raises(CrowdError):
        teams.make(account=work.account, name="Students", terms=terms)


def test_a_team_name_is_used_once(work, team):
    with pytest.raises(CrowdError, match="taken"):
        teams.make(account=work.account, name="Students", terms=Terms())


@given(st.integers(1, 10**9), st.integers(0, 10**7), st.integers(0, 10**7))
def test_pay_by_the_hour_never_falls_with_time_and_never_under_its_worth(rate, first, more):
    low, high = (teams.worth(hourly_micro=rate, time=timedelta(milliseconds=ms)) for ms in (first, first + more))
    assert low <= high
    assert low * 3_600_000 >= rate * first > (low - 1) * 3_600_000 - 1
