"""Votes about a photo: the majority decides as soon as no vote to come can change it; skills may decide sooner."""

import itertools
from collections import Counter
from typing import Any

import pytest

from crowd.models import SkillValue, Task
from crowd.services import skills
from curation.models import Annotation, Asset, Consensus, Project
from curation.services.consensus import runs
from curation.stages import votes
from curation.stages.registry import stage_kind
from tests.crowd.market import NOON
from tests.engine import world

pytestmark = pytest.mark.django_db
OPTIONS = ("correct", "incorrect", "rotated")


def rule(**changed: Any) -> votes.Rule:
    return votes.Rule(**{"stop": "curtailed", "overlap": 3, "most": 5, "tau": 0.97, "labels": OPTIONS, **changed})


def checked(**validate: Any) -> tuple[Project, Asset]:
    project = world.campaign(wanted=2, validate=validate)
    asset = world.checked(project, world.photo("one"))
    return project, asset


def test_two_equal_votes_of_three_decide_and_the_third_is_never_bought():
    project, asset = checked(page_size=1)
    world.work(project, "validate")
    assert world.on_offer(project, "validate") == 2
    world.validate(project, "correct", "correct")
    assert world.stands(asset) == ("boxes", "waiting", "")
    assert world.on_offer(project, "validate") == 0
    row = Consensus.objects.get(asset=asset)
    assert row.trace == ["votes: 2 × correct", "2 of 3 agreed: the third answer was not needed, saved $0.09"]
    assert row.confidence == pytest.approx(0.985, abs=0.01)
    assert world.totals(project).paid_micro == 30_000 + 2 * 90_000


def test_three_equal_votes_of_five_spare_two():
    project, asset = checked(overlap=5, most_overlap=7)
    world.work(project, "validate")
    assert world.on_offer(project, "validate") == 3
    world.validate(project, "correct", "correct", "correct")
    assert Consensus.objects.get(asset=asset).trace[1] == ("3 of 5 agreed: 2 answers were not needed, saved $0.18")


def test_a_place_that_was_offered_before_is_withdrawn_once_the_votes_decide():
    project, asset = checked()
    world.work(project, "validate")
    Task.objects.filter(item_id=asset.pk).update(overlap=3)  # as tasks were issued before votes were bought one by one
    world.validate(project, "correct", "correct")
    assert world.on_offer(project, "validate") == 0
    assert "saved $0.09" in Consensus.objects.get(asset=asset).trace[1]


def test_a_fixed_number_of_votes_is_bought_when_a_lead_wants_it_so():
    project, asset = checked(stop="fixed")
    world.work(project, "validate")
    assert world.on_offer(project, "validate") == 3
    world.validate(project, "correct", "correct")
    assert world.stands(asset)[:2] == ("validate", "working")
    world.validate(project, "correct")
    assert Consensus.objects.get(asset=asset).trace == ["votes: 3 × correct"]


def test_nobody_is_asked_twice_about_a_photo():
    project, asset = checked()
    world.validate(project, "correct", "incorrect", "rotated", "correct")
    workers = Annotation.objects.filter(asset=asset).values_list("worker_id", flat=True)
    assert len(set(workers)) == 4


@pytest.mark.parametrize("overlap", [3, 5])
def test_stopping_early_says_what_all_votes_would_have_said(overlap):
    """Every sequence of three answers: as soon as it stops, the full majority is the same."""
    project, _ = checked()
    stage = project.stages.get(name="validate")
    for sequence in itertools.product(OPTIONS, repeat=overlap):
        given = [Annotation(worker_id=-n, label=label) for n, label in enumerate(sequence, start=1)]
        stopped = next(
            (found for n in range(2, overlap + 1) if (found := weigh(stage, given[:n], overlap)).next != "buy"), None
        )
        ranked = Counter(sequence).most_common()
        tie = len(ranked) > 1 and ranked[0][1] == ranked[1][1]
        assert (stopped.label if stopped else None) == (None if tie else ranked[0][0])


def weigh(stage, given, overlap):
    return votes.weigh(answers=given, rule=rule(overlap=overlap, most=overlap), known=known(stage, given))


def known(stage, given):
    return votes.skills_of(stage, [one.worker_id for one in given])


def test_good_voters_on_control_tasks_stop_sooner_than_unknown_ones():
    project, _ = checked(stop="posterior", overlap=3, most_overlap=7)
    stage, batch = project.stages.get(name="validate"), world.batch(project, "validate")
    given = [Annotation(worker_id=world.worker(project, f"v{n}").pk, label="correct") for n in range(2)]
    posterior = rule(stop="posterior", most=7, tau=0.99)
    assert votes.weigh(answers=given, rule=posterior, known=known(stage, given)).next == "buy"
    skill = skills.ensure_skill(account=batch.account, name=skills.quality_name(batch))
    for one in given:
        SkillValue.objects.create(worker_id=one.worker_id, skill=skill, value=90, ok=40, n=40)
    found = votes.weigh(answers=given, rule=posterior, known=known(stage, given))
    assert (found.next, found.label) == ("none", "correct")
    assert found.confidence > 0.99


def test_a_posterior_that_never_is_sure_ends_at_the_most_answers():
    project, asset = checked(stop="posterior", overlap=3, most_overlap=4, tau=0.999)
    world.work(project, "validate")
    assert world.on_offer(project, "validate") == 2
    world.validate(project, "correct", "incorrect", "correct", "rotated")
    row = Consensus.objects.get(asset=asset)
    assert (row.label, row.method, row.n_answers) == ("correct", "one-coin", 4)
    assert world.stands(asset)[0] == "boxes"
    assert Task.objects.get(item_id=asset.pk, batch__interface="choice").overlap == 4


def test_the_fewest_answers_that_can_decide_are_asked_for_first():
    kind = stage_kind("validate")
    options = [{"value": "a", "label": "A"}, {"value": "b", "label": "B"}]
    for overlap, fewest in ((1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (7, 4)):
        settings = kind.Settings.model_validate({"options": options, "overlap": overlap})
        assert settings.starts_with == fewest


def test_a_label_says_which_votes_it_came_from_and_under_which_version_of_the_settings():
    project, asset = checked(stop="posterior", tau=0.9, overlap=3, most_overlap=4)
    world.validate(project, "correct", "correct", "correct")
    row = Consensus.objects.get(asset=asset)
    given = Annotation.objects.filter(asset=asset).order_by("id").values_list("pk", flat=True)
    assert (row.inputs, row.n_answers) == (list(given), len(given))
    assert (row.run.number, row.run.state, row.run.method) == (1, "current", "one-coin")
    assert row.settings == row.run.settings
    assert {name: row.settings[name] for name in ("stop", "tau", "overlap", "most")} == {
        "stop": "posterior", "tau": 0.9, "overlap": 3, "most": 4,
    }  # fmt: skip


def test_other_settings_of_the_votes_make_a_new_version_and_the_same_ones_do_not():
    project, _ = checked()
    stage = project.stages.get(name="validate")
    settings = rule().to_json()
    first = runs.label_run(stage=stage, method="majority", settings=settings, now=NOON)
    assert runs.label_run(stage=stage, method="majority", settings=settings, now=NOON) == first
    other = runs.label_run(stage=stage, method="majority", settings={**settings, "stop": "fixed"}, now=NOON)
    first.refresh_from_db()
    assert (first.state, other.state, other.number) == ("past", "current", 2)
