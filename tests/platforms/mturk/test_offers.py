"""What people read, get and have to be: HIT types."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from crowd.audience import Audience, SkillRange
from crowd.errors import Invalid
from crowd.links import batch_key_of
from crowd.platforms.mturk import amounts, offers
from tests.platforms.mturk.conftest import SPEC

pytestmark = pytest.mark.django_db
BY_SKILL = replace(SPEC, price_skill="Signs", price_table=[(0, 69, 80_000), (90, 100, 150_000)])


@pytest.fixture
def offer(turk, account, there):
    """Publish a batch with three open places at every price."""

    def publish(spec):
        remote_id = turk.ensure_batch(account, spec)
        turk.open(account, remote_id, there.house.clock.now())
        turk.offer_pages(account, remote_id, 3, "three")
        return remote_id

    return publish


def test_a_hit_says_what_is_paid_for_what_in_which_time(offer, there):
    offer(replace(SPEC, assignment_seconds=600, review_days=5))
    hit = there.hits[0]
    assert (hit.type.title, hit.type.reward, hit.max_assignments) == ("Is this the sign?", 100_000, 3)
    assert hit.type.description == "Look at the hand. Five fingers. 10 tasks on one page"
    assert (hit.type.duration, hit.type.auto_approval) == (timedelta(minutes=10), timedelta(days=5))


def test_a_hit_frames_our_own_page_of_this_batch(offer, there):
    offer(SPEC)
    assert there.hits[0].question.kind == "ExternalQuestion"
    assert batch_key_of(there.hits[0].question.url.rstrip("/").rsplit("/", 1)[1]) == "bat-77"


def test_each_sees_the_price_for_their_skill_alone(offer, there, turk, account):
    offer(BY_SKILL)
    rewards = {}
    for value in (None, 0, 69, 70, 89, 90, 100):
        worker = there.worker()
        if value is not None:
            turk.set_skill(account, worker, "Signs", value)
        rewards[value] = [hit.type.reward for hit in there.sees(worker)]
    assert rewards == {
        None: [100_000],
        0: [80_000],
        69: [80_000],
        70: [100_000],
        89: [100_000],
        90: [150_000],
        100: [150_000],
    }


def test_where_prices_overlap_the_first_counts_as_in_our_own_market():
    tiers = offers.tiers_of(replace(BY_SKILL, price_table=[(50, 100, 90_000), (0, 60, 70_000)]))
    assert [(tier.low, tier.high, tier.price_micro) for tier in tiers] == [
        (-1, -1, 100_000),
        (0, 49, 70_000),
        (50, 100, 90_000),
    ]


def test_a_changed_skill_changes_the_price_without_telling_the_worker(offer, there, turk, account):
    offer(BY_SKILL)
    worker = there.worker()
    for value in (50, 95):
        turk.set_skill(account, worker, "Signs", value)
    assert [hit.type.reward for hit in there.sees(worker)] == [150_000]
    assert there.house.market.worker(worker).messages == []


def test_people_are_chosen_by_country_good_work_age_and_skill(offer, there, turk, account):
    chosen = Audience(
        countries=["de", "FR"], top_percent=20, adult_content=True, skills=[SkillRange(skill="Signs", low=60, high=90)]
    )
    offer(replace(SPEC, audience=chosen))
    good = {"country": "DE", "approved": 990, "rejected": 10}

    def may(value: int | None = 75, **profile: Any) -> bool:
        worker = there.worker(**{**good, **profile})
        if value is not None:
            turk.set_skill(account, worker, "Signs", value)
        return bool(there.may_take(worker))

    assert may()
    assert not may(country="US")
    assert not may(rejected=60)
    assert not may(approved=90, rejected=0)
    assert not may(adult=False)
    assert not may(50)
    assert not may(95)
    assert not may(None)


def test_more_conditions_than_mturk_takes_are_refused_before_it_is_asked(turk, account):
    many = Audience(skills=[SkillRange(skill=f"S{number}", low=1, high=9) for number in range(5)])
    with pytest.raises(Invalid, match="12 conditions are more than the 10"):
        turk.ensure_batch(account, replace(SPEC, audience=many))


def test_batches_with_equal_words_and_price_stay_apart(turk, account, there):
    first, second = (turk.ensure_batch(account, replace(SPEC, key=key)) for key in ("one", "two"))
    turk.offer_pages(account, first, 3, "k")
    assert turk.books(account, second).pages_by_state == {}
    assert there.hits[0].type.requires(first)
    assert not there.hits[0].type.requires(second)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"price_micro": 25_000}, "whole cents"),
        ({"price_micro": 0}, "whole cents"),
        ({"price_skill": "Signs", "price_table": [(0, 100, 12_345)]}, "whole cents"),
        ({"audience": Audience(languages=["DE"])}, "by country, not by language"),
        ({"audience": Audience(best_n=10)}, "the best N people"),
        ({"audience": Audience(countries=[f"{a}{b}" for a in "ABCDEF" for b in "ABCDEF"])}, "at most 30 countries"),
        ({"review_days": 40}, "after 30 days, not after 40"),
        ({"priority": 5}, "no priority"),
        ({"audience": Audience(top_percent=20)}, "the best 20 % are those with at least 98 % approved of at least 100"),
        ({"rules": [{"kind": "skipped_in_row", "most": 3}]}, "pages skipped in a row never strikes"),
        ({"whole_pages": False}, "one with fewer tasks costs as much as a full one"),
    ],
)
def test_what_cannot_be_done_is_said_before_publishing(turk, account, changes, says):
    sentences = turk.lacks(account, replace(SPEC, **changes))
    assert any(says in sentence for sentence in sentences)
    assert all(sentence.endswith(".") for sentence in sentences)


def test_what_is_only_about_paid_work_is_not_said_of_a_training(turk, account):
    assert turk.lacks(account, replace(SPEC, kind="training", price_micro=0, whole_pages=False)) == []


def test_the_real_service_needs_a_page_under_https(turk, account, settings):
    assert turk.lacks(account, SPEC) == []
    account.base_url, settings.BASE_URL = "", "http://winnow.example"
    assert "only under https" in turk.lacks(account, SPEC)[0]
    settings.BASE_URL = "https://winnow.example"
    assert turk.lacks(account, SPEC) == []


def test_a_price_that_is_no_whole_cent_never_reaches_mturk(turk, account, there):
    with pytest.raises(Invalid, match=r"\$0.025 is not a whole number of cents"):
        turk.ensure_batch(account, replace(SPEC, price_micro=25_000))
    assert not there.house.market.hit_types


@pytest.mark.parametrize(
    ("price", "places", "fee"),
    [
        (0, 9, 0),
        (10_000, 9, 10_000),
        (50_000, 9, 10_000),
        (60_000, 9, 12_000),
        (1_000_000, 9, 200_000),
        (1_000_000, 10, 400_000),
    ],
)
def test_the_fee_is_a_fifth_at_least_a_cent_and_twice_that_from_ten_people_on(price, places, fee):
    assert amounts.fee(price, places) == fee


def test_a_quote_has_the_fee_of_nine_however_many_answers_a_task_gets(turk, account):
    assert turk.quote(account, pages=100, price_micro=100_000, overlap=50) == 100 * 120_000
