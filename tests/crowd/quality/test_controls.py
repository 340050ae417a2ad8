"""How many control tasks: 20 % until 15 are seen, then 3 %, over pages of any size."""

from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowd.quality.controls import (
    Schedule,
    answers_until_used_up,
    control_overhead,
    control_rate,
    controls_for_page,
    controls_owed,
    flat,
    is_bad_control,
    stock_needed,
    stock_too_small,
)


def worked(page_size: int, answers: int, schedule: Schedule | None = None, stock: int = 10_000) -> list[int]:
    """Return the control tasks of each page until so many answers are given."""
    schedule = schedule or Schedule()
    pages: list[int] = []
    for answered in range(0, answers, page_size):
        seen = sum(pages)
        wanted = controls_for_page(seen=seen, answered=answered, page_size=page_size, schedule=schedule)
        pages.append(min(wanted, stock - seen))
    return pages


def test_twenty_percent_until_fifteen_are_seen_then_three():
    assert control_rate(0) == control_rate(14) == 0.20
    assert control_rate(15) == control_rate(1000) == 0.03


@pytest.mark.parametrize(("until", "share"), [(15, 5.6), (10, 4.7)])
def test_what_the_schedule_costs_a_worker_of_five_hundred_answers(until, share):
    owed = controls_owed(500, Schedule(until_seen=until))
    assert 100 * owed / 500 == pytest.approx(share, abs=0.051)


@pytest.mark.parametrize(("rate", "percents"), [(0.03, 3.1), (0.05, 5.3), (0.10, 11.1), (0.20, 25.0), (0.0, 0.0)])
def test_what_control_tasks_add_to_the_price(rate, percents):
    assert 100 * control_overhead(rate) == pytest.approx(percents, abs=0.05)


@pytest.mark.parametrize("page_size", [1, 3, 4, 7, 10, 20, 50])
def test_pages_of_any_size_keep_to_the_schedule(page_size):
    pages = worked(page_size, 700)
    done = len(pages) * page_size
    assert sum(pages) == int(controls_owed(done) + 1e-9)


def test_pages_of_ten_begin_with_two_each_and_then_have_one_in_three():
    pages = worked(10, 300)
    assert pages[:7] == [2] * 7
    assert sum(pages[8:]) == pytest.approx(0.03 * 220, abs=1)
    assert max(pages[8:]) == 1


def test_a_page_of_one_task_is_a_control_task_every_fifth_time():
    assert worked(1, 20) == [0, 0, 0, 0, 1] * 4


def test_a_debt_from_an_empty_stock_is_not_paid_by_a_page_of_controls_alone():
    assert controls_for_page(seen=0, answered=500, page_size=10) == 2
    assert controls_for_page(seen=0, answered=500, page_size=1) == 1


def test_no_control_task_is_lost_or_won_by_binary_fractions():
    """0.29 times 100 is a little under 29, and 0.07 times 100 a little over 7."""
    assert controls_for_page(seen=0, answered=0, page_size=100, schedule=flat(0.29)) == 29
    assert controls_for_page(seen=0, answered=1000, page_size=100, schedule=flat(0.07)) == 7


def test_more_controls_than_owed_are_made_up_for_by_none():
    assert controls_for_page(seen=40, answered=100, page_size=10) == 0


@given(st.integers(0, 2000), st.integers(0, 300), st.integers(1, 60))
def test_a_page_never_holds_more_controls_than_the_first_rate(answered: int, seen: int, page_size: int):
    assert 0 <= controls_for_page(seen=seen, answered=answered, page_size=page_size) <= -(-page_size // 5)


@given(st.integers(1, 60), st.sampled_from([0.0, 0.01, 0.03, 0.1, 0.2, 0.5, 0.9]))
def test_a_flat_rate_is_kept_to_the_task(page_size: int, rate: float):
    pages = worked(page_size, 50 * page_size, flat(rate))
    owed = 50 * page_size * rate
    assert sum(pages) <= owed + 1e-6
    assert owed - sum(pages) < 1 or isclose(owed - sum(pages), 1)


def test_no_control_at_first_means_the_later_rate_from_the_start():
    assert sum(worked(10, 1000, Schedule(0.0, 15, 0.03))) == 30


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_a_share_that_leaves_no_work_is_refused(rate):
    with pytest.raises(ValueError, match="leaves no work"):
        flat(rate)
    with pytest.raises(ValueError, match="leaves no work"):
        control_overhead(rate)


def test_a_stock_must_do_for_one_worker_without_repeats():
    assert stock_needed(1000, flat(0.10)) == 100
    assert stock_needed(500) == 28
    assert answers_until_used_up(28, 0.1) == 280
    short = stock_too_small(20, answers=500)
    assert short.applies
    assert short.sentence == "500 answers a worker need 28 control tasks, the pool has 20"
    assert not stock_too_small(28, answers=500).applies


@given(st.integers(1, 40), st.integers(1, 2000))
def test_a_stock_as_large_as_needed_is_never_used_up(page_size: int, answers: int):
    pages = -(-answers // page_size)
    assert sum(worked(page_size, answers)) <= stock_needed(pages * page_size)


def test_a_control_task_that_good_workers_fail_is_bad():
    assert is_bad_control(failed=2, good=9).applies
    assert is_bad_control(failed=2, good=9).sentence == "2 of 9 good workers fail it"
    assert not is_bad_control(failed=2, good=10).applies, "just 20 % is not more than 20 %"
    assert is_bad_control(failed=5, good=5).applies
    assert not is_bad_control(failed=2, good=2).applies, "two people are not enough to say so"
