"""Our own market keeps to who was asked for: languages, countries, skills, and the last day."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crowd.errors import NotYours, NoWork
from crowd.models import Worker
from crowd.services import offers
from tests.crowd import market
from tests.crowd.market import MINUTE, NOON

pytestmark = pytest.mark.django_db


def person(at, **fields: str) -> Worker:
    who = market.worker(at)
    Worker.objects.filter(pk=who.pk).update(**fields)
    who.refresh_from_db()
    return who


def is_offered(work, who, now=NOON) -> bool:
    return work.pk in {offer.batch.pk for offer in offers.offers(worker_id=who.pk, now=now)}


@pytest.mark.parametrize(
    ("audience", "inside", "outside"),
    [
        ({"languages": ["DE", "EN"]}, {"language": "en"}, {"language": "ru"}),
        ({"countries": ["DE"]}, {"country": "DE"}, {"country": "FR"}),
        ({"countries": ["DE"]}, {"country": "de"}, {"country": ""}),
    ],
)
def test_only_who_was_asked_for_is_offered_the_work_and_may_take_it(audience, inside, outside):
    work = market.batch(audience=audience)
    market.tasks(work, 2)
    welcome, other = person(work.account, **inside), person(work.account, **outside)
    assert is_offered(work, welcome)
    assert not is_offered(work, other)
    assert market.claim(work, welcome).worker_id == welcome.pk
    with pytest.raises(NotYours, match="another team, language, country or skill"):
        market.claim(work, other)


def test_a_range_of_a_skill_lets_in_those_within_it():
    work = market.batch(audience={"skills": [{"skill": "Checking", "low": 60, "high": 80}]})
    market.tasks(work, 3)
    checking = market.skill(work.account)
    people = {value: market.worker(work.account) for value in (59, 60, 80, 81)}
    for value, who in people.items():
        market.grade(who, checking, value)
    assert [value for value, who in people.items() if is_offered(work, who)] == [60, 80]
    assert not is_offered(work, market.worker(work.account))


def test_after_its_last_day_a_pool_gives_nothing_out():
    work = market.batch(expires_at=NOON + MINUTE)
    market.tasks(work, 2)
    who = market.worker(work.account)
    assert is_offered(work, who)
    assert not is_offered(work, who, NOON + MINUTE)
    with pytest.raises(NoWork, match="last day"):
        market.claim(work, who, NOON + MINUTE)


def test_the_list_of_offers_costs_as_many_questions_for_many_pools_as_for_one():
    first = market.batch()
    market.tasks(first, 2)
    who = market.worker(first.account)

    def questions() -> int:
        with CaptureQueriesContext(connection) as asked:
            offers.offers(worker_id=who.pk, now=NOON)
        return len(asked)

    before = questions()
    for _ in range(3):
        market.tasks(market.batch(at=first.account), 2)
    assert len(offers.offers(worker_id=who.pk, now=NOON)) == 4
    assert questions() == before
