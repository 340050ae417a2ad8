"""What simulated people meet who are at work together."""

import pytest

from crowd.rehearsal.answers import Photo
from crowd.rehearsal.own_market import MarketTogether, PhotoRound, Visitor, stalls_of
from crowd.rehearsal.pictures import Truth
from tests.crowd import market
from tests.crowd.market import NOON


@pytest.mark.django_db
def test_a_photo_can_be_sent_again_once_its_page_is_handed_in():
    batch = market.batch("photo")
    market.tasks(batch)
    (wanda,) = market.workers(batch.account, 1)
    stalls = stalls_of(batch.account_id)
    visitor = Visitor(wanda, NOON, is_live=False)
    venue = MarketTogether(visitor, stalls, PhotoRound([wanda], [batch]))
    page = venue.take(stalls[0])
    (task,) = page.tasks
    truth = Truth("peace", (), 640, 360, "drawing")
    kept = venue.keep_photo(task, Photo(b"a photo", truth, None))
    assert venue.earlier_photo(0) is None, "nobody has got it yet"
    venue.hand_in(page, {task.ref: kept}, 60_000)
    assert venue.earlier_photo(0) == (b"a photo", truth)
