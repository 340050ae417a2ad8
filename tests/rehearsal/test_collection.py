"""Collections without pixels give the timelines that two published collections had (calibrated on them)."""

from dataclasses import replace

import numpy as np
import pytest

from crowd.rehearsal.arrivals import FILMS, PHOTOS, Sessions
from crowd.rehearsal.collection import Terms, collect
from crowd.rehearsal.population import Population

FOOT_CROWD = Population(dishonest=0.25)
FILMS_WANTED = Terms(target=2_472, cap=1, ok=(0.75, 0.20))
SEEDS = range(30)


def within_three_errors(values, expected, *, known_to=0.0):
    """Say whether the mean of the values is the expected one, up to chance and to how exactly that is known."""
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    assert abs(np.mean(values) - expected) <= 3 * error + known_to, (np.mean(values), error, expected)


@pytest.fixture(scope="module")
def films():
    return [collect(FOOT_CROWD, FILMS_WANTED, seed=seed, sessions=FILMS) for seed in SEEDS]


def test_2472_films_take_two_days_and_seventeen_hours_give_or_take(films):
    hours = [one.hours for one in films]
    within_three_errors(hours, 67, known_to=0.5)
    low, high = np.percentile(hours, [5, 95])
    assert 58 <= low <= 65 <= high <= 76


def test_61_percent_of_the_films_are_accepted(films):
    within_three_errors([one.acceptance for one in films], 0.75 * 0.75 + 0.25 * 0.20)
    assert {one.sent for one in films} == {one.workers for one in films} == {2_472}


def test_what_comes_back_undone_is_taken_beside_what_is_sent(films):
    within_three_errors([one.taken / one.sent for one in films], 1 / 0.95)


def test_the_hours_count_every_film(films):
    for one in films:
        assert one.by_hour.sum() == one.sent
        assert len(one.by_hour) == int(one.hours) + 1


@pytest.mark.parametrize(
    ("eligible", "take", "expected"), [(8_600, 0.195, 69.6), (8_647, 0.30, 44.5), (20_000, 0.12, 31.3)]
)
def test_more_people_or_more_takers_are_sooner_done(eligible, take, expected):
    crowd, films = replace(FOOT_CROWD, eligible=eligible), replace(FILMS, take=take)
    hours = [collect(crowd, FILMS_WANTED, seed=seed, sessions=films).hours for seed in range(12)]
    within_three_errors(hours, expected, known_to=0.5)


@pytest.mark.parametrize(
    ("cap", "sessions", "hours", "workers", "top"),
    [
        (3, Sessions(take=0.62, tasks=1.4), 32, 3_850, 0.032),
        (5, Sessions(take=0.342, tasks=2.0), 30.5, 2_780, 0.054),
        (20, Sessions(take=0.123, tasks=4.0), 29, 1_410, 0.20),
    ],
)
def test_8005_photos_are_there_after_a_day_and_10000_after_some_hours_more(cap, sessions, hours, workers, top):
    day = [collect(Population(), Terms(8_005, cap=cap), seed=seed, sessions=sessions) for seed in range(8)]
    within_three_errors([one.hours for one in day], 24, known_to=0.1)
    assert np.mean([one.workers for one in day]) == pytest.approx(workers, rel=0.03)
    assert np.mean([one.top_share for one in day]) == pytest.approx(top, rel=0.06)
    all_of_it = [collect(Population(), Terms(10_000, cap=cap), seed=seed, sessions=sessions).hours for seed in range(8)]
    within_three_errors(all_of_it, hours, known_to=0.5)


@pytest.mark.parametrize(
    ("cap", "pools", "expected"),
    [(50, 1, 35.5), (5, 1, 55.4), (2, 1, 154), (50, 9, 121), (5, 9, 171), (2, 9, 470)],
)
def test_caps_and_other_pools_are_what_time_hangs_on(cap, pools, expected):
    sessions = Sessions(take=0.25, tasks=1.4)
    terms = Terms(10_000, cap=cap, pools=pools)
    hours = [collect(Population(), terms, seed=seed, sessions=sessions).hours for seed in range(4)]
    assert np.mean([one or 480 for one in hours]) == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize(("pools", "after_twenty_days"), [(1, 7_300), (9, 5_660)])
def test_one_photo_a_person_is_never_enough(pools, after_twenty_days):
    sessions = Sessions(take=0.25, tasks=1.4)
    found = collect(Population(), Terms(10_000, cap=1, pools=pools), seed=1, sessions=sessions)
    assert found.hours is None
    assert found.sent == pytest.approx(after_twenty_days, rel=0.02)


def test_without_a_cap_who_comes_most_is_drawn_to_the_end():
    terms = Terms(10_000_000, cap=0, horizon=96)
    found = collect(Population(eligible=2_000), terms, seed=3, sessions=PHOTOS)
    assert found.sent == pytest.approx(2_000 * 96 * PHOTOS.an_hour * PHOTOS.tasks, rel=0.15)


def test_a_goal_of_accepted_photos_takes_longer_than_one_of_sent_photos():
    sent, accepted = (
        collect(Population(), Terms(5_000, cap=20, goal_is_accepted=goal), seed=2) for goal in (False, True)
    )
    assert sent.hours < accepted.hours
    assert accepted.accepted >= 5_000 > sent.accepted


def test_the_same_seed_is_the_same_collection():
    one, again = (collect(FOOT_CROWD, FILMS_WANTED, seed=11, sessions=FILMS) for _ in range(2))
    assert (one.hours, one.accepted, one.taken) == (again.hours, again.accepted, again.taken)
