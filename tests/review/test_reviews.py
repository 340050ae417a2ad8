"""Reviewing: what a decision does, and taking it back."""

import uuid

import pytest
from django.utils import timezone

from crowd.models import Task
from curation.models import (
    Asset,
    Consensus,
    ConsensusBox,
    DatasetItem,
    DatasetVersion,
    Decision,
    Review,
    ReviewLease,
)
from curation.services import reviews
from curation.services.datasets import freeze_version
from curation.services.reviews import Decided
from curation.stages import crowdwork
from tests import scenes
from tests.review.deciding import decide, next_names

pytestmark = pytest.mark.django_db
FIXED = [{"label": "gesture", "x": 0.1, "y": 0.1, "w": 0.2, "h": 0.3}]


# --- decisions --------------------------------------------------------------------------------------------------------
def test_an_accepted_image_passes_the_review(world, image, rita):
    assert decide(world, rita, image, "accept").refused == []
    image.refresh_from_db()
    assert (image.stage.kind, image.state) == ("publish", "waiting")
    last = Decision.objects.filter(asset=image).latest("id")
    assert (last.verdict, last.by_kind, last.by_id) == ("passed", "reviewer", rita.pk)
    assert not ReviewLease.objects.exists()


def test_the_same_decision_sent_twice_is_stored_once(world, image, rita):
    key = uuid.uuid4()
    first = decide(world, rita, image, "accept", key=key)
    again = decide(world, rita, image, "accept", key=key)
    assert first.saved == again.saved == [key]
    assert Review.objects.count() == 1
    assert Decision.objects.filter(asset=image, verdict="passed").count() == 1


def test_a_rejected_image_is_dropped_with_its_reason(world, image, rita):
    decide(world, rita, image, "reject", reason="cut_off")
    image.refresh_from_db()
    assert (image.state, image.reason) == ("dropped", "cut_off")


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"verdict": "reject", "reason": "ugly"}, "'ugly' is no reason to reject"),
        ({"verdict": "praise"}, "'praise' is no verdict"),
        ({"verdict": "fix", "boxes": None}, "A fix needs its boxes"),
        (
            {"verdict": "fix", "boxes": [{**FIXED[0], "label": "cat"}]},
            "Box 1 needs one of the labels gesture, no gesture",
        ),
        ({"verdict": "fix", "boxes": [{**FIXED[0], "x": 0.95}]}, "Box 1 must lie inside the image"),
        ({"verdict": "fix", "boxes": [{**FIXED[0], "w": float("nan")}]}, "Box 1 needs the numbers"),
        ({"verdict": "fix", "boxes": FIXED[:1] * 1_001}, "1,001 boxes are more than the 1,000 a fix may have."),
        ({"verdict": "undo", "undoes": uuid.UUID(int=7)}, "There is no decision of yours to undo"),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused_and_changes_nothing(world, image, rita, sent, sentence):
    (refusal,) = decide(world, rita, image, **sent).refused
    assert refusal.why.startswith(sentence)
    image.refresh_from_db()
    assert image.state == "held"
    assert not Review.objects.exists()
    assert not Decision.objects.exists()


def test_fixed_boxes_become_a_new_version_and_the_old_one_stays(world, image, rita):
    decide(world, rita, image, "fix", boxes=FIXED)
    old, new = Consensus.objects.filter(asset=image).order_by("version")
    assert (old.is_current, new.is_current) == (False, True)
    assert (new.method, new.version, new.boxes.get().label) == ("person", 2, "gesture")
    image.refresh_from_db()
    assert image.stage.kind == "publish"


@pytest.mark.parametrize("status", [Consensus.Status.LABEL, Consensus.Status.UNDECIDED])
def test_boxes_drawn_on_an_image_that_only_has_votes_are_frozen_with_it_and_the_votes_stay(world, image, rita, status):
    Consensus.objects.filter(asset=image).update(status=status, stage=world.stages.get(kind="validate"))
    ConsensusBox.objects.filter(consensus__asset=image).delete()
    decide(world, rita, image, "fix", boxes=FIXED)
    drawn = Consensus.objects.current().filter(asset=image).first()
    assert (drawn.method, drawn.status, drawn.boxes.count()) == ("person", "hard", 1)
    assert Consensus.objects.filter(asset=image, status=status, is_current=True).count() == 1
    Asset.objects.filter(pk=image.pk).update(state=Asset.State.PUBLISHED)
    version = freeze_version(project_id=world.pk, by=rita, now=timezone.now())
    assert version.counts["boxes"] == 1


def test_one_refused_decision_does_not_hold_up_the_others(world, boxes, rita):
    good, bad = (scenes.image_at_review(world, boxes, seed=seed) for seed in ("good", "bad"))
    rows = [
        Decided(key=uuid.uuid4(), asset=bad.public_id, verdict="reject", reason="none"),
        Decided(key=uuid.uuid4(), asset=good.public_id, verdict="accept"),
    ]
    result = reviews.record(project=world, user=rita, decisions=rows, now=timezone.now())
    assert (len(result.saved), len(result.refused)) == (1, 1)


