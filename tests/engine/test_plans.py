"""A plan as a paste, a file and a command: each says the same, and what is wrong is named by its place."""

import json
import shlex
import time
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from crowd.errors import CrowdError
from crowd.models import Account, Tally
from curation.engine import asking, campaigns, planning, set_up
from curation.engine.class_list import read_classes, write_classes
from curation.engine.command_line import mine_command
from curation.engine.plan_file import plan_text, read_plan
from curation.engine.planning_time import USUAL_SECONDS, Pace, hours, pace_of
from curation.models import Event, Job, Pool, Project
from curation.recipes.loading import BadRecipe, load
from tests.engine import world
from tests.factories import make_user

KNOWN = load("gestures").classes
PASTED = """class,wanted
peace 500
call
two up	1,200
like;30
wave,20,"Wave, with your whole hand"
"""


def asked(**more: Any):
    return asking.campaign(**{"recipe": "gestures", "platform": "inhouse", "name": "Plan", "budget": "9000", **more})


def test_lines_tables_and_names_with_blanks_are_read():
    found = read_classes(PASTED, KNOWN)
    assert found.faults == []
    assert found.classes == ["peace", "call", "two_up", "like", "wave"]
    assert found.quotas == {"peace": 500, "two_up": 1200, "like": 30, "wave": 20}
    assert found.prompts == {"wave": "Wave, with your whole hand"}
    assert read_classes(write_classes(found.classes, found.quotas, found.prompts), KNOWN) == found


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("peace,many", "'many' is no whole number"),
        ("peace 0", "must be from 1 to 1,000,000, not 0"),
        ("call 5", "call stands there twice"),
        ("wavve 5", "'wavve' is not a class of this preset. Say what workers read about it to add it: wavve, 5"),
    ],
)
def test_a_wrong_line_is_named_and_the_others_are_kept(line, sentence):
    found = read_classes(f"call 5\n\n{line}\nlike", KNOWN)
    assert found.classes[:1] == ["call"]
    assert found.classes[-1] == "like"
    assert len(found.faults) == 1
    assert found.faults[0].startswith("Line 3: ")
    assert sentence in found.faults[0]


def test_a_prompt_of_several_lines_and_signs_is_read_as_one_cell():
    text = write_classes(["wave"], {"wave": 20}, {"wave": "Wave; with\n\tyour “whole”,\nhand"})
    found = read_classes(text, KNOWN)
    assert found.faults == []
    assert found.prompts == {"wave": "Wave; with your “whole”, hand"}


@pytest.mark.parametrize(
    "line", ["1 " * 30_000 + "x", "x" + " 1" * 30_000, "1," * 30_000 + "x", "x 1,000" + " " * 60_000]
)
def test_a_line_as_long_as_the_field_is_read_at_once(line):
    began = time.process_time()
    read_classes(line, KNOWN)
    assert time.process_time() - began < 1


@pytest.fixture
def whole():
    """A plan in which everything differs from the recipe."""
    return asked(
        classes=["call", "peace", "wave"],
        wanted=7,
        quotas={"peace": 500},
        prompts={"wave": "Wave: “all” of it = well"},
        settings={"validate": {"overlap": 5, "conditions": ["Look twice", "don't rush"]}, "checks": {"radius": 30}},
        team="Vision",
        owner="Ann O'Hara",
    )


@pytest.mark.django_db
def test_file_and_command_stand_for_the_same_plan(whole, tmp_path, capsys):
    file = read_plan(plan_text(whole))
    again = asked(
        name=file.name,
        classes=list(file.classes),
        wanted=file.wanted,
        quotas=file.quotas,
        prompts=file.prompts,
        settings=file.settings,
        budget=file.budget_usd,
        team=file.team,
        owner=file.owner,
    )
    assert again == whole
    (tmp_path / "plan.yaml").write_text(plan_text(whole))
    call_command("mine", "--plan", str(tmp_path / "plan.yaml"), "--dry-run", "--json")
    by_file = json.loads(capsys.readouterr().out)
    call_command(*shlex.split(mine_command(whole))[1:], "--dry-run", "--json")
    assert json.loads(capsys.readouterr().out) == by_file
    assert [(row["class"], row["wanted"]) for row in by_file["pools"]] == [("call", 7), ("peace", 500), ("wave", 7)]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("recipe: [", "is not YAML"),
        ("- peace", "holds no plan"),
        ("name: X", "recipe: Field required"),
        ("recipe: gestures\nprice: 3", "price: Extra inputs"),
        ("recipe: gestures\nclasses: {peace: many}", "classes → peace"),
    ],
)
def test_a_wrong_file_is_one_sentence(text, sentence):
    with pytest.raises(BadRecipe, match=sentence):
        read_plan(text)


@pytest.mark.django_db
def test_the_command_says_what_is_missing_or_wrong(tmp_path):
    for words, sentence in [
        (["-t", "call"], "Say -p and -c, or --plan"),
        (["--plan", str(tmp_path / "no.yaml")], "cannot be read"),
        (["-p", "gestures", "-c", "inhouse", "-t", "call=x"], "must be a whole number, not 'x'"),
        (["-p", "gestures", "-c", "inhouse", "-t", "wave"], "'wave' is not a class"),
    ]:
        with pytest.raises(CommandError, match=sentence):
            call_command("mine", *words, "--dry-run")


