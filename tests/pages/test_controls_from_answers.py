"""A lead makes control tasks from reviewed pictures in one click, and says how often an exam may be sat again."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crowd.models import Answer, Batch, Task
from crowd.services import control, retrying
from crowd.services.retrying import Retries
from curation.models import Asset, Event, Pool, Project, Review
from curation.services import erasing
from tests import scenes

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
def world() -> Project:
    return scenes.project(Rita="reviewer")


def at_pool(world: Project, interface: str, **fields: Any) -> tuple[Pool, Batch]:
    batch = scenes.batch(world, interface, **fields)
    stage = world.stages.get(pk=batch.stage_id)
    pool = Pool.objects.create(
        project=world, stage=stage, account=batch.account, kind=batch.kind, title=interface.upper()
    )
    Batch.objects.filter(pk=batch.pk).update(pool_id=pool.pk)
    batch.refresh_from_db()
    return pool, batch


def signed_in(name: str) -> Client:
    client = Client()
    client.force_login(scenes.person(name))
    return client


def reviewed(image: Asset, verdict: str = "accept") -> Review:
    agreed = image.consensus.get()
    return Review.objects.create(
        project_id=image.project_id, key=uuid.uuid4(), asset=image, consensus=agreed, verdict=verdict
    )


def url(name: str, pool: Pool, *more: object) -> str:
    return reverse(name, args=[pool.project.public_id, pool.pk, *more])


def test_a_reviewed_picture_becomes_a_control_task_that_its_makers_never_meet(world):
    pool, batch = at_pool(world, "boxes", page_size=2, control_per_page=1)
    image, unseen = (scenes.image_at_review(world, batch, seed=seed) for seed in ("one", "two"))
    reviewed(image)
    alice = signed_in("Alice")
    page = alice.get(url("pool-rules", pool)).content.decode()
    assert "2 boxes, accepted by a reviewer" in page
    assert str(unseen.public_id) not in page

    for name in ("Rita", "Charlie"):
        assert signed_in(name).post(url("pool-control-make", pool, image.public_id)).status_code == 404
    assert alice.post(url("pool-control-make", pool, image.public_id)).status_code == 302
    made = Task.objects.get(known_answer__isnull=False)
    assert [box["label"] for box in made.known_answer["boxes"]] == ["gesture", "no gesture"]
    makers = [row.worker for row in Answer.objects.filter(task__item_id=image.pk)]
    assert [control.for_page(batch=batch, worker=who) for who in makers] == [[], [], []]
    assert control.for_page(batch=batch, worker=scenes.worker("Wanda")) == [made]
    assert control.is_right(known=made.known_answer, payload=made.known_answer)
    assert Event.objects.filter(kind="pool.control").exists()

    again = alice.post(url("pool-control-make", pool, image.public_id))
    assert again.status_code == 400
    assert "or it is a control task already" in again.content.decode()
    assert Task.objects.filter(known_answer__isnull=False).count() == 1


def test_a_control_task_of_an_erased_picture_is_given_to_nobody(world):
    pool, batch = at_pool(world, "boxes", page_size=2, control_per_page=1)
    image, later = (scenes.image_at_review(world, batch, seed=seed) for seed in ("one", "two"))
    Asset.objects.update(worker_id=scenes.worker("Sam").pk)
    for one in (image, later):
        reviewed(one)
    alice = signed_in("Alice")
    alice.post(url("pool-control-make", pool, image.public_id))
    erasing.erase(project=world, worker=scenes.worker("Sam"), note="asked", by=scenes.person("Alice"), now=NOW)
    assert control.for_page(batch=batch, worker=scenes.worker("Wanda")) == []
    assert alice.post(url("pool-control-make", pool, later.public_id)).status_code == 400


def test_what_a_reviewer_rejected_or_nobody_reviewed_is_no_control_task(world):
    pool, batch = at_pool(world, "boxes")
    image = scenes.image_at_review(world, batch)
    alice = signed_in("Alice")
    assert alice.post(url("pool-control-make", pool, image.public_id)).status_code == 400
    reviewed(image, "reject")
    assert alice.post(url("pool-control-make", pool, image.public_id)).status_code == 400
    assert not Task.objects.filter(known_answer__isnull=False).exists()


def test_a_lead_says_how_often_an_exam_may_be_sat_again(world):
    pool, batch = at_pool(world, "choice", kind="exam", page_size=2)
    for number in range(5):
        scenes.task(batch, str(number), known="correct")
    alice = signed_in("Alice")
    assert "enough for 1 more try after" in alice.get(url("pool-rules", pool)).content.decode()
    assert signed_in("Rita").post(url("pool-retries", pool), {"times": "2", "days": "3"}).status_code == 404
    assert alice.post(url("pool-retries", pool), {"times": "2", "days": "3"}).status_code == 302
    batch.refresh_from_db()
    assert retrying.retries_of(batch) == Retries(2, 3)
    for wrong in ({"times": "11", "days": "3"}, {"times": "two", "days": "3"}, {"times": "1", "days": "0"}):
        assert alice.post(url("pool-retries", pool), wrong).status_code == 400
    batch.refresh_from_db()
    assert retrying.retries_of(batch) == Retries(2, 3)


def test_a_pool_of_outlines_takes_controls_and_compares_the_boxes_around_them(world):
    pool, batch = at_pool(world, "outlines", page_size=2, control_per_page=1)
    image = scenes.image_at_review(world, batch)
    reviewed(image)
    assert signed_in("Alice").post(url("pool-control-make", pool, image.public_id)).status_code == 302
    known = Task.objects.get(known_answer__isnull=False).known_answer
    drawn = [{"label": box["label"], "points": diamond(**box)} for box in known["boxes"]]
    assert control.is_right(known=known, payload={"outlines": drawn, "flags": []})
    assert not control.is_right(known=known, payload={"outlines": drawn[:1], "flags": []})
    assert not control.is_right(known={"text": "a cat"}, payload={"outlines": drawn})


def diamond(*, x: float, y: float, w: float, h: float, **_: object) -> list[list[float]]:
    return [[x + w / 2, y], [x + w, y + h / 2], [x + w / 2, y + h], [x, y + h / 2]]