def test_an_image_that_somebody_else_looks_at_is_not_decided_over_his_head(world, image, rita):
    next_names(world, "Rob")
    (refusal,) = decide(world, rita, image, "accept").refused
    assert refusal.why.startswith("Rob is looking at this image")


def test_an_image_decided_already_is_refused_for_the_second_reviewer(world, image, rita):
    decide(world, rita, image, "accept")
    (refusal,) = decide(world, scenes.person("Rob"), image, "reject", reason="cut_off").refused
    assert refusal.why.startswith("This image is no longer at review")


def test_a_held_image_waits_behind_all_others(world, boxes, image, rita):
    decide(world, rita, image, "hold")
    scenes.image_at_review(world, boxes, seed="fair", confidence=0.79)
    assert next_names(world, "Rita") == ["fair.jpg", "one.jpg"]


@pytest.mark.parametrize("verdict", ["send_back", "one_more"])
def test_one_more_answer_is_asked_for_at_the_boxes_stage(world, boxes, image, rita, verdict):
    decide(world, rita, image, verdict)
    image.refresh_from_db()
    assert (image.stage.kind, image.state) == ("boxes", "waiting")
    crowdwork.offer(stage=image.stage, now=timezone.now(), limit=10)
    assert Task.objects.get(item_id=image.pk).overlap == 4


def test_at_most_three_more_answers_are_asked_for(world, image, rita):
    review = world.stages.get(kind="review")
    for _ in range(3):
        assert decide(world, rita, image, "one_more").refused == []
        Asset.objects.filter(pk=image.pk).update(stage=review, state=Asset.State.HELD)
    (refusal,) = decide(world, rita, image, "one_more").refused
    assert refusal.why.startswith("3 more answers were asked for already")


# --- undo -------------------------------------------------------------------------------------------------------------
def test_an_undone_decision_brings_the_image_back_and_stays_on_record(world, image, rita):
    key = uuid.uuid4()
    decide(world, rita, image, "accept", key=key)
    assert decide(world, rita, image, "undo", undoes=key).refused == []
    image.refresh_from_db()
    assert (image.stage.kind, image.state, image.reason) == ("review", "held", "undo")
    assert [row.verdict for row in Review.objects.order_by("id")] == ["accept", "undo"]
    assert next_names(world, "Rita") == ["one.jpg"]


def test_an_undone_fix_brings_the_earlier_boxes_back(world, image, rita):
    key = uuid.uuid4()
    decide(world, rita, image, "fix", boxes=FIXED, key=key)
    decide(world, rita, image, "undo", undoes=key)
    assert Consensus.objects.get(asset=image, is_current=True).method == "hard-soft-drop"


def test_an_undone_request_for_one_more_takes_the_open_place_away(world, image, rita):
    key = uuid.uuid4()
    decide(world, rita, image, "one_more", key=key)
    crowdwork.offer(stage=world.stages.get(kind="boxes"), now=timezone.now(), limit=10)
    decide(world, rita, image, "undo", undoes=key)
    assert Task.objects.get(item_id=image.pk).overlap == 3


def test_a_decision_is_undone_once(world, image, rita):
    key = uuid.uuid4()
    decide(world, rita, image, "accept", key=key)
    decide(world, rita, image, "undo", undoes=key)
    (refusal,) = decide(world, rita, image, "undo", undoes=key).refused
    assert refusal.why == "This decision was undone already."


def test_somebody_elses_decision_cannot_be_undone(world, image, rita):
    key = uuid.uuid4()
    decide(world, rita, image, "accept", key=key)
    (refusal,) = decide(world, scenes.person("Rob"), image, "undo", undoes=key).refused
    assert refusal.why.startswith("There is no decision of yours")


@pytest.mark.parametrize("is_whole", [True, False])
def test_an_image_in_a_version_that_is_frozen_or_being_frozen_stays_there(world, image, rita, is_whole):
    key = uuid.uuid4()
    decide(world, rita, image, "accept", key=key)
    frozen_at = timezone.now() if is_whole else None
    version = DatasetVersion.objects.create(project=world, number=3, frozen_at=frozen_at)
    DatasetItem.objects.create(dataset=version, asset=image)
    (refusal,) = decide(world, rita, image, "undo", undoes=key).refused
    assert "frozen in data set version v3" in refusal.why


def test_undone_decisions_do_not_count_as_done(world, image, rita):
    key = uuid.uuid4()
    decide(world, rita, image, "accept", key=key)
    decide(world, rita, image, "undo", undoes=key)
    standing = reviews.standing(project=world, user=rita, now=timezone.now())
    assert (standing.done, standing.left) == (0, 1)
