"""Answers of people banned for their quality do not count: what nobody has reviewed is added up again without them."""

import pytest

from crowd.models import Batch, Restriction, Task
from crowd.services import trust
from curation.models import Annotation, Project, Stage
from curation.services import datasets
from curation.services.consensus import reopening
from tests import scenes
from tests.crowd.market import NOON
from tests.engine import answered, world
from tests.engine.answered import ALIKE

pytestmark = pytest.mark.django_db
FOUR = (0.4, 0.402, 0.404, 0.401)


@pytest.fixture
def project():
    return answered.project(max_answers=5)


def ban(of: Project, name: str, *, rule: str = "control", batch: Batch | None = None) -> None:
    trust.restrict(
        worker_id=scenes.worker(name).pk,
        scope=Restriction.Scope.BATCH if batch else Restriction.Scope.PROJECT,
        scope_id=batch.pk if batch else of.pk,
        reason="3 of 10 control tasks right",
        until=None,
        by_rule=rule,
    )


@pytest.fixture
def boxes(project):
    return scenes.batch(project, "boxes")


def test_an_image_with_enough_other_answers_passes_again_without_the_banned_one(project, boxes):
    (asset,) = answered.aggregated(project, FOUR)
    ban(project, "w0")
    assert reopening.reopen(project_id=project.pk, now=NOON) == 1
    assert answered.stands(asset) == ("aggregate", "waiting", "")
    answered.work(project)
    assert answered.stands(asset)[1] == "published"
    assert answered.current(asset).n_answers == 3
    assert Annotation.objects.filter(discarded_at__isnull=False).count() == 1


def test_an_image_left_with_too_few_answers_gets_another_one_from_the_crowd(project, boxes):
    (asset,) = answered.aggregated(project, ALIKE)
    ban(project, "w0")
    reopening.reopen(project_id=project.pk, now=NOON)
    answered.work(project, "aggregate")
    assert answered.stands(asset) == ("boxes", "waiting", "")
    assert answered.current(asset).reason == "few"


def test_it_happens_once(project, boxes):
    (asset,) = answered.aggregated(project, FOUR)
    ban(project, "w0")
    reopening.reopen(project_id=project.pk, now=NOON)
    answered.work(project)
    assert reopening.reopen(project_id=project.pk, now=NOON) == 0
    assert answered.stands(asset)[1] == "published"


def test_it_happens_with_the_next_page_that_is_taken_in():
    project = world.campaign(wanted=2, aggregate={"max_answers": 5})
    (asset,) = answered.aggregated(project, FOUR)
    ban(project, "w0")
    world.send(project, world.photo("one"))
    assert world.verdicts(asset)[-1] == ("publish", "returned")
    assert world.stands(asset) == ("aggregate", "waiting", "")
    assert Annotation.objects.get(discarded_at__isnull=False).worker_id == scenes.worker("w0").pk


def test_what_a_frozen_version_holds_stays_closed(project, boxes):
    (asset,) = answered.aggregated(project, FOUR)
    datasets.freeze_version(project_id=project.pk, by=None, now=NOON)
    ban(project, "w0")
    assert reopening.reopen(project_id=project.pk, now=NOON) == 0
    assert answered.stands(asset)[1] == "published"
    assert not Annotation.objects.filter(discarded_at__isnull=False).exists()


def test_an_image_still_in_work_asks_for_one_answer_in_place_of_the_other(project, boxes):
    asset = answered.image(project, (0.4,), at="boxes", state="working")
    task = Task.objects.create(
        batch=boxes, key="one", project_id=project.pk, item_id=asset.pk, overlap=3, issued=1, done=1
    )
    ban(project, "w0")
    reopening.reopen(project_id=project.pk, now=NOON)
    task.refresh_from_db()
    assert task.overlap == 4


@pytest.mark.parametrize("kind", ["dishonesty", "elsewhere", "other project"])
def test_other_bans_leave_the_answers_alone(project, boxes, kind):
    (asset,) = answered.aggregated(project, FOUR)
    if kind == "dishonesty":
        ban(project, "w0", rule="dishonesty")
    elif kind == "elsewhere":
        ban(project, "w0", batch=scenes.batch(project, "choice"))
    else:
        ban(answered.project(), "w0")
    assert reopening.reopen(project_id=project.pk, now=NOON) == 0
    assert answered.stands(asset)[1] == "published"


def test_a_ban_from_the_box_pool_itself_counts(project, boxes):
    answered.aggregated(project, FOUR)
    ban(project, "w0", batch=boxes)
    assert reopening.reopen(project_id=project.pk, now=NOON) == 1
    assert Stage.objects.get(project=project, kind="aggregate").assets.count() == 1
