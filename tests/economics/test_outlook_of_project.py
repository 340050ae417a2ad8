"""Outlooks of whole projects: from the hours at work, never where a pool cannot end, with what each stage costs."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from django.utils import timezone

from crowd.models import Batch, Skill, SkillValue
from crowd.services import tallies
from curation.economics.final_cost import draw_final_cost
from curation.engine.forecasting import running
from curation.models import Decision, Pool, Project, Stage
from curation.services import events
from curation.services.outlook import Told, outlook_of_project, with_outlook
from curation.services.outlook.of_project import Answers, stages_ahead, yields_of
from curation.services.overview import FunnelStep, Loss, project_numbers
from tests.factories import make_asset, make_pool, make_project, make_worker

pytestmark = pytest.mark.django_db
OPENED = timedelta(hours=8)


@pytest.fixture
def now() -> datetime:
    return timezone.now().replace(minute=30, second=0, microsecond=0)


@pytest.fixture
def pool(now: datetime) -> Pool:
    """A pool that was opened eight hours ago and brought a published photo in each of them."""
    project = make_project()
    Project.objects.filter(pk=project.pk).update(created_at=now - OPENED)
    pool = make_pool(project, wanted=60)
    Pool.objects.filter(pk=pool.pk).update(started_at=now - OPENED)
    for number in range(8):
        asset = make_asset(project)
        Decision.objects.create(
            project_id=project.pk,
            asset=asset,
            stage=asset.stage,
            verdict=Decision.Verdict.PASSED,
            created_at=now - timedelta(hours=number, minutes=5),
        )
    tallies.fold(now=now)
    return pool


def told_of(pool: Pool, now: datetime) -> Told:
    project = Project.objects.get(pk=pool.project_id)
    told = outlook_of_project(project, project_numbers(project=project, now=now))
    assert told is not None
    return told


def turned(pool: Pool, kind: str, at: datetime) -> None:
    events.record(kind=kind, text="turned", project=pool.project, subject=pool, now=at)


def test_days_before_the_first_pool_was_opened_are_no_part_of_the_pace(pool: Pool, now: datetime):
    fresh = told_of(pool, now)
    Project.objects.update(created_at=now - timedelta(days=4))
    late = told_of(pool, now)
    assert (fresh.inputs["published"], fresh.inputs["hours"]) == (8, 8.0)
    assert fresh.hours is not None
    assert late.hours == fresh.hours


@pytest.mark.parametrize(("state", "is_told"), [("waiting", True), ("held", True), ("dropped", False)])
def test_without_pools_nothing_is_promised_when_nothing_is_on_its_way(now: datetime, state: str, is_told: bool):
    """Of three pictures that a search brought two are published."""
    project = make_project()
    for _ in range(2):
        make_asset(project)
    make_asset(project, state, stage="checks")
    numbers = project_numbers(project=project, now=now)
    assert (outlook_of_project(project, numbers) is not None) == is_told


def test_a_pause_is_no_part_of_the_pace(pool: Pool, now: datetime):
    turned(pool, "pool.opened", now - OPENED)
    turned(pool, "pool.paused", now - timedelta(hours=6))
    turned(pool, "pool.opened", now - timedelta(hours=2))
    assert told_of(pool, now).inputs["hours"] == 4.0


def test_a_project_whose_people_may_not_do_enough_is_told_never_and_no_day(pool: Pool, now: datetime):
    skill = Skill.objects.create(account=pool.account, name="Steady hands")
    for number in range(3):
        SkillValue.objects.create(worker=make_worker(f"W{number}"), skill=skill, value=90)
    Batch.objects.filter(pool_id=pool.pk).update(needs_skill=skill, needs_value=80, per_worker=5)
    told, sentence = told_of(pool, now), "3 people may do 5 each: 15 in all, and 60 are wanted."
    numbers = project_numbers(project=pool.project, now=now)
    assert (told.never, told.hours) == (f"PEACE: {sentence}", None)
    assert with_outlook(numbers, told).forecast is None
    assert any(sentence in note for note in running(pool.project, now=now).notes)


def test_a_project_that_is_paused_promises_no_day(pool: Pool, now: datetime):
    Pool.objects.filter(pk=pool.pk).update(state=Pool.State.PAUSED)
    told = told_of(pool, now)
    assert (told.is_stopped, told.hours, told.unsaid) == (True, None, "No pool is open")
    assert "No pool is open, so it does not go on." in running(pool.project, now=now).notes


def test_a_project_with_all_published_says_so_and_what_it_has_cost(pool: Pool, now: datetime):
    Pool.objects.filter(pk=pool.pk).update(wanted=8)
    found = running(pool.project, now=now)
    assert found.notes[-1] == "All that was planned is published."
    assert found.interval == (0, 0)


def test_what_people_sent_is_paid_where_it_is_accepted_and_each_check_where_it_is_made():
    collect, validate, publish = (Stage(pk=pk, kind=kind) for pk, kind in enumerate(("collect", "validate", "publish")))
    lost = (Loss("incorrect", "rejected", 20),)
    steps = [
        FunnelStep(collect, 100, 1.0, 0, 0, (), ""),
        FunnelStep(validate, 70, 0.7, 8, 2, lost, ""),
        FunnelStep(publish, 70, 0.7, 0, 0, (), ""),
    ]
    first, second, last = stages_ahead(steps, {0: 2_100_000, 1: 900_000}, {})
    assert (first.entry_micro, first.pass_micro, last.entry_micro) == (0, 0, 0)
    assert (second.entry_micro, second.pass_micro, second.waiting) == (10_000, 30_000, 10)
    assert last.is_certain


def test_answers_about_what_is_not_decided_yet_make_what_is_decided_no_dearer():
    """Of 40 photos 10 are decided; 60 of the 120 answers asked for are there: a photo costs 3 answers, not 6."""
    step = FunnelStep(Stage(pk=1, kind="boxes"), 10, 0.25, 30, 0, (), "", working=30)
    (ahead,) = stages_ahead([step], {1: 600_000}, {1: Answers(asked=120, given=60, begun=30)})
    assert (ahead.entry_micro, ahead.waiting, ahead.prepaid_micro) == (30_000, 30, 300_000)
    drawn = draw_final_cost(stages=[ahead], left=30, spent_micro=600_000)
    assert drawn is not None
    assert np.median(drawn) == pytest.approx(1_200_000, rel=0.08)


@pytest.mark.parametrize(("passed", "waiting"), [(100, 900), (1_000, 0)], ids=["not asked yet", "came in behind"])
def test_photos_nobody_was_asked_about_make_an_answered_one_no_cheaper(passed, waiting):
    """300 answers for $3.00 were asked, and given, about 100 photos; the stage has stopped."""
    step = FunnelStep(Stage(pk=1, kind="boxes"), passed, 1.0, waiting, 0, (), "")
    (ahead,) = stages_ahead([step], {1: 3_000_000}, {1: Answers(asked=300, given=300, begun=100)})
    assert (ahead.entry_micro, ahead.prepaid_micro) == (30_000, 0)


@pytest.mark.parametrize(("usual", "uneven"), [(3, 0.1720), (4, 0.1332)])
def test_what_items_cost_is_as_uneven_as_the_answers_beyond_what_their_pools_ask_for(usual: int, uneven: float):
    """A hundred items took 325 answers: some were asked about once more, or some of four were not needed."""
    step = FunnelStep(Stage(pk=1, kind="boxes"), 100, 1.0, 0, 0, (), "")
    (ahead,) = stages_ahead([step], {1: 3_250_000}, {1: Answers(asked=325, given=325, begun=100, usual=usual)})
    assert ahead.uneven == pytest.approx(uneven, abs=5e-5)


def test_pictures_brought_in_behind_a_storyboard_let_its_frames_be_foretold():
    kinds = ("collect", "validate", "storyboard", "checks", "frames", "publish")
    steps = [FunnelStep(Stage(pk=pk, kind=kind, name=kind), 5, 1.0, 0, 0, (), "") for pk, kind in enumerate(kinds)]
    ahead = stages_ahead(steps, {}, {}, yields_of("feet-videos"))
    assert [stage.expected for stage in ahead] == [1, 0.6096, None, 0.364, 0.8946, 1]
    drawn = draw_final_cost(stages=ahead, left=30, spent_micro=600_000)
    assert drawn is not None
    assert np.isfinite(drawn).all()
