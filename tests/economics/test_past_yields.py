"""What earlier campaigns let a new one expect: by hand, from rows, and in what a lead reads."""

import json

import pytest
from django.core.management import call_command

from curation.economics.expected import Expected
from curation.engine import asking, planning
from curation.engine.past import past_of
from curation.models import Asset, Pool, Project
from curation.services.past_yields import expected_yields
from tests.factories import make_account, make_asset, make_pool, make_project

YIELDS = {"validate": 0.6744, "storyboard": 103.9}


def test_a_campaign_counts_for_what_was_decided_and_a_large_one_for_a_hundred():
    recipe = Expected(0.5)
    small = recipe.after(passed=30, lost=10)
    assert (small.share, small.weight, small.campaigns) == (pytest.approx((10 + 30) / 60), 60, 1)
    large = recipe.after(passed=9_000, lost=1_000)
    assert (large.share, large.weight) == (pytest.approx((10 + 90) / 120), 120)
    assert recipe.after(passed=0, lost=0) == recipe


def campaign(*, passed: int, lost: int, platform: str = "inhouse") -> Project:
    project = make_project()
    pool = make_pool(project)
    Pool.objects.filter(pk=pool.pk).update(account=make_account(platform))
    for _ in range(passed):
        make_asset(project)
    for _ in range(lost):
        make_asset(project, Asset.State.DROPPED, stage="validate", reason="incorrect")
    return project


@pytest.mark.django_db
def test_real_campaigns_of_the_recipe_move_the_share_and_make_it_surer():
    alone = expected_yields("gestures", YIELDS, [])
    assert alone == {"validate": Expected(0.6744)}
    one = campaign(passed=36, lost=4)
    found = expected_yields("gestures", YIELDS, [one.pk])["validate"]
    assert (found.weight, found.campaigns) == (60, 1)
    assert found.share == pytest.approx((20 * 0.6744 + 36) / 60)


@pytest.mark.django_db
@pytest.mark.parametrize("left_out", ["small", "simulated", "rehearsal", "another recipe", "not asked"])
def test_what_is_no_such_campaign_takes_no_part(left_out):
    small, platform = left_out == "small", "rehearsal" if left_out == "simulated" else "inhouse"
    project = campaign(passed=20 if small else 36, lost=4, platform=platform)
    Project.objects.filter(pk=project.pk).update(
        is_rehearsal=left_out == "rehearsal", recipe="feet-videos" if left_out == "another recipe" else "gestures"
    )
    asked = [] if left_out == "not asked" else [project.pk]
    assert expected_yields("gestures", YIELDS, asked)["validate"] == Expected(0.6744)


@pytest.mark.django_db
def test_a_plan_after_a_good_campaign_asks_for_fewer_checks_and_is_surer(capsys):
    project = campaign(passed=95, lost=5)
    plan = asking.campaign(recipe="gestures", platform="inhouse", classes=["like"], wanted=1_000)
    told = past_of([project.pk]).told(plan)
    usual, known = planning.plan(plan), planning.plan(told)
    checks = [next(row for row in rows if row.stage == "validate") for rows in (usual, known)]
    assert checks[1].n < checks[0].n
    spans = [planning.span(one, rows) for one, rows in ((plan, usual), (told, known))]
    assert spans[1].high_micro - spans[1].low_micro < spans[0].high_micro - spans[0].low_micro
    call_command("forecast", "gestures", "--images", "1000", "--json")
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert "What passes is expected from the recipe and 1 earlier project." in notes
