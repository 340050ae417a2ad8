"""Outlooks of pools and projects: from pages in the database, kept once an hour, compared with what came."""

import math
from datetime import datetime, timedelta

import pytest
from django.db import Error, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crowd.models import Assignment, Batch, Skill, SkillValue, Worker
from crowd.services import tallies
from curation.economics.time_left import Quantiles
from curation.models import Job, Outlook, Pool, Project
from curation.services.outlook import accuracy_of, outlook_of_pool, settled, wake_due, write_outlooks, writing
from curation.services.outlook.crowd_week import week_of
from curation.services.outlook.told import Told
from curation.services.overview import PoolRow, pool_rows
from curation.services.overview.eta import with_said
from tests.factories import make_answer, make_pool, make_project, make_worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    return timezone.now().replace(minute=30, second=0, microsecond=0)


@pytest.fixture
def project() -> Project:
    return make_project()


def worked(pool: Pool, *, now: datetime, hours: int = 4, an_hour: int = 3, refused: int = 0) -> None:
    """Let people hand in pages in each of the last hours, and have some of them refused."""
    Pool.objects.filter(pk=pool.pk).update(started_at=now - timedelta(hours=hours))
    worker = make_worker()
    for number in range(hours * an_hour + refused):
        state = Assignment.State.REJECTED if number < refused else Assignment.State.ACCEPTED
        page = make_answer(pool, worker, state).assignment
        at = now - timedelta(hours=number % hours, minutes=10)
        Assignment.objects.filter(pk=page.pk).update(submitted_at=at, judged_at=at)
    tallies.fold(now=now)


def row_of(pool: Pool, now: datetime) -> PoolRow:
    return next(row for row in pool_rows(project=pool.project, now=now)[0] if row.pool == pool)


def test_a_running_pool_is_told_its_hours_and_its_final_cost(project, now):
    pool = make_pool(project, wanted=60)
    worked(pool, now=now)
    told = outlook_of_pool(row_of(pool, now), now=now)
    assert told is not None
    assert (told.left, told.inputs["pages"], told.inputs["pages_left"]) == (48, 12, 48)
    assert told.hours is not None
    assert 1 < told.hours.p5 < told.hours.p50 < told.hours.p90 < 150
    assert told.micro is not None
    assert told.micro.p50 == pytest.approx(48 * 30_000, rel=0.1)


def test_refused_pages_make_it_take_longer_and_cost_nothing_more(project, now):
    smooth, rough = make_pool(project, "A", wanted=60), make_pool(project, "B", wanted=60)
    worked(smooth, now=now)
    worked(rough, now=now, an_hour=2, refused=4)
    first, second = (outlook_of_pool(row_of(pool, now), now=now) for pool in (smooth, rough))
    assert first is not None
    assert second is not None
    assert first.hours is not None
    assert second.hours is not None
    assert first.micro is not None
    assert second.micro is not None
    assert second.hours.p50 > first.hours.p50
    assert second.micro.p50 == pytest.approx(first.micro.p50, rel=0.1)


def test_pages_that_wait_for_their_first_verdict_are_expected_to_pass_as_the_recipe_says(project, now):
    pool = make_pool(project, wanted=200)
    Pool.objects.filter(pk=pool.pk).update(started_at=now - timedelta(hours=1))
    for _ in range(20):
        page = make_answer(pool, make_worker(), Assignment.State.SUBMITTED).assignment
        Assignment.objects.filter(pk=page.pk).update(submitted_at=now - timedelta(minutes=10))
    tallies.fold(now=now)
    told = outlook_of_pool(row_of(pool, now), now=now)
    assert told is not None
    assert told.inputs["usually_accepted"] == pytest.approx(0.9451 * 0.6744, abs=1e-4)
    assert (told.inputs["in_check"], told.inputs["accepted"]) == (20, 0)


def test_people_who_may_not_do_enough_never_finish_and_it_is_said_in_numbers(project, now):
    pool = make_pool(project, wanted=60)
    skill = Skill.objects.create(account=pool.account, name="Steady hands")
    for number in range(3):
        SkillValue.objects.create(worker=make_worker(f"W{number}"), skill=skill, value=90)
    Batch.objects.filter(pool_id=pool.pk).update(needs_skill=skill, needs_value=80, per_worker=5)
    worked(pool, now=now)
    told = outlook_of_pool(row_of(pool, now), now=now)
    assert told is not None
    assert told.never == "3 people may do 5 each: 15 in all, and 60 are wanted."
    assert told.hours is None


def test_without_any_page_and_any_history_nobody_can_say_when(project, now):
    pool = make_pool(project, wanted=60)
    told = outlook_of_pool(row_of(pool, now), now=now)
    assert told is not None
    assert (told.hours, told.eta) == (None, None)
    assert told.micro is not None


def test_a_first_page_is_awaited_at_the_pace_of_earlier_pools(project, now):
    worked(make_pool(project, "EARLIER", wanted=60), now=now)
    told = outlook_of_pool(row_of(make_pool(project, "NEW", wanted=6), now), now=now)
    assert told is not None
    assert told.hours is not None
    assert told.inputs["pages"] == 0


def test_hours_of_the_week_are_read_in_the_clock_of_most_workers(project, now):
    pool = make_pool(project, wanted=900)
    worked(pool, now=now, hours=30, an_hour=2)
    Worker.objects.update(country="KZ")
    week = week_of(pool.account, now=now)
    assert str(week.zone) == "Asia/Almaty"
    assert week.seen == pytest.approx(1 / 7)


