"""What reviewers' verdicts make known."""

import uuid

import pytest
from django.utils import timezone

from curation.models import Asset, Decision, Project
from curation.services import reviews
from curation.services.consensus.gold import known_boxes, refuted_images, sampled_images
from curation.services.reviews import Decided
from tests import scenes

pytestmark = pytest.mark.django_db
FIXED = [{"label": "gesture", "x": 0.1, "y": 0.2, "w": 0.2, "h": 0.3}]


@pytest.fixture
def world() -> Project:
    return scenes.project(Rita="reviewer")


@pytest.fixture
def image(world) -> Asset:
    return scenes.image_at_review(world, scenes.batch(world, "boxes"))


def decide(world: Project, image: Asset, verdict: str, **more: object) -> uuid.UUID:
    key = uuid.uuid4()
    decided = Decided(key=key, asset=image.public_id, verdict=verdict, **more)
    saved = reviews.record(project=world, user=scenes.person("Rita"), decisions=[decided], now=timezone.now())
    assert saved.refused == []
    return key


def boxes_stage(world: Project):
    return world.stages.get(kind="boxes")


def test_an_accepted_consensus_is_known_in_pixels(world, image):
    decide(world, image, "accept")
    (boxes,) = known_boxes(boxes_stage(world)).values()
    assert [box.label for box in boxes] == ["gesture", "no gesture"]
    assert (boxes[0].x, boxes[0].y, boxes[0].w, boxes[0].h) == pytest.approx((1152, 216, 172.8, 270))
    assert known_boxes(world.stages.get(kind="aggregate")) == known_boxes(boxes_stage(world))


def test_boxes_that_a_person_drew_are_known_under_the_public_id(world, image):
    decide(world, image, "fix", boxes=FIXED)
    assert list(known_boxes(boxes_stage(world))) == [str(image.public_id)]
    (box,) = known_boxes(boxes_stage(world))[str(image.public_id)]
    assert (box.x, box.y, box.w, box.h, box.label) == pytest.approx((192, 216, 384, 324, "gesture"), abs=1e-6)


def test_that_nothing_is_there_is_known_too(world, image):
    decide(world, image, "fix", boxes=[])
    assert known_boxes(boxes_stage(world)) == {str(image.public_id): ()}


def test_what_was_taken_back_is_not_known(world, image):
    key = decide(world, image, "fix", boxes=FIXED)
    decide(world, image, "undo", undoes=key)
    assert known_boxes(boxes_stage(world)) == {}


def test_a_rejection_refutes_and_makes_nothing_known(world, image):
    decide(world, image, "reject", reason="misplaced")
    assert known_boxes(boxes_stage(world)) == {}
    assert refuted_images(boxes_stage(world)) == {str(image.public_id)}


def test_a_bad_photo_says_nothing_about_its_boxes(world, image):
    decide(world, image, "reject", reason="third_party")
    assert refuted_images(boxes_stage(world)) == frozenset()


def held(image: Asset, reason: str) -> None:
    Decision.objects.create(
        project_id=image.project_id, asset=image, stage=image.stage, verdict="held", reason=reason, by_kind="rule"
    )


def test_only_judged_images_that_were_drawn_by_chance_are_of_the_sample(world, image):
    stage = boxes_stage(world)
    held(image, "sample")
    assert sampled_images(stage) == frozenset()
    decide(world, image, "reject", reason="misplaced")
    doubtful = scenes.image_at_review(world, scenes.batch(world, "boxes"), seed="two")
    held(doubtful, "unsure")
    decide(world, doubtful, "accept")
    assert sampled_images(stage) == {str(image.public_id)}


def test_asking_for_more_answers_and_putting_aside_say_nothing(world, image):
    decide(world, image, "hold")
    assert known_boxes(boxes_stage(world)) == {}
    decide(world, image, "one_more")
    assert known_boxes(boxes_stage(world)) == {}


def test_verdicts_of_another_project_are_not_known_here(world, image):
    decide(world, image, "accept")
    other = scenes.project(Rita="reviewer")
    assert known_boxes(other.stages.get(kind="boxes")) == {}
