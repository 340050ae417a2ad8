"""Verdicts teach too: enough of them cause a new fit of the reliability model."""

import random
import uuid
from datetime import timedelta

import pytest

from curation.models import Asset, Decision, Job, Project
from curation.services import jobs, reviews
from curation.services.consensus import fits
from tests import scenes
from tests.crowd.market import NOON
from tests.engine import answered

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(minutes=5)


@pytest.fixture
def project() -> Project:
    """Thirty images added up and fitted."""
    row = answered.project(method="reliability", max_answers=3)
    rng = random.Random(1)
    for _ in range(30):
        left = rng.uniform(0.1, 0.6)
        answered.image(row, [left + rng.gauss(0, 0.003) for _ in range(3)])
    answered.work(row, "aggregate")
    fits.refit(source=answered.stage(row, "boxes"), now=NOON)
    Job.objects.filter(kind="refit").delete()
    return row


def judge(project: Project, n: int, verdict: str = "accept", reason: str = "") -> list[Asset]:
    judged = Asset.objects.filter(project=project, reviews=None)[:n]
    ids = [asset.pk for asset in judged]
    Asset.objects.filter(pk__in=ids).update(stage=answered.stage(project, "review"), state="held")
    decisions = [
        reviews.Decided(key=uuid.uuid4(), asset=asset.public_id, verdict=verdict, reason=reason)
        for asset in Asset.objects.filter(pk__in=ids)
    ]
    saved = reviews.record(project=project, user=scenes.person("Alice"), decisions=decisions, now=LATER)
    assert len(saved.saved) == n
    return list(Asset.objects.filter(pk__in=ids))


def test_twenty_newly_known_images_make_a_refit_due_and_a_verdict_wakes_its_job(project):
    source = answered.stage(project, "boxes")
    judge(project, 19)
    assert not fits.is_due(source)
    judge(project, 1)
    assert fits.is_due(source)
    fits.run_refit(Job.objects.get(kind="refit"), LATER)
    assert fits.latest_fit(source).known == 20
    assert not fits.is_due(source)


def test_a_driver_on_a_virtual_clock_leaves_no_job(project):
    with jobs.moved_by_hand():
        judge(project, 1)
    assert not Job.objects.filter(kind="refit").exists()


@pytest.mark.parametrize(("reason", "is_due"), [("misplaced", True), ("third_party", False)])
def test_rejections_of_boxes_make_a_refit_due_and_those_of_pictures_do_not(project, reason, is_due):
    judge(project, 20, "reject", reason)
    assert fits.is_due(answered.stage(project, "boxes")) is is_due


def drawn(images: list[Asset]) -> None:
    for image in images:
        Decision.objects.create(
            project_id=image.project_id,
            asset=image,
            stage=answered.stage(image.project, "review"),
            verdict="held",
            reason="sample",
            by_kind="rule",
        )


def promise(project: Project) -> object:
    return fits.refit(source=answered.stage(project, "boxes"), now=LATER).state["calibration"]


def test_promises_are_learnt_from_the_sample_alone_and_a_rejection_in_it_is_a_wrong_image(project):
    as_said = promise(project)
    doubtful = judge(project, 10, "reject", "misplaced")
    assert promise(project) == as_said
    drawn(doubtful[:8])
    humbled = promise(project)
    assert humbled != as_said
    drawn(judge(project, 12))
    assert promise(project) not in (as_said, humbled)
