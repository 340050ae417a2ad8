"""Films are counted up to where they are cut, and their frames behind it: nothing is counted as what it is not."""

import pytest

from curation.engine import gap_pool
from curation.engine.costs import project_costs
from curation.models import Asset, Project, Stage
from curation.recipes.loading import load
from curation.services.coverage.plan import read_plan
from curation.services.overview import asset_counts, funnel, images_of, project_numbers, results_for
from curation.services.overview.pipeline import pipeline
from tests.crowd.market import NOON
from tests.factories import make_asset, make_pool, make_project, make_user

pytestmark = pytest.mark.django_db
State = Asset.State


@pytest.fixture
def project() -> Project:
    """Four films, three found right; two are cut into ten frames, of which six are unlike and four are published."""
    project = make_project()
    project.stages.all().delete()
    Stage.objects.bulk_create(
        Stage(project=project, position=n, name=one.name, kind=one.kind, title=one.title, settings=one.settings)
        for n, one in enumerate(load("feet-videos").stages)
    )
    for state, stage, reason, n in (
        (State.DROPPED, "validate", "incorrect", 1),
        (State.WAITING, "storyboard", "", 1),
        (State.DROPPED, "storyboard", "cut_into_frames", 2),
        (State.DROPPED, "checks", "near_duplicate", 4),
        (State.DROPPED, "frames", "incorrect", 2),
        (State.PUBLISHED, "publish", "", 4),
    ):
        for _ in range(n):
            asset = make_asset(project, state, stage="publish", reason=reason)
            Asset.objects.filter(pk=asset.pk).update(stage=project.stages.get(name=stage))
    return project


def test_the_funnel_counts_films_and_then_frames(project: Project):
    steps = funnel(stages=list(project.stages.all()), counts=asset_counts(project=project))
    assert {step.stage.name: (step.entered, step.passed) for step in steps} == {
        "collect": (4, 4),
        "validate": (4, 3),
        "storyboard": (3, 10),
        "checks": (10, 6),
        "frames": (6, 4),
        "publish": (4, 4),
    }


def test_every_number_of_the_pipeline_leads_to_as_many_assets(project: Project):
    for one in pipeline(project_numbers(project=project, now=NOON), {}):
        led_to = {
            words: Asset.objects.filter(project=project, stage__name__in=words.split(",")).count()
            for words in (one.later, one.step.beyond)
        }
        assert led_to[one.later] == one.step.entered
        assert not one.step.beyond or led_to[one.step.beyond] == one.step.passed


def test_films_that_are_wanted_come_to_as_many_images_as_those_cut_so_far_did(project: Project):
    steps = funnel(stages=list(project.stages.all()), counts=asset_counts(project=project))
    assert images_of(steps, 6) == 12
    assert images_of(steps, 1) == 4  # as many as are cut already
    assert images_of(steps[:2], 6) == 6  # nothing is cut: one result is one image
    collecting = make_pool(project, wanted=6)
    Stage.objects.filter(pk=collecting.stage_id).update(kind="collect")
    assert project_numbers(project=project, now=NOON).plan == 12


def test_a_pool_for_missing_frames_asks_for_the_films_they_are_cut_from(project: Project):
    steps = funnel(stages=list(project.stages.all()), counts=asset_counts(project=project))
    assert [results_for(steps, images) for images in (1, 4, 5, 12)] == [1, 2, 3, 6]
    assert results_for(steps[:2], 5) == 5  # nothing is cut: one result is one image
    asked = f"{project.classes.get().pk}:0:0:12"
    terms = {"crowd": "inhouse", "by_links": False, "by": make_user("Alice"), "now": NOON}
    pool = gap_pool.make(project=project, factors=read_plan("skin: dark 50%, light 50%"), asked=asked, **terms)
    assert pool.wanted == 6


def test_before_a_film_is_cut_nobody_knows_how_many_images_they_come_to(project: Project):
    Asset.objects.filter(project=project).update(stage=project.stages.get(name="validate"), state=State.WAITING)
    assert images_of(funnel(stages=list(project.stages.all()), counts=asset_counts(project=project)), 6) == 0


def test_a_film_pays_for_all_its_frames(project: Project):
    steps = funnel(stages=list(project.stages.all()), counts=asset_counts(project=project))
    paid = {step.stage.pk: 0 for step in steps} | {steps[1].stage.pk: 40_000}
    found = project_costs(steps=steps, rows=[], spent=paid, delivered=4)
    assert {row.stage: row.n for row in found.comparison.as_is.rows}["validate"] == 4
    assert found.at_the_end is not None
    assert found.at_the_end.low < 40_000 / 4 < found.at_the_end.high