def test_outlooks_are_kept_once_an_hour_and_never_changed(project, now):
    pool = make_pool(project, wanted=60)
    worked(pool, now=now)
    write_outlooks(project=project, now=now)
    write_outlooks(project=project, now=now + timedelta(minutes=10))
    assert Outlook.objects.filter(pool=pool).count() == 1
    write_outlooks(project=project, now=now + timedelta(hours=1))
    assert Outlook.objects.filter(pool=pool).count() == 2
    with pytest.raises(Error), transaction.atomic():
        Outlook.objects.update(hours_p50=1)


def test_a_new_pool_is_spoken_of_in_the_hour_in_which_its_first_pages_come(project, now):
    pool = make_pool(project, wanted=60)
    Pool.objects.filter(pk=pool.pk).update(started_at=now - timedelta(minutes=50))
    write_outlooks(project=project, now=now)
    assert (Outlook.objects.filter(pool=None).count(), Outlook.objects.filter(pool=pool).count()) == (1, 0)
    worked(pool, now=now, hours=1)
    wake_due(now=now)
    assert Job.objects.filter(kind=writing.KIND, key=str(project.pk)).exists()
    write_outlooks(project=project, now=now)
    assert Outlook.objects.get(pool=pool).hours_p50 is not None


def test_what_was_said_last_of_each_pool_is_found_without_sorting_all_that_ever_was(project, now):
    pool = make_pool(project, wanted=60)
    said = (Outlook(project=project, pool=pool, slot=slot, goal=60, reached=0, made_at=now) for slot in range(300))
    Outlook.objects.bulk_create(said)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ANALYZE curation_outlook; SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off")
        plan = with_said(Pool.objects.filter(pk=pool.pk)).order_by().explain()
    assert "outlook_once_an_hour" in plan
    assert "Sort" not in plan


def test_what_was_said_is_compared_with_what_came(project, now):
    pool = make_pool(project, wanted=16)
    worked(pool, now=now)
    write_outlooks(project=project, now=now)
    assert accuracy_of(settled(project=project)) is None
    worked(pool, now=now, hours=4, an_hour=1)
    Pool.objects.filter(pk=pool.pk).update(state=Pool.State.DONE, finished_at=now + timedelta(hours=2))
    found = accuracy_of(settled(project=project))
    said = Outlook.objects.get(pool=pool)
    assert found is not None
    assert said.hours_p50 is not None
    assert (found.n, found.hours) == (1, pytest.approx(abs(said.hours_p50 - 2)))
    assert found.share == pytest.approx(found.hours / 2)


def test_of_each_pool_one_prediction_counts_and_none_of_a_pool_that_was_closed_early(project, now):
    reached, early = make_pool(project, "A", wanted=16), make_pool(project, "B", wanted=60)
    for pool in (reached, early):
        worked(pool, now=now)
    for hour in range(4):
        write_outlooks(project=project, now=now + timedelta(hours=hour))
    worked(reached, now=now, hours=4, an_hour=1)
    Pool.objects.filter(pk=reached.pk).update(state=Pool.State.DONE, finished_at=now + timedelta(hours=5))
    Pool.objects.filter(pk=early.pk).update(state=Pool.State.DONE, finished_at=now + timedelta(hours=6))
    assert [(one.outlook.made_at, one.hours) for one in settled(project=project)] == [(now, 5.0)]


def test_of_each_pool_the_first_prediction_after_a_quarter_of_its_time_is_found_by_its_hour(project, now):
    pool = make_pool(project, wanted=16)
    worked(pool, now=now, hours=4, an_hour=4)
    begun = now - timedelta(hours=100)
    Pool.objects.filter(pk=pool.pk).update(state=Pool.State.DONE, started_at=begun, finished_at=now)
    told = {"project": project, "pool": pool, "goal": 16, "reached": 0, "hours_p5": 1, "hours_p50": 40, "hours_p95": 90}
    moments = [begun + timedelta(hours=hour, minutes=-1) for hour in range(100)]
    Outlook.objects.bulk_create(Outlook(slot=at.timestamp() // 3600, made_at=at, **told) for at in moments)
    with CaptureQueriesContext(connection) as asked:
        found = settled(project=project)
    assert [one.outlook.made_at for one in found] == [begun + timedelta(hours=26, minutes=-1)]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ANALYZE curation_outlook; SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {asked[0]['sql']}")
        plan = "".join(line for (line,) in cursor.fetchall())
    assert "outlook_once_an_hour" in plan
    assert "slot >=" in plan


def test_a_pool_that_was_closed_early_says_nothing_about_predictions(project, now):
    pool = make_pool(project, wanted=60)
    worked(pool, now=now)
    write_outlooks(project=project, now=now)
    Pool.objects.filter(pk=pool.pk).update(state=Pool.State.DONE, finished_at=now + timedelta(hours=2))
    assert settled(project=project) == []


def test_an_end_that_one_in_ten_does_not_reach_in_ninety_days_is_given_no_date(now):
    hours = Quantiles(1.0, 4.0, math.inf, math.inf)
    told = Told(now, goal=40, reached=5, spent_micro=0, currency="USD", hours=hours)
    assert (told.eta, told.late_at) == (None, None)
    assert told.unsaid == "Too uncertain yet: more than one in ten such cases takes longer than 90 days"
