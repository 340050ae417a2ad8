"""How fast people come by while a campaign is rehearsed."""

import random
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from crowd.rehearsal.acting import Stall
from crowd.rehearsal.arrivals import Coming, Rhythm, Sessions
from crowd.rehearsal.calibration import expected
from crowd.rehearsal.pace import next_visit, visits_an_hour
from crowd.rehearsal.people import CrowdMix

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
MANY = 2_000
PHOTO = Stall(1, "main", "photo", 50, price_micro=30_000)
USUAL = Coming()


def test_a_pool_alone_has_the_pages_that_its_people_hand_in():
    assert visits_an_hour([PHOTO], MANY, USUAL) == pytest.approx(8_647 * 2 / 24 * 0.123 * 4)


@pytest.mark.parametrize("cap", [1, 3, 25])
def test_where_one_person_may_do_little_the_clock_is_as_fast_as_the_first_hours_it_is_learned_from(cap):
    """The expectation that first hours are weighed against, after a hundredth of an hour."""
    passed = np.array([USUAL.photos.an_hour / 100])
    learned = 100 * USUAL.eligible * expected(passed, sigma=1.4, cap=cap, tasks=4.0)[0]
    assert visits_an_hour([replace(PHOTO, per_worker=cap)], MANY, USUAL) == pytest.approx(learned, rel=0.03)


def test_nine_pools_have_three_times_the_pages_of_one():
    assert visits_an_hour([PHOTO] * 9, MANY, USUAL) == pytest.approx(3 * visits_an_hour([PHOTO], MANY, USUAL))


def test_a_film_is_taken_up_more_rarely_than_a_photo_and_judged_as_often():
    film, judging = replace(PHOTO, media="video"), replace(PHOTO, interface="choice", media="video")
    assert visits_an_hour([film], MANY, USUAL) == pytest.approx(8_647 / 24 * 0.197)
    assert visits_an_hour([judging], MANY, USUAL) == visits_an_hour([PHOTO], MANY, USUAL)


def test_a_higher_price_brings_more_people():
    dear = replace(PHOTO, price_micro=100_000)
    assert visits_an_hour([dear], MANY, USUAL) == pytest.approx(1.594 * visits_an_hour([PHOTO], MANY, USUAL), rel=1e-3)


def test_few_people_are_no_faster_than_they_are_and_look_in_where_nothing_is_to_do():
    done, exam = replace(PHOTO, open_tasks=0), replace(PHOTO, kind="exam")
    assert visits_an_hour([PHOTO], 40, USUAL) == 80
    assert visits_an_hour([done, exam], 40, USUAL) == visits_an_hour([], 40, USUAL) == 80


def test_how_a_crowd_comes_is_part_of_its_mix():
    mix = CrowdMix.from_json({"coming": {"photos": {"take": 0.4}, "rhythm": {"amplitude": 0.2}}})
    assert mix.coming == Coming(photos=Sessions(take=0.4), rhythm=Rhythm(amplitude=0.2))
    assert CrowdMix.from_json({"coming": {"eligible": 500}, "who": {"careless": 0.1}}).who.eligible == 500


def test_ten_thousand_photos_of_one_sign_with_votes_and_boxes_take_one_to_two_days():
    """14,767 photos, a page of votes for four of them, a page of boxes for two: pages as the funnel of gestures has."""
    left = {"photo": 14_767, "choice": 3_500, "boxes": 5_400}
    stalls = {name: replace(PHOTO, interface=name) for name in left}
    rng, now = random.Random(4), START
    while any(left.values()):
        waiting = [name for name, pages in left.items() if pages]
        offered = [stalls[name] for name in waiting]
        now = next_visit(now, rng.expovariate(1), stalls=offered, people=1_666, coming=USUAL)
        left[rng.choices(waiting, [left[name] for name in waiting])[0]] -= 1
    assert 24 <= (now - START).total_seconds() / 3600 <= 48
