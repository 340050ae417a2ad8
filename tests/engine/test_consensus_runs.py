"""Runs: adding up again in another way, moving what has changed, going back."""

from typing import Any

import pytest

from crowd.errors import CrowdError
from curation.models import (
    Annotation,
    Consensus,
    ConsensusRun,
    Decision,
    Event,
    Project,
    Stage,
)
from curation.services import jobs
from curation.services.consensus import applying, runs
from tests import scenes
from tests.crowd.market import NOON, at_once
from tests.engine import answered
from tests.engine.answered import ALIKE, APART, LOOSE

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return answered.project(max_answers=3)


def test_what_arrives_is_added_up_under_the_first_run_with_its_inputs(project):
    (asset,) = answered.aggregated(project, ALIKE)
    run = ConsensusRun.objects.get()
    assert (run.number, run.state, run.method) == (1, "current", "hard-soft-drop")
    row = answered.current(asset)
    assert row.run == run
    assert row.inputs == list(Annotation.objects.order_by("id").values_list("pk", flat=True))
    assert row.status == "hard"
    assert row.expected_loss == pytest.approx(1 - row.confidence)
    assert row.boxes.get().confidence_75 is not None
    assert [name.split()[0] for name in row.used] == ["A", "B", "C"]


def test_the_reason_of_a_drop_is_stored(project):
    (asset,) = answered.aggregated(project, APART)
    assert answered.stands(asset) == ("aggregate", "dropped", "disagree_disputed")
    assert answered.current(asset).reason == "disputed"


def test_a_changed_setting_of_the_stage_starts_a_new_current_run(project):
    answered.aggregated(project, ALIKE)
    Stage.objects.filter(pk=answered.stage(project).pk).update(settings={"iou": 0.5, "max_answers": 3})
    answered.aggregated(project, ALIKE)
    assert list(ConsensusRun.objects.order_by("number").values_list("number", "state")) == [(1, "past"), (2, "current")]


def test_applying_a_kinder_threshold_brings_dropped_images_back(project):
    strict, fine = answered.aggregated(project, LOOSE, ALIKE)
    assert answered.stands(strict)[1] == "dropped"
    run = answered.apply(project, iou=0.5)
    assert answered.stands(strict) == ("review", "waiting", "")
    assert answered.stands(fine) == ("publish", "published", "")
    assert [row.run.number for row in Consensus.objects.filter(asset=strict).order_by("version")] == [1, 2]
    assert [row.is_current for row in Consensus.objects.filter(asset=strict).order_by("version")] == [False, True]
    assert (run.state, run.number) == ("current", 2)
    assert run.counts == {
        "images": 2,
        "changed": 1,
        "came_back": 1,
        "drop_before": 1,
        "hard_before": 1,
        "hard_after": 2,
    }
    assert answered.stage(project).settings["iou"] == 0.5
    assert Decision.objects.filter(asset=strict).latest("id").verdict == "restored"


def test_applying_a_stricter_threshold_takes_out_what_nobody_reviewed(project):
    loose, fine = answered.aggregated(project, (0.4, 0.41, 0.43), ALIKE)
    assert answered.stands(loose)[1] == "published"
    run = answered.apply(project, iou=0.9)
    assert answered.stands(loose) == ("aggregate", "dropped", "disagree_iou")
    assert answered.stands(fine)[1] == "published"
    assert run.counts["left"] == 1
    assert Event.objects.filter(kind="consensus.applied").get().data == run.counts


def test_what_is_held_for_a_person_is_sorted_again_when_its_outcome_changes(project):
    Stage.objects.filter(project=project, kind="review").update(settings={"sample": 0.0, "least_confidence": 0.93})
    (asset,) = answered.aggregated(project, (0.4, 0.402, None))
    assert answered.stands(asset) == ("review", "held", "unsure")
    run = answered.apply(project, method="median")
    assert run.counts.get("sorted_again") is None  # the median is as unsure as before
    answered.answer(asset, 0.401, by="w7")
    run = answered.apply(project, max_answers=4)
    assert run.counts["sorted_again"] == 1
    assert answered.stands(asset) == ("review", "waiting", "")


