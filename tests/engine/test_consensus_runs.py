"""Runs: adding up again in another way, moving what has changed, keeping what a person decided, going back."""

import uuid
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from crowd.errors import CrowdError
from curation.models import (
    Annotation,
    Asset,
    Box,
    Consensus,
    ConsensusBox,
    ConsensusRun,
    Decision,
    Event,
    Project,
    Review,
    Stage,
)
from curation.services import datasets, jobs, reviews
from curation.services.consensus import answers, applying, runs
from tests import scenes
from tests.crowd.market import NOON, at_once
from tests.engine import answered
from tests.engine.answered import ALIKE, APART, LOOSE

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return answered.project(max_answers=3)


def decide(asset: Asset, verdict: str, **more: Any) -> None:
    Asset.objects.filter(pk=asset.pk).update(stage=answered.stage(asset.project, "review"), state="held")
    decided = reviews.Decided(key=uuid.uuid4(), asset=asset.public_id, verdict=verdict, **more)
    saved = reviews.record(project=asset.project, user=scenes.person("Alice"), decisions=[decided], now=NOON)
    assert not saved.refused


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


def test_the_answers_to_twenty_images_take_four_queries(project, django_assert_max_num_queries):
    for _ in range(20):
        answered.image(project)
    source = answered.stage(project, "boxes")
    ids = answers.sample(answers.answered(source), 20)
    with django_assert_max_num_queries(4):
        assert len(answers.sheets(source, ids)) == 20


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


@pytest.mark.parametrize("verdict", ["accept", "fix", "reject"])
def test_what_a_person_decided_stays_as_it_is(project, verdict):
    (asset,) = answered.aggregated(project, (0.4, 0.41, 0.43))
    box = {"x": 0.1, "y": 0.1, "w": 0.2, "h": 0.2, "label": "gesture"}
    scenes.batch(project, "boxes")
    decide(asset, verdict, boxes=[box] if verdict == "fix" else None, reason="misplaced" if verdict == "reject" else "")
    before, stood = answered.current(asset), answered.stands(asset)
    run = answered.apply(project, iou=0.9)
    assert answered.stands(asset) == stood
    assert answered.current(asset) == before
    assert Consensus.objects.filter(asset=asset, run=run, is_current=False).exists()
    assert run.counts.get("kept_person", 0) == (verdict != "reject")
    assert "left" not in run.counts


def test_boxes_from_a_file_stand_over_a_run_with_answers_and_without(project):
    bare, asked = answered.image(project, (), at="publish", state="published"), answered.aggregated(project, LOOSE)[0]
    for asset in (bare, asked):
        Consensus.objects.filter(asset=asset).update(is_current=False)
        given = {"project_id": project.pk, "asset": asset, "stage": answered.stage(project)}
        row = Consensus.objects.create(**given, version=2, method="import", status="hard", confidence=1.0, n_answers=1)
        ConsensusBox.objects.create(consensus=row, seq=0, x=0.1, y=0.1, w=0.2, h=0.2, label="gesture", confidence=1.0)
    before = [(answered.current(asset), answered.stands(asset)) for asset in (bare, asked)]
    run = answered.apply(project, iou=0.9)
    assert [(answered.current(asset), answered.stands(asset)) for asset in (bare, asked)] == before
    assert list(Consensus.objects.filter(run=run).values_list("asset_id", flat=True)) == [asked.pk]
    assert (run.counts["images"], run.counts.get("left", 0)) == (1, 0)


def undo(asset: Asset) -> None:
    earlier = Review.objects.filter(asset=asset).latest("id")
    taken = reviews.Decided(key=uuid.uuid4(), asset=asset.public_id, verdict="undo", undoes=earlier.key)
    saved = reviews.record(project=asset.project, user=scenes.person("Alice"), decisions=[taken], now=NOON)
    assert not saved.refused