@pytest.mark.django_db
def test_every_class_gets_its_own_number_and_added_ones_a_place_behind_the_others(whole):
    asked_first = asked(classes=["call"], wanted=1)
    campaigns.ensure_project(asked=asked_first, by=None, now=timezone.now())
    project = campaigns.ensure_project(asked=whole, by=None, now=timezone.now()).project
    pools = Pool.objects.filter(project=project, stage__kind="collect").order_by("label_class__index")
    assert [(pool.label_class.name, pool.wanted) for pool in pools] == [("call", 7), ("peace", 500), ("wave", 7)]
    assert project.classes.get(name="wave").index == 19  # behind the negative class, which was there before
    assert project.classes.get(name="wave").prompt.startswith("Wave: “all”")


def test_a_training_about_classes_nobody_can_draw_is_refused():
    with pytest.raises(CrowdError, match="no pictures with known answers can be drawn of wave"):
        asked(classes=["wave"], prompts={"wave": "Wave"})
    none = {"training_tasks": 0, "exam_tasks": 0, "control_per_page": 0}
    assert asked(classes=["wave"], prompts={"wave": "Wave"}, settings={"validate": none}).added == {"wave": "Wave"}


def test_the_range_holds_the_expected_sum_and_is_the_same_each_time():
    plan = asked(wanted=1000)
    rows = planning.plan(plan)
    total, span = sum(row.micro for row in rows), planning.span(plan, rows)
    assert span.low_micro < total < span.high_micro
    assert span == planning.span(plan, rows)


def test_twice_the_people_need_half_the_time_and_what_was_measured_is_surer():
    plan = asked(wanted=1000)
    rows = planning.plan(plan)
    guessed, measured = Pace(USUAL_SECONDS, ()), Pace(USUAL_SECONDS, USUAL_SECONDS.keys())
    ten = hours(plan, rows, pace=guessed, people=10)
    twenty, known = hours(plan, rows, pace=guessed, people=20), hours(plan, rows, pace=measured, people=10)
    assert (twenty.p50, twenty.p90) == pytest.approx((ten.p50 / 2, ten.p90 / 2))
    assert known.p90 / known.p50 < ten.p90 / ten.p50
    assert hours(plan, [], pace=guessed, people=10) is None


@pytest.mark.django_db
def test_the_pace_is_what_people_have_shown_and_simulated_ones_do_not_count():
    project = world.campaign()
    collecting = world.batch(project, "collect")
    assert pace_of([project.pk]) == Pace(USUAL_SECONDS, {}.keys())
    for word, n in (("pages.ms", 150 * 30_000), ("pages.sent", 150)):
        Tally.objects.create(of_kind="batch", of_id=collecting.pk, minutes=0, word=word, slot=0, n=n)
    seen = pace_of([project.pk])
    assert (seen.seconds["collect"], list(seen.measured)) == (30, ["collect"])
    assert pace_of([]) == Pace(USUAL_SECONDS, {}.keys())
    collecting.account.platform = "rehearsal"
    collecting.account.save()
    assert not pace_of([project.pk]).measured


@pytest.mark.django_db
def test_a_pilot_opens_a_small_part_and_the_rest_follows(settings):
    alice = make_user("Alice")
    wanted = set_up.Wanted(
        "gestures", "Pilot", ["call", "like"], 30, "inhouse", "50", quotas={"like": 2}, start="pilot", pilot=3
    )
    set_up.ask(wanted=wanted, by=alice)
    set_up.run_set_up(Job.objects.get(kind="set_up"), timezone.now())
    collecting = Pool.objects.filter(project__slug="pilot", stage__kind="collect").order_by("label_class__index")
    assert [(pool.wanted, pool.state) for pool in collecting] == [(3, "opening"), (2, "opening")]
    set_up.collect_rest(wanted=wanted, by=alice, now=timezone.now())
    assert list(collecting.values_list("wanted", flat=True)) == [30, 2]
    with pytest.raises(CrowdError, match="is not there yet"):
        set_up.collect_rest(wanted=wanted, by=make_user("Charlie"), now=timezone.now())


@pytest.mark.django_db
def test_pools_that_cannot_open_wait_as_drafts_with_the_reason():
    alice = make_user("Alice")
    Account.objects.create(slug="inhouse", platform="inhouse", label="In-house", is_active=False)
    set_up.ask(wanted=set_up.Wanted("gestures", "Closed", ["call"], 5, "inhouse", "5", start="all"), by=alice)
    set_up.run_set_up(Job.objects.get(kind="set_up"), timezone.now())
    project = Project.objects.get(slug="closed")
    assert set(project.pools.values_list("state", flat=True)) == {"draft"}
    assert "is switched off" in Event.objects.get(project_id=project.pk, kind="project.not_opened").text
