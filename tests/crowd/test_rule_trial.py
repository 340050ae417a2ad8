"""A rule tried on the past says what it would have done, in the order in which pages came in, and changes nothing."""

from typing import Any

import pytest

from crowd import rules
from crowd.models import Assignment, Batch, Restriction, Worker
from crowd.services.rule_trial import Trial, trial
from tests.crowd import market
from tests.crowd.market import MINUTE, NOON

pytestmark = pytest.mark.django_db


def tried(batch: Batch, **rule: Any) -> Trial:
    return trial(rule=rules.read_one(rule), batch=batch)


def names(found: Trial) -> list[Worker]:
    return [one.worker for one in found.struck]


@pytest.fixture
def watched() -> Batch:
    """A pool whose control tasks are all answered with “correct” by those who work well."""
    row = market.batch(page_size=2, control_per_page=1, stage_id=5)
    market.tasks(row, 60, overlap=9)
    market.tasks(row, 40, known="correct")
    return row


def works(batch: Batch, answers: str, *, ms: int = 20_000) -> Worker:
    """Hand in one page for each letter: + answers rightly, - wrongly."""
    who = market.worker(batch.account)
    for number, letter in enumerate(answers):
        answer = "correct" if letter == "+" else "incorrect"
        market.sent(batch, who, NOON + number * MINUTE, ms=ms, answer=answer)
    return who


def test_it_names_who_would_have_been_struck_and_who_of_them_looks_honest(watched):
    clicker, good = works(watched, "-" * 6), works(watched, "+" * 16 + "-" * 5)
    works(watched, "+" * 4)
    found = tried(watched, kind="control")
    assert set(names(found)) == {clicker, good}
    assert found.sentence == "Over 31 pages of 3 workers it would have struck 2, of whom 0 look honest."
    assert found.struck[0].known == 21
    assert not Restriction.objects.exists()


def test_an_honest_worker_who_hurries_is_shown_first(watched):
    hasty, honest = works(watched, "-" * 3, ms=100), works(watched, "+" * 30, ms=100)
    found = tried(watched, kind="speed", method="fixed")
    assert names(found) == [honest, hasty]
    assert [one.looks_honest for one in found.struck] == [True, False]
    assert found.sentence.endswith("struck 2, of whom 1 looks honest.")


def test_a_strike_long_ago_counts_although_the_worker_has_become_better(watched):
    early = works(watched, "-----" + "+" * 30)
    found = tried(watched, kind="control", method="bound")
    assert [(one.worker, one.after_pages) for one in found.struck] == [(early, 5)]
    assert names(tried(watched, kind="control")) == [early]


def test_a_limit_says_after_how_many_pages_it_would_have_held(watched):
    works(watched, "++")
    busy = works(watched, "+" * 7)
    found = tried(watched, kind="answer_count", most=5)
    assert [(one.worker, one.after_pages) for one in found.struck] == [(busy, 5)]


def test_income_is_looked_at_as_it_was_at_the_time(watched):
    busy = works(watched, "+" * 4)
    assert names(tried(watched, kind="income", most_micro=120_000)) == [busy]
    assert names(tried(watched, kind="income", most_micro=120_001)) == []


def test_rejected_and_skipped_pages_are_seen(watched):
    poor = works(watched, "+" * 5)
    Assignment.objects.filter(worker=poor).update(state=Assignment.State.REJECTED)
    lazy = works(watched, "+" * 4)
    Assignment.objects.filter(worker=lazy).update(state=Assignment.State.SKIPPED)
    assert names(tried(watched, kind="acceptance")) == [poor]
    assert names(tried(watched, kind="skipped_in_row", most=4)) == [lazy]


def test_the_majority_is_that_of_all_answers_there_are():
    voted = market.batch(page_size=12)
    market.tasks(voted, 12, overlap=3)
    works(voted, "+")
    works(voted, "+")
    contrary = works(voted, "-")
    assert names(tried(voted, kind="majority")) == [contrary]


def test_two_pages_in_two_pools_break_the_rule_of_one():
    fist = market.batch("photo")
    palm = market.batch("photo", at=fist.account, project_id=fist.project_id)
    twice, once = market.worker(fist.account), market.worker(fist.account)
    for batch, who in ((fist, twice), (palm, twice), (fist, once)):
        market.tasks(batch, 1)
        market.sent(batch, who)
    assert names(tried(fist, kind="one_submission")) == [twice]


def test_an_empty_pool_strikes_nobody():
    assert tried(market.batch(), kind="control").sentence == ("Over 0 pages of 0 workers it would have struck nobody.")


def test_more_workers_need_no_more_queries(watched, django_assert_max_num_queries):
    for _ in range(6):
        works(watched, "-----")
    with django_assert_max_num_queries(4):
        tried(watched, kind="control")