def test_an_image_the_crowd_has_again_waits_for_its_answer():
    project = answered.project(max_answers=5)
    (asset,) = answered.aggregated(project, LOOSE)
    assert answered.stands(asset) == ("boxes", "waiting", "")
    answered.apply(project, iou=0.5)
    assert answered.stands(asset) == ("boxes", "waiting", "")
    assert answered.current(asset).status == "hard"


def test_going_back_uses_the_stored_results_again(project, monkeypatch):
    strict, fine = answered.aggregated(project, LOOSE, ALIKE)
    answered.apply(project, iou=0.5)
    first = ConsensusRun.objects.get(number=1)
    calls = []
    monkeypatch.setattr(applying.buying, "agree", lambda *, sheets, **_: calls.extend(sheets) or [])
    run = answered.finished(runs.go_back(run=first, by=scenes.person("Alice"), now=NOON))
    assert calls == []
    assert (run.back_to, run.state, run.number) == (first, "current", 3)
    assert answered.stands(strict) == ("aggregate", "dropped", "disagree_iou")
    assert answered.stage(project).settings["iou"] == 0.7
    rows = Consensus.objects.filter(asset=fine).order_by("version")
    one, _, three = ([(box.x, box.confidence, box.support) for box in row.boxes.all()] for row in rows)
    assert one == three


def test_going_back_adds_up_again_what_has_more_answers_by_now(project):
    (asset,) = answered.aggregated(project, ALIKE)
    answered.apply(project, iou=0.5)
    answered.answer(asset, 0.403, by="w8")
    answered.finished(runs.go_back(run=ConsensusRun.objects.get(number=1), by=None, now=NOON))
    assert answered.current(asset).n_answers == 4


def test_only_a_past_run_can_come_back(project):
    answered.aggregated(project, ALIKE)
    with pytest.raises(CrowdError, match="Version 1 is current: only a past one can come back"):
        runs.go_back(run=ConsensusRun.objects.get(), by=None, now=NOON)


def test_two_applies_at_once_are_refused_with_a_sentence(project):
    answered.aggregated(project, ALIKE)
    runs.apply(stage=answered.stage(project), settings={"iou": 0.6}, by=None, now=NOON)
    with pytest.raises(CrowdError, match="Version 2 is being applied; wait until it is done"):
        runs.apply(stage=answered.stage(project), settings={"iou": 0.5}, by=None, now=NOON)


@pytest.mark.django_db(transaction=True)
def test_of_four_people_who_apply_at_the_same_moment_one_does():
    project = answered.project()
    answered.aggregated(project, ALIKE)
    stage = answered.stage(project)

    def ask(iou: float) -> ConsensusRun:
        return runs.apply(stage=stage, settings={"iou": iou}, by=None, now=NOON)

    found = at_once(ask, (0.5, 0.55, 0.6, 0.65))
    assert sum(isinstance(one, ConsensusRun) for one in found) == 1
    refused = [str(one) for one in found if isinstance(one, CrowdError)]
    assert len(refused) == 3
    assert {text.startswith("Version 2 is being applied") for text in refused} == {True}


def test_a_run_whose_job_died_holds_up_nobody(project):
    answered.aggregated(project, ALIKE)
    dead = runs.apply(stage=answered.stage(project), settings={"iou": 0.6}, by=None, now=NOON)
    jobs.Job.objects.filter(key=str(dead.pk)).update(state="dead", last_error="Out of memory")
    assert runs.progress(dead).stuck == "Out of memory"
    run = runs.apply(stage=answered.stage(project), settings={"iou": 0.5}, by=None, now=NOON)
    dead.refresh_from_db()
    assert (dead.state, run.state) == ("failed", "applying")


