"""What stays whatever a run says: what a person decided, boxes from a file, a frozen version."""

import uuid
from typing import Any

import pytest

from curation.models import (
    Asset,
    Consensus,
    ConsensusBox,
    Decision,
    Review,
    Stage,
)
from curation.services import datasets, reviews
from tests import scenes
from tests.crowd.market import NOON
from tests.engine import answered
from tests.engine.answered import ALIKE, LOOSE

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return answered.project(max_answers=3)


def decide(asset: Asset, verdict: str, **more: Any) -> None:
    Asset.objects.filter(pk=asset.pk).update(stage=answered.stage(asset.project, "review"), state="held")
    decided = reviews.Decided(key=uuid.uuid4(), asset=asset.public_id, verdict=verdict, **more)
    saved = reviews.record(project=asset.project, user=scenes.person("Alice"), decisions=[decided], now=NOON)
    assert not saved.refused


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
