"""Stages as a line: counts that lead to exactly these assets, and a stage that rests and goes on."""

import pytest
from django.urls import reverse
from django.utils import timezone

from crowd.errors import CrowdError
from crowd.models import Batch
from curation.engine import flow
from curation.models import Asset, Event, Job, Pool, Stage
from curation.services import pools, stages
from curation.services.overview import project_numbers
from curation.services.overview.pipeline import pipeline
from tests.factories import make_answer, make_asset, make_pool, make_worker


def act(people, project, name, action="pause", who="alice"):
    return people[who].post(reverse(f"stage-{action}", args=[project.public_id, name]))


def test_what_goes_in_comes_out_waits_or_was_lost(project):
    make_asset(project)
    make_asset(project, Asset.State.DROPPED, stage="checks", reason="low_resolution")
    make_asset(project, Asset.State.WAITING, stage="validate")
    make_asset(project, Asset.State.HELD, stage="checks", reason="same_photo")
    make_answer(make_pool(project), make_worker())
    line = pipeline(project_numbers(project=project, now=timezone.now()), {})
    assert [(one.step.entered, one.step.waiting, one.step.held, one.step.lost, one.step.passed) for one in line] == [
        (4, 0, 0, 0, 4), (4, 0, 1, 1, 2), (2, 1, 0, 0, 1), (1, 0, 0, 0, 1),
    ]  # fmt: skip
    assert [round(one.hours * 3600) for one in line] == [9, 0, 0, 0]


def test_a_stage_whose_job_fails_says_why(project, people):
    stage = project.stages.get(kind="checks")
    Job.objects.create(kind="work_stage", key=str(stage.pk), failures=3, last_error="OSError: the disk is full")
    page = people["vera"].get(reverse("project", args=[project.public_id])).content.decode()
    assert "the disk is full" in page


def test_a_paused_stage_takes_no_work_and_its_pools_give_none_out(project, people):
    pool = make_pool(project)
    assert act(people, project, "collect").status_code == 302
    pool.refresh_from_db()
    assert (pool.state, pool.note) == (Pool.State.PAUSED, stages.NOTE)
    assert Batch.objects.get(pool_id=pool.pk).state == Batch.State.PAUSED
    stage = project.stages.get(name="collect")
    assert flow.work_stage(stage=stage, now=timezone.now()) is False
    with pytest.raises(CrowdError, match="Resume the stage first"):
        pools.open_pool(pool_id=pool.pk, by=None, now=timezone.now())
    assert pools.not_open(project=project) == []
    assert "Paused" in people["vera"].get(reverse("project", args=[project.public_id])).content.decode()


def test_a_stage_that_goes_on_opens_the_pools_that_paused_with_it_and_no_others(project, people):
    first, second = make_pool(project, "ONE"), make_pool(project, "TWO")
    pools.pause_pool(pool_id=second.pk, by=None, now=timezone.now(), note="Enough for today.")
    act(people, project, "collect")
    act(people, project, "collect", "resume")
    states = dict(Pool.objects.filter(pk__in=[first.pk, second.pk]).values_list("title", "state"))
    assert states == {"ONE": "opening", "TWO": "paused"}
    assert list(Event.objects.filter(kind__startswith="stage.").values_list("kind", flat=True).order_by("id")) == [
        "stage.paused", "stage.resumed",
    ]  # fmt: skip


def test_a_pool_that_cannot_open_again_says_why_and_the_stage_goes_on(project, people):
    make_pool(project, "DEAR", price_micro=400_000_000)
    act(people, project, "collect")
    page = people["alice"].post(reverse("stage-resume", args=[project.public_id, "collect"]), follow=True)
    assert "DEAR stays paused" in page.content.decode()
    assert project.stages.get(name="collect").state == Stage.State.RUNNING


@pytest.mark.parametrize("who", ["rita", "vera", "charlie"])
def test_only_a_lead_pauses_a_stage(who, project, people):
    assert act(people, project, "collect", who=who).status_code == 404
    assert act(people, project, "nonsense").status_code == 404
    assert project.stages.get(name="collect").state == Stage.State.RUNNING


def test_pausing_twice_is_pausing_once(project, people):
    for _ in range(2):
        act(people, project, "collect")
    assert Event.objects.filter(kind="stage.paused").count() == 1