@pytest.mark.parametrize("verdict", ["accept", "fix"])
def test_a_decision_taken_back_after_a_run_lets_the_image_follow_the_run(project, verdict):
    (asset,) = answered.aggregated(project, (0.4, 0.41, 0.43))
    box = {"x": 0.1, "y": 0.1, "w": 0.2, "h": 0.2, "label": "gesture"}
    scenes.batch(project, "boxes")
    decide(asset, verdict, boxes=[box] if verdict == "fix" else None)
    run = answered.apply(project, iou=0.9)
    undo(asset)
    assert answered.current(asset).run == run
    assert answered.stands(asset) == ("aggregate", "dropped", "disagree_iou")


def test_a_decision_taken_back_after_a_run_has_the_image_sorted_by_what_the_run_says(project):
    Stage.objects.filter(project=project, kind="review").update(settings={"sample": 0.0, "least_confidence": 0.93})
    (asset,) = answered.aggregated(project, (0.4, 0.402, None))
    assert answered.stands(asset) == ("review", "held", "unsure")
    decide(asset, "accept")
    answered.answer(asset, 0.401, by="w7")
    run = answered.apply(project, max_answers=4)
    assert answered.current(asset).run.number == 1
    undo(asset)
    assert answered.current(asset).run == run
    assert answered.stands(asset) == ("review", "waiting", "")
    assert Decision.objects.filter(asset=asset).latest("id").reason == "sorted_again"


def test_a_decision_taken_back_without_a_run_in_between_waits_for_the_person(project):
    (asset,) = answered.aggregated(project, ALIKE)
    before = answered.current(asset)
    decide(asset, "accept")
    undo(asset)
    assert answered.stands(asset) == ("review", "held", "undo")
    assert answered.current(asset) == before


def test_an_image_of_a_frozen_version_stays_published_with_its_boxes(project):
    (asset,) = answered.aggregated(project, (0.4, 0.41, 0.43))
    datasets.freeze_version(project_id=project.pk, by=scenes.person("Alice"), now=NOON)
    before = answered.current(asset)
    run = answered.apply(project, iou=0.9)
    assert answered.stands(asset)[1] == "published"
    assert answered.current(asset) == before
    assert run.counts["kept_frozen"] == 1


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


def test_raw_answers_cannot_be_changed_and_discarded_ones_do_not_count(project):
    answered.aggregated(project, ALIKE)
    for refused in (
        lambda: Annotation.objects.update(label="palm"),
        lambda: Box.objects.update(x=0.1),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            refused()
    Annotation.objects.filter(pk=Annotation.objects.first().pk).update(discarded_at=NOON)
    assert len(answers.stored(answered.stage(project))[0].annotations) == 2


def test_stored_answers_carry_pixels_pseudonyms_and_the_public_id(project):
    asset = answered.image(project, (0.4, None, 0.4))
    (image,) = answers.stored(answered.stage(project))
    assert image.image == str(asset.public_id)
    assert (image.annotations[0].boxes[0].x, image.annotations[1].boxes) == (pytest.approx(400), ())
    assert all(one.annotator.startswith("w_") for one in image.annotations)


def test_a_sample_is_the_same_again_and_grows_with_its_size(project):
    for _ in range(8):
        answered.image(project)
    small, large = ([image.image for image in answers.stored(answered.stage(project), limit=n)] for n in (3, 6))
    assert small == [image.image for image in answers.stored(answered.stage(project), limit=3)]
    assert set(small) < set(large)


def test_labels_and_flags_of_the_box_stage_reach_the_library(project):
    Stage.objects.filter(project=project, kind="boxes").update(
        settings={
            "labels": [{"name": "a"}, {"name": "b"}, {"name": "c"}],
            "flags": [{"value": "dark", "label": "Dark"}],
        }
    )
    answered.image(project, (None, None, None, 0.4))
    flagged = Annotation.objects.last()
    Annotation.objects.filter(pk=flagged.pk).delete()
    asset = Asset.objects.latest("id")
    answered.answer(asset, 0.4, by="w3", flags=["dark"])
    answered.work(project, "aggregate")
    row = answered.current(asset)
    assert (row.status, len(row.dropped)) == ("soft", 1)  # a box beside “nothing there” contradicts itself