def died_half_way(project: Project, **settings: Any) -> ConsensusRun:
    """A run whose job has done one slice and is dead."""
    run = runs.apply(stage=answered.stage(project), settings=settings, by=None, now=NOON)
    applying.run_reaggregate(jobs.enqueue(kind=runs.KIND, key=str(run.pk)), NOON)
    jobs.Job.objects.filter(key=str(run.pk)).update(state="dead", last_error="Out of memory")
    return run


def test_after_a_run_died_what_arrives_is_added_up_under_the_current_one(project):
    answered.aggregated(project, ALIKE)
    dead = died_half_way(project, iou=0.5)
    (asset,) = answered.aggregated(project, LOOSE)
    dead.refresh_from_db()
    assert dead.state == "failed"
    assert answered.current(asset).run.number == 1
    assert answered.stands(asset)[1] == "dropped"


def test_after_a_run_died_the_current_one_comes_back_for_all_images(project, monkeypatch):
    monkeypatch.setattr(applying, "IMAGES_A_SLICE", 1)
    first, second = answered.aggregated(project, LOOSE, LOOSE)
    dead = died_half_way(project, iou=0.5)
    assert [answered.stands(asset)[0] for asset in (first, second)] == ["review", "aggregate"]
    answered.finished(runs.go_back(run=ConsensusRun.objects.get(number=1), by=None, now=NOON))
    assert {answered.stands(asset) for asset in (first, second)} == {("aggregate", "dropped", "disagree_iou")}
    states = ConsensusRun.objects.order_by("number").values_list("number", "state")
    assert list(states) == [(1, "past"), (dead.number, "failed"), (3, "current")]
    with pytest.raises(CrowdError, match="Version 3 is current"):
        runs.go_back(run=ConsensusRun.objects.get(number=3), by=None, now=NOON)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"iou": 1.5}, "setting iou is 1.5: expected a number above 0 to 1"),
        ({"method": "magic"}, "'magic' is not a method; known are"),
        ({"max_answers": 2}, "max_answers is 2: expected at least min_answers, 3"),
        ({"value_usd": "-1"}, "-1 is negative"),
        ({"colour": 1}, "colour: Extra inputs are not permitted"),
        ({"source": "validate"}, "The source of the answers cannot change"),
    ],
)
def test_wrong_settings_are_refused_and_nothing_is_written(project, settings, sentence):
    with pytest.raises(CrowdError, match=sentence):
        runs.apply(stage=answered.stage(project), settings=settings, by=None, now=NOON)
    assert not ConsensusRun.objects.filter(state="applying").exists()


def test_interrupted_and_repeated_it_comes_to_the_same_end(project, monkeypatch):
    images = answered.aggregated(project, LOOSE, ALIKE, LOOSE, ALIKE, APART)
    monkeypatch.setattr(applying, "IMAGES_A_SLICE", 2)
    run = runs.apply(stage=answered.stage(project), settings={"iou": 0.5}, by=None, now=NOON)
    job = jobs.enqueue(kind=runs.KIND, key=str(run.pk))
    again = applying.run_reaggregate(job, NOON)
    assert (again.done_n, again.total_n) == (2, 5)
    run = answered.finished(run)  # from the start: the cursor of the interrupted run is lost
    assert run.counts["images"] == 5
    assert run.counts["came_back"] == 2
    for asset in images:
        assert Consensus.objects.filter(asset=asset, run=run).count() == 1


def test_what_arrives_while_a_run_is_applied_is_added_up_under_it(project):
    answered.aggregated(project, ALIKE)
    run = runs.apply(stage=answered.stage(project), settings={"iou": 0.5}, by=None, now=NOON)
    (asset,) = answered.aggregated(project, LOOSE)
    assert answered.current(asset).run == run
    assert answered.finished(run).counts["images"] == 1
