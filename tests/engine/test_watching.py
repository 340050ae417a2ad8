"""What is watched every few seconds: deadlines of platforms, and where the money of open pools ends."""

from datetime import timedelta

import pytest
from django.utils import timezone

from crowd.models import Account, Assignment
from curation.engine import housekeeping
from curation.models import Event, Pool
from curation.services import budgets
from tests.factories import make_answer, make_pool, make_project, make_user, make_worker

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def pool() -> Pool:
    """An open pool on a platform that accepts by itself, with one page that nobody has judged."""
    pool = make_pool(make_project(lead=make_user("Lena")), "PALM")
    Account.objects.filter(pk=pool.account_id).update(platform="mturk")
    make_answer(pool, make_worker(), state=Assignment.State.SUBMITTED)
    return pool


def test_what_waits_near_its_deadline_is_told_to_its_project_and_pool_once_a_day(pool: Pool):
    now = timezone.now()
    Assignment.objects.update(review_until=now + timedelta(hours=20))
    for moment in (now, now + MINUTE, now + 60 * MINUTE):
        housekeeping.watch_deadlines(now=moment)
    event = Event.objects.get(kind="deadline.near")
    assert (event.project_id, event.subject_type, event.subject_id) == (pool.project_id, "pool", pool.pk)
    assert event.text.startswith("1 page waits for a verdict in ")


@pytest.mark.parametrize(("platform", "state"), [("mturk", Pool.State.PAUSED), ("toloka", Pool.State.OPEN)])
def test_a_pool_whose_pages_we_give_out_ourselves_pauses_where_its_money_ends(pool: Pool, platform: str, state: str):
    """Elsewhere the batch has held all it may cost when it was published."""
    Account.objects.filter(pk=pool.account_id).update(platform=platform)
    now = timezone.now()
    budgets.set_budget(project=pool.project, scope="pool", scope_id=pool.pk, limit_micro=0, by=None, now=now)
    housekeeping.pause_where_money_ends(now=now)
    assert Pool.objects.get(pk=pool.pk).state == state
