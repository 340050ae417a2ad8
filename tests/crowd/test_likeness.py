"""A simulated crowd like a real one: the take is learned from what collecting pools got in their first hours."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from crowd.errors import CrowdError
from crowd.models import Assignment, Batch, Worker
from crowd.rehearsal.arrivals import PHOTOS, Coming, Sessions
from crowd.rehearsal.collection import Terms, collect
from crowd.rehearsal.population import Population
from crowd.services.likeness import Likeness, coming_like
from tests.crowd import market

pytestmark = pytest.mark.django_db
NINE = market.NOON.replace(hour=9)  # a Monday
UTC = ZoneInfo("UTC")


@pytest.fixture
def project_id() -> int:
    return market.budget()


def pool(project_id: int, **fields: Any) -> Batch:
    return market.batch("photo", project_id=project_id, opened_at=NINE, per_worker=20, **fields)


def pages(of: Batch, moments) -> None:
    """Rows of pages that were handed in at these hours after the opening, all by one person."""
    who: Worker = market.worker(of.account)
    when = [NINE + timedelta(hours=float(hour)) for hour in moments]
    Assignment.objects.bulk_create(
        Assignment(
            account=of.account,
            ext_id=f"{of.pk}-{n}",
            ext_digest=f"{of.pk}-{n}".encode().ljust(32),
            batch=of,
            project_id=of.project_id,
            worker=who,
            state=Assignment.State.ACCEPTED if n % 3 else Assignment.State.REJECTED,
            issued_at=moment,
            lease_until=moment,
            submitted_at=moment,
        )
        for n, moment in enumerate(when)
    )


def arrivals(hours: int, take: float) -> list[float]:
    """When a simulated crowd with such a take hands in, spread evenly over each hour."""
    crowd = collect(Population(), Terms(10**6, cap=20, horizon=float(hours)), seed=3, sessions=Sessions(take=take))
    return [hour + (n + 0.5) / count for hour, count in enumerate(crowd.by_hour) for n in range(count)]


def like(project_id: int, hours: float, zone: ZoneInfo = UTC) -> Likeness:
    return coming_like(project_id=project_id, zone_of=lambda _: zone, now=NINE + timedelta(hours=hours), sigma=1.4)


def test_two_hours_of_a_pool_tell_how_many_take_its_work(project_id):
    pages(pool(project_id), arrivals(2, take=0.3))
    found = like(project_id, 2.2)
    assert found.photos is not None
    assert found.photos.low <= 0.3 <= found.photos.high
    assert found.coming.photos.take == found.photos.take == pytest.approx(0.3, rel=0.3)
    assert found.coming.films == Coming().films
    assert found.films is None


def test_hours_are_those_of_the_workers_so_the_same_pages_at_night_mean_more_takers(project_id):
    pages(pool(project_id), np.linspace(0.01, 2.99, 300))
    by_day, by_night = like(project_id, 3), like(project_id, 3, ZoneInfo("America/Los_Angeles"))
    assert by_night.coming.photos.take > 1.5 * by_day.coming.photos.take


def test_an_hour_that_is_not_over_and_pages_nobody_handed_in_do_not_count(project_id):
    collecting = pool(project_id)
    pages(collecting, [*np.linspace(0.01, 0.99, 80), 1.1, 1.2])
    Assignment.objects.filter(ext_id__endswith="-7").update(state=Assignment.State.EXPIRED, submitted_at=None)
    found = like(project_id, 1.5)
    assert found.photos is not None
    assert (found.photos.counted, found.photos.hours) == (79, 1)


def test_a_pool_that_is_over_counts_until_its_last_page(project_id):
    pages(pool(project_id, state=Batch.State.CLOSED), np.linspace(0.01, 3.5, 400))
    found = like(project_id, 200)
    assert found.photos is not None
    assert found.photos.hours == 3


def test_more_pools_at_once_mean_that_each_has_a_part_of_its_takers(project_id):
    first = pool(project_id)
    pages(first, np.linspace(0.01, 1.99, 200))
    alone = like(project_id, 2).coming.photos.take
    for _ in range(3):
        market.batch("choice", at=first.account, project_id=project_id, opened_at=NINE)
    assert like(project_id, 2).coming.photos.take == pytest.approx(2 * alone, rel=0.05)


def test_films_are_told_apart_from_photos(project_id):
    films = pool(project_id, spec={"title": "Film this", "media": "video"})
    pages(films, np.linspace(0.01, 1.99, 150))
    found = like(project_id, 2)
    assert found.photos is None
    assert found.coming.photos == PHOTOS
    assert found.films is not None
    assert found.coming.films.take == found.films.take


def test_without_a_full_hour_there_is_nothing_to_learn_from(project_id):
    market.batch("choice", project_id=project_id, opened_at=NINE)
    pool(project_id)
    with pytest.raises(CrowdError, match="open for a full hour"):
        like(project_id, 0.9)
