"""Places: made once, nine in a HIT, opened, ended, moved to a new price."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crowd.errors import OutOfFunds, StateConflict, Throttled, Unknown
from crowd.platforms.mturk import hits
from tests.platforms.mturk.conftest import NOW, SPEC, until_done

pytestmark = pytest.mark.django_db


def places(there) -> list[int]:
    return [hit.max_assignments for hit in there.hits]


def test_pages_are_offered_in_hits_of_nine_at_most(turk, account, batch, there):
    turk.offer_pages(account, batch, 20, "k")
    assert places(there) == [9, 9, 2]


def test_the_same_command_offers_once_and_another_one_more(turk, account, batch, there):
    for key in ("k", "k", "another", "another"):
        turk.offer_pages(account, batch, 3, key)
    assert places(there) == [3, 3]


def test_a_lost_answer_makes_no_second_hit(turk, account, batch, there):
    there.breaks("drop_reply", "CreateHITWithHITType")
    with pytest.raises(Unknown):
        turk.offer_pages(account, batch, 12, "k")
    turk.offer_pages(account, batch, 12, "k")
    assert places(there) == [9, 3]


def test_a_hit_is_found_again_when_its_token_is_forgotten(turk, account, batch, there):
    there.breaks("drop_reply", "CreateHITWithHITType")
    with pytest.raises(Unknown):
        turk.offer_pages(account, batch, 3, "k")
    there.later(hours=25)
    turk.offer_pages(account, batch, 3, "k")
    assert places(there) == [3]


def test_a_hit_no_list_shows_yet_is_not_made_twice(turk, account, batch, there, monkeypatch):
    turk.offer_pages(account, batch, 3, "k")
    monkeypatch.setattr(hits, "of", lambda *_: iter(()))
    turk.offer_pages(account, batch, 3, "k")
    assert places(there) == [3]


def test_nobody_sees_a_hit_before_the_pool_is_open(turk, account, batch, there):
    turk.offer_pages(account, batch, 3, "k")
    worker = there.worker()
    assert there.sees(worker) == []
    turk.open(account, batch, NOW)
    assert len(there.sees(worker)) == 1
    turk.close(account, batch, NOW)
    assert there.sees(worker) == []


def test_an_ending_that_was_lost_is_made_up_for(turk, account, batch, there):
    there.breaks("service_fault", "UpdateExpirationForHIT")
    with pytest.raises(Unknown):
        turk.offer_pages(account, batch, 3, "k")
    assert len(there.sees(there.worker())) == 1
    turk.offer_pages(account, batch, 3, "k")
    assert there.sees(there.worker()) == []


def test_places_offered_while_the_pool_is_open_are_there_at_once(turk, account, batch, there):
    turk.open(account, batch, NOW)
    turk.offer_pages(account, batch, 3, "k")
    assert len(there.sees(there.worker())) == 1


def test_a_pool_ends_when_it_should(turk, account, there):
    batch = turk.ensure_batch(account, replace(SPEC, expires_at=NOW + timedelta(days=3)))
    turk.offer_pages(account, batch, 3, "k")
    turk.open(account, batch, NOW)
    there.later(days=2)
    assert there.sees(there.worker())
    there.later(days=2)
    assert not there.sees(there.worker())


def test_a_pool_whose_end_has_passed_is_not_opened(turk, account):
    batch = turk.ensure_batch(account, replace(SPEC, expires_at=NOW - timedelta(days=1)))
    with pytest.raises(StateConflict, match="The time of this pool ended on"):
        turk.open(account, batch, NOW)


def test_a_closed_pool_can_be_opened_again_with_what_is_left(turk, account, batch, there):
    turk.offer_pages(account, batch, 2, "k")
    turk.open(account, batch, NOW)
    there.sends()
    turk.close(account, batch, NOW)
    turk.open(account, batch, NOW)
    there.sends()
    assert not there.sees(there.worker())


def test_a_big_pool_goes_up_comes_down_and_up_again_in_slices(turk, account, batch, there):
    pages = 9 * (2 * hits.SLICE + 1)
    assert until_done(lambda: turk.offer_pages(account, batch, pages, "k")) == 3
    assert sum(places(there)) == pages
    assert until_done(lambda: turk.open(account, batch, NOW)) == 3
    assert all(hit.status == "Assignable" for hit in there.hits)
    assert until_done(lambda: turk.close(account, batch, NOW)) == 3
    assert not any(hit.status == "Assignable" for hit in there.hits)


def test_our_own_pace_keeps_below_the_throttle(turk, account, batch, monkeypatch):
    monkeypatch.setattr(hits, "database_now", lambda: NOW)  # all of it within one minute of the clock
    for number in range(12):
        turk.offer_pages(account, batch, 90, f"k{number}")
    with pytest.raises(Throttled, match="hits: 120 a minute are used"):
        turk.offer_pages(account, batch, 9, "one more")


def test_a_throttled_pool_goes_on_where_it_stopped(turk, account, batch, there):
    there.breaks("throttle", "CreateHITWithHITType", times=2)
    assert until_done(lambda: turk.offer_pages(account, batch, 45, "k")) == 3
    assert places(there) == [9] * 5


def test_without_money_there_are_no_places_and_the_sentence_says_so(turk, account, there):
    batch = turk.ensure_batch(account, replace(SPEC, price_micro=5_000_000_000))
    with pytest.raises(OutOfFunds, match="Put money on the MTurk account"):
        turk.offer_pages(account, batch, 9, "k")


def test_a_new_price_moves_a_hit_that_nobody_has_taken(turk, account, batch, there):
    turk.offer_pages(account, batch, 3, "k")
    turk.open(account, batch, NOW)
    turk.update_batch(account, batch, replace(SPEC, price_micro=200_000))
    assert [hit.type.reward for hit in there.hits] == [200_000]


def test_what_is_taken_keeps_its_price_and_the_rest_goes_on_at_the_new_one(turk, account, batch, there):
    turk.offer_pages(account, batch, 5, "k")
    turk.open(account, batch, NOW)
    sent, held = there.sends(), there.takes()
    for _ in range(2):
        turk.update_batch(account, batch, replace(SPEC, price_micro=200_000))
    old, new = there.hits
    assert (old.type.reward, old.places, new.type.reward, new.places) == (100_000, 0, 200_000, 3)
    pages = {page.ext_id: page.price_micro for page in turk.pull(account, batch, "").assignments}
    assert pages == {sent.id: 100_000}
    assert there.may_take(there.worker()) == [new]
    assert held.state == "Accepted"


def test_a_new_price_for_a_closed_pool_holds_when_it_opens_again(turk, account, batch, there):
    turk.offer_pages(account, batch, 5, "k")
    turk.open(account, batch, NOW)
    there.sends()
    turk.close(account, batch, NOW)
    turk.update_batch(account, batch, replace(SPEC, price_micro=200_000))
    assert not there.sees(there.worker())
    turk.open(account, batch, NOW)
    assert [(hit.type.reward, hit.places) for hit in there.may_take(there.worker())] == [(200_000, 4)]


def test_a_table_of_prices_that_is_dropped_leaves_one_price_for_all(turk, account, there):
    by_skill = replace(SPEC, price_skill="Signs", price_table=[(0, 100, 80_000)])
    batch = turk.ensure_batch(account, by_skill)
    turk.offer_pages(account, batch, 3, "k")
    turk.open(account, batch, NOW)
    turk.update_batch(account, batch, SPEC)
    worker = there.worker()
    turk.set_skill(account, worker, "Signs", 50)
    assert [hit.type.reward for hit in there.sees(worker)] == [100_000]


def test_a_training_needs_no_hit(turk, account, there):
    batch = turk.ensure_batch(account, replace(SPEC, kind="training", price_micro=0, grants_skill="Signs"))
    turk.offer_pages(account, batch, 3, "k")
    turk.open(account, batch, NOW)
    turk.update_batch(account, batch, replace(SPEC, kind="training", price_micro=0))
    assert there.hits == []


def test_archiving_ends_it_and_keeps_what_may_still_be_judged(turk, account, batch, there):
    turk.offer_pages(account, batch, 3, "k")
    turk.open(account, batch, NOW)
    page = there.sends()
    turk.reject(account, page.id, "blurred", NOW)
    for _ in range(2):
        turk.archive(account, batch, NOW)
    turk.accept(account, page.id, NOW)
    assert page.state == "Approved"


def test_a_batch_half_made_is_finished_by_the_next_attempt(turk, account, there):
    there.breaks("service_fault", "CreateHITType")
    with pytest.raises(Unknown):
        turk.ensure_batch(account, SPEC)
    turk.offer_pages(account, turk.ensure_batch(account, SPEC), 3, "k")
    assert [hit.type.reward for hit in there.hits] == [100_000]
    names = [one.name for one in there.house.market.qualification_types.values() if one.name.startswith("winnow")]
    assert sorted(names) == ["winnow keeps out of bat-77", "winnow keeps out of project 7"]
