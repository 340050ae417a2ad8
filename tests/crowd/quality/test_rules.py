"""The rules that count pages, answers against the majority, and money: a verdict and a sentence each."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from crowd.quality.income import earned_enough, income_last_day
from crowd.quality.majority import agrees, majority_disagreement, majority_label
from crowd.quality.pages import acceptance_rate, skipped_in_row

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
CENT = 10_000


def test_pages_skipped_in_a_row_count_from_the_latest():
    assert skipped_in_row([True] * 9 + [False] + [True] * 4, limit=5).sentence == (
        "4 pages skipped in a row, the limit is 5"
    )
    assert not skipped_in_row([True] * 9 + [False] + [True] * 4, limit=5).applies
    assert skipped_in_row([False] + [True] * 5, limit=5).applies
    assert not skipped_in_row([True] * 9 + [False], limit=1).applies
    assert not skipped_in_row([], limit=1).applies


def test_too_few_accepted_pages():
    verdict = acceptance_rate([True] * 12 + [False] * 18, least_percent=60, least_pages=10)
    assert verdict.applies
    assert verdict.sentence == "12 of 30 pages accepted, at least 60 % are asked for"
    assert not acceptance_rate([True] * 6 + [False] * 4, least_percent=60, least_pages=10).applies
    assert acceptance_rate([True] * 59 + [False] * 41, least_percent=60, least_pages=10).applies


def test_few_judged_pages_say_nothing():
    assert not acceptance_rate([False] * 9, least_percent=60, least_pages=10).applies
    assert acceptance_rate([False] * 10, least_percent=60, least_pages=10).applies
    assert not acceptance_rate([], least_percent=60, least_pages=0).applies


def test_only_the_last_pages_count_where_asked():
    improved = [False] * 20 + [True] * 10
    assert acceptance_rate(improved, least_percent=60, least_pages=10).applies
    assert not acceptance_rate(improved, least_percent=60, least_pages=10, last=10).applies


def test_income_is_that_of_the_last_twenty_four_hours():
    day, second = timedelta(hours=24), timedelta(seconds=1)
    payments = [(NOON - day, 900 * CENT), (NOON - day + second, 3 * CENT), (NOON, CENT), (NOON + second, 500 * CENT)]
    assert income_last_day(payments, now=NOON) == 4 * CENT


def test_who_has_earned_the_limit_has_earned_enough():
    payments = [(NOON - timedelta(hours=1), 620 * CENT)] * 2
    reached = earned_enough(payments, now=NOON, limit_micro=1240 * CENT)
    assert reached.applies
    assert reached.sentence == "$12.40 earned in the last 24 hours, the limit is $12.40"
    assert not earned_enough(payments, now=NOON, limit_micro=1241 * CENT).applies


@pytest.mark.parametrize(
    ("labels", "threshold", "majority"),
    [
        (["ok", "ok", "bad"], 2, "ok"),
        (["ok", "bad"], 2, None),
        (["ok", "ok", "bad", "bad"], 2, None),
        (["ok", "ok", "bad", "bad", "ok"], 3, "ok"),
        (["ok", "ok", "bad"], 3, None),
        (["OK", "ok", "ok "], 2, None),
        ([], 2, None),
        (["ok"], 1, "ok"),
    ],
)
def test_a_majority_is_large_enough_and_the_only_one(labels, threshold, majority):
    assert majority_label(labels, threshold=threshold) == majority


def test_who_agrees_with_the_majority():
    assert agrees("ok", ["ok", "ok", "bad"]) is True
    assert agrees("bad", ["ok", "ok", "bad"]) is False
    assert agrees("ok", ["ok", "bad", "other"]) is None


def test_a_worker_against_the_majority_for_sure():
    verdict = majority_disagreement([False] * 12 + [True] * 28 + [None] * 100, most=0.15)
    assert verdict.applies
    assert verdict.sentence == "12 of 40 tasks against the majority, surely 18.2 % or more, the limit is 15 %"


def test_one_hard_task_accuses_nobody():
    assert not majority_disagreement([False] * 9, most=0.05).applies, "nine tasks are not enough"
    assert majority_disagreement([False] * 10, most=0.05).applies
    assert not majority_disagreement([False] * 3 + [True] * 17, most=0.15).applies, "15 % may be bad luck"
    assert not majority_disagreement([None] * 50, most=0.0).applies


@given(st.integers(0, 60), st.integers(0, 60), st.floats(0.01, 0.9))
def test_the_sure_share_is_the_five_percent_point(against: int, agreed: int, most: float):
    surely = beta.ppf(0.05, 2 + against, 8 + agreed)
    expected = against + agreed >= 10 and surely > most
    assert majority_disagreement([False] * against + [True] * agreed, most=most).applies == expected
