"""People of other platforms at our door, also when they come twice at the same moment."""

import pytest

from crowd.errors import NotYours
from crowd.models import Assignment, Worker
from crowd.services import hosting
from tests.crowd import market, remote
from tests.crowd.market import NOON

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("far_away")]
far_away = remote.far_away


@pytest.fixture
def of():
    return remote.batch(platform="proving", n=6)


def page(of, who: Worker, ext_id: str) -> Assignment:
    return hosting.next_page(batch=of, worker=who, ext_id=ext_id, now=NOON)


def test_somebody_who_arrives_twice_at_once_is_one_worker(of):
    found = market.at_once(lambda _: hosting.arrive(account=of.account, worker_ext_id="AWANDA"), range(4))
    assert {one.pk for one in found} == {Worker.objects.get(ext_id="AWANDA").pk}


def test_two_windows_of_one_hit_show_one_page(of):
    who = market.worker(of.account)
    found = market.at_once(lambda _: page(of, who, "A1"), range(4))
    assert {one.pk for one in found} == {Assignment.objects.get().pk}


def test_two_hits_opened_at_once_give_one_page_and_one_sentence(of):
    who = market.worker(of.account)
    found = market.at_once(lambda ext_id: page(of, who, ext_id), ["A1", "A2"])
    assert sorted(type(one).__name__ for one in found) == ["Assignment", "BegunElsewhere"]
    assert Assignment.objects.count() == 1


def test_two_people_with_one_id_at_once_are_not_both_believed(of):
    people = market.workers(of.account, 2)
    found = market.at_once(lambda who: page(of, who, "A1"), people)
    assert sorted(type(one).__name__ for one in found) == ["Assignment", "NotYours"]
    assert remote.totals(of).reserved_micro == 36_000


def test_a_page_taken_over_belongs_to_the_new_id_alone(of):
    who = market.worker(of.account)
    begun = page(of, who, "A1")
    with pytest.raises(hosting.BegunElsewhere):
        page(of, who, "A2")
    hosting.take_over(batch=of, worker=who, ext_id="A2", now=NOON)
    assert page(of, who, "A2").pk == begun.pk


def test_nobody_takes_over_the_page_of_another(of):
    wanda, willa = market.workers(of.account, 2)
    page(of, wanda, "A1")
    assert hosting.take_over(batch=of, worker=willa, ext_id="A2", now=NOON) is None
    with pytest.raises(NotYours):
        page(of, willa, "A1")


def test_an_id_that_has_a_page_takes_over_no_other(of):
    wanda, willa = market.workers(of.account, 2)
    page(of, wanda, "A1")
    page(of, willa, "A2")
    assert hosting.take_over(batch=of, worker=wanda, ext_id="A2", now=NOON) is None
