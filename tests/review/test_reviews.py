"""Reviewing: who gets which image, and what a decision does."""

import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from crowd.models import Batch, Task
from curation.models import Asset, Consensus, DatasetItem, DatasetVersion, Decision, Project, Review, ReviewLease, User
from curation.services import reviews
from curation.services.reviews import Decided
from curation.stages import crowdwork
from tests import scenes

pytestmark = pytest.mark.django_db
FIXED = [{"label": "gesture", "x": 0.1, "y": 0.1, "w": 0.2, "h": 0.3}]


@pytest.fixture
def world() -> Project:
    return scenes.project(Rita="reviewer", Rob="reviewer")


@pytest.fixture
def boxes(world: Project) -> Batch:
    return scenes.batch(world, "boxes")


@pytest.fixture
def image(world: Project, boxes: Batch) -> Asset:
    return scenes.image_at_review(world, boxes)


@pytest.fixture
def rita() -> User:
    return scenes.person("Rita")


def decide(world: Project, user: User, image: Asset, verdict: str, **more: Any) -> reviews.Saved:
    decided = Decided(key=more.pop("key", uuid.uuid4()), asset=image.public_id, verdict=verdict, **more)
    return reviews.record(project=world, user=user, decisions=[decided], now=timezone.now())


def next_names(world: Project, name: str, n: int = 10) -> list[str]:
    found = reviews.next_images(project=world, user=scenes.person(name), n=n, now=timezone.now())
    return [asset.name for asset in found]


# --- the queue --------------------------------------------------------------------------------------------------------
def test_the_worst_image_comes_first(world, boxes):
    scenes.image_at_review(world, boxes, seed="fair", confidence=0.79)
    scenes.image_at_review(world, boxes, seed="awful", confidence=0.41)
    assert next_names(world, "Rita") == ["awful.jpg", "fair.jpg"]


def test_the_largest_expected_loss_comes_before_the_least_confidence(world, boxes):
    unsure = scenes.image_at_review(world, boxes, seed="unsure", confidence=0.2)
    lossy = scenes.image_at_review(world, boxes, seed="lossy", confidence=0.6)
    Consensus.objects.filter(asset=unsure).update(expected_loss=0.3)
    Consensus.objects.filter(asset=lossy).update(expected_loss=1.4)
    assert next_names(world, "Rita") == ["lossy.jpg", "unsure.jpg"]


def test_images_of_the_sample_stand_among_the_doubtful_ones(world, boxes):
    for n in range(30):
        scenes.image_at_review(world, boxes, seed=f"doubtful-{n:02}", confidence=0.3 + n / 100)
    for n in range(6):
        image = scenes.image_at_review(world, boxes, seed=f"sure-{n}", confidence=0.98)
        Asset.objects.filter(pk=image.pk).update(reason="sample")
    names = next_names(world, "Rita", 36)
    places = [place for place, name in enumerate(names) if name.startswith("sure")]
    assert len(places) == 6
    assert min(places) < 18
    assert places != list(range(30, 36))
    doubtful = [name for name in names if name.startswith("doubtful")]
    assert doubtful == sorted(doubtful)
    assert next_names(world, "Rita", 36) == names


def test_a_share_of_every_page_is_of_the_sample_and_the_rest_is_the_worst(world, boxes):
    for n in range(16):
        image = scenes.image_at_review(world, boxes, seed=f"{n}", confidence=0.9 if n % 2 else n / 20)
        if n % 2:
            Asset.objects.filter(pk=image.pk).update(reason="sample")
    names = next_names(world, "Rita", 6)
    sampled = [name for name in names if int(name.removesuffix(".jpg")) % 2]
    assert len(sampled) == 3
    assert [name for name in names if name not in sampled] == ["0.jpg", "2.jpg", "4.jpg"]


def test_when_no_doubtful_image_is_left_the_sample_is_all_there_is(world, boxes):
    for seed in "ab":
        image = scenes.image_at_review(world, boxes, seed=seed)
        Asset.objects.filter(pk=image.pk).update(reason="sample")
    assert sorted(next_names(world, "Rita")) == ["a.jpg", "b.jpg"]


def test_two_reviewers_never_get_the_same_image(world, boxes):
    for seed in "abcd":
        scenes.image_at_review(world, boxes, seed=seed)
    hers, his = next_names(world, "Rita", 2), next_names(world, "Rob", 4)
    assert len(hers) == 2
    assert len(his) == 2
    assert set(hers).isdisjoint(his)


def test_a_reviewer_who_reloads_gets_her_own_images_again(world, image):
    assert next_names(world, "Rita") == ["one.jpg"]
    assert next_names(world, "Rita") == ["one.jpg"]


def test_an_image_is_free_again_when_the_lease_is_over(world, image, rita):
    past = timezone.now() - timedelta(minutes=11)
    reviews.next_images(project=world, user=rita, n=5, now=past)
    assert next_names(world, "Rob") == ["one.jpg"]


def test_released_images_go_to_others_at_once(world, image, rita):
    next_names(world, "Rita")
    assert reviews.release_leases(user=rita, project=world) == 1
    assert next_names(world, "Rob") == ["one.jpg"]


def test_a_reload_that_overtakes_its_own_farewell_keeps_its_images(world, image, rita):
    first = timezone.now()
    reviews.next_images(project=world, user=rita, n=5, now=first)
    reviews.next_images(project=world, user=rita, n=5, now=first + timedelta(seconds=1))
    assert reviews.release_leases(user=rita, project=world, until=first + reviews.LEASE) == 0


@pytest.mark.django_db(transaction=True)
def test_reviewers_who_ask_at_the_same_moment_share_the_queue_out():
    world = scenes.project(Rita="reviewer", Rob="reviewer")
    boxes = scenes.batch(world, "boxes")
    for n in range(12):
        scenes.image_at_review(world, boxes, seed=f"image-{n}")
    got: dict[str, list[str]] = {}
    start = threading.Barrier(2)

    def ask(name: str) -> None:
        try:
            start.wait(10)
            got[name] = [found for _ in range(3) for found in next_names(world, name, 6)]
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=(name,)) for name in ("Rita", "Rob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert set(got["Rita"]).isdisjoint(got["Rob"])
    assert ReviewLease.objects.count() == len({*got["Rita"], *got["Rob"]})


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


def test_an_image_in_a_frozen_version_stays_there(world, image, rita):
    key = uuid.uuid4()
    decide(world, rita, image, "accept", key=key)
    version = DatasetVersion.objects.create(project=world, number=3, frozen_at=timezone.now())
    DatasetItem.objects.create(dataset=version, asset=image)
    (refusal,) = decide(world, rita, image, "undo", undoes=key).refused
    assert "frozen in data set version v3" in refusal.why


def test_pace_is_counted_from_the_first_decision_of_the_last_half_hour():
    now = timezone.now()
    assert reviews.pace([now - timedelta(seconds=s) for s in (60, 40, 20)], now) == 180
    assert reviews.pace([now], now) == 0


def test_undone_decisions_do_not_count_as_done(world, image, rita):
    key = uuid.uuid4()
    decide(world, rita, image, "accept", key=key)
    decide(world, rita, image, "undo", undoes=key)
    standing = reviews.standing(project=world, user=rita, now=timezone.now())
    assert (standing.done, standing.left) == (0, 1)
