"""The review queue: who gets which image, and when."""

import threading
import uuid
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from curation.models import Asset, Consensus, ReviewLease, ReviewPlace
from curation.services import reviews
from tests import scenes
from tests.review.deciding import decide, next_names

pytestmark = pytest.mark.django_db
FIXED = [{"label": "gesture", "x": 0.1, "y": 0.1, "w": 0.2, "h": 0.3}]


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


def test_an_image_whose_decision_was_taken_back_stays_with_the_person_who_looks_at_it_again(world, image, rita):
    key = uuid.uuid4()
    assert next_names(world, "Rita") == ["one.jpg"]
    assert decide(world, rita, image, "accept", key=key).refused == []
    assert decide(world, rita, image, "undo", undoes=key).refused == []
    assert next_names(world, "Rob") == []
    assert next_names(world, "Rita") == ["one.jpg"]


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
            start.wait(60)
            got[name] = [found for _ in range(3) for found in next_names(world, name, 6)]
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=(name,)) for name in ("Rita", "Rob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert set(got["Rita"]).isdisjoint(got["Rob"])
    assert ReviewLease.objects.count() == len({*got["Rita"], *got["Rob"]})


def test_pace_is_counted_from_the_first_decision_of_the_last_half_hour():
    now = timezone.now()
    assert reviews.pace(3, now - timedelta(seconds=60), now) == 180
    assert reviews.pace(2, now - timedelta(seconds=60), now) == 0
    assert reviews.pace(0, None, now) == 0


def places() -> dict[int, float | None]:
    return dict(ReviewPlace.objects.values_list("asset", "badness"))


def test_an_image_has_its_place_from_being_held_to_being_decided(world, boxes, rita):
    image = scenes.image_at_review(world, boxes, seed="image", confidence=0.5)
    assert places() == {image.pk: pytest.approx(0.5e-9)}
    Consensus.objects.filter(asset=image).update(expected_loss=2.0)
    assert places() == {image.pk: pytest.approx(2.0)}
    saved = decide(world, rita, image, "accept")
    assert saved.saved
    assert places() == {}
    before = Consensus.objects.get(asset=image, is_current=True)
    before.is_current = False
    before.save()
    Asset.objects.filter(pk=image.pk).update(state="held", stage=world.stages.get(kind="review"))
    assert places() == {image.pk: None}
    Asset.objects.filter(pk=image.pk).update(reason="sample")
    assert places() == {image.pk: None}
    Asset.objects.filter(pk=image.pk).update(stage=world.stages.get(kind="boxes"))
    assert places() == {}


def test_places_are_found_anew_and_gone_with_their_images(world, boxes):
    fair, awful = (
        scenes.image_at_review(world, boxes, seed=seed, confidence=confidence)
        for seed, confidence in (("fair", 0.8), ("awful", 0.4))
    )
    right = places()
    ReviewPlace.objects.filter(asset=fair).delete()
    ReviewPlace.objects.filter(asset=awful).update(badness=0.0)
    ReviewPlace.objects.create(asset_id=awful.pk + 1_000, project_id=world.pk)
    reviews.place_all()
    assert places() == right
    assert set(right) == {fair.pk, awful.pk}
    Asset.objects.filter(pk=fair.pk).delete()
    assert set(places()) == {awful.pk}


@pytest.mark.django_db(transaction=True)
def test_a_result_that_comes_while_its_image_is_decided_leaves_no_place():
    world = scenes.project()
    image = scenes.image_at_review(world, scenes.batch(world, "boxes"))

    def come() -> None:
        try:
            Consensus.objects.filter(asset=image).update(confidence=0.1)
        finally:
            connection.close()

    coming = threading.Thread(target=come)
    with transaction.atomic(), connection.cursor() as cursor:
        Asset.objects.filter(pk=image.pk).update(state="waiting", stage=world.stages.get(kind="publish"))
        coming.start()
        waits = False
        while coming.is_alive() and not waits:
            cursor.execute(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY"
                "(pg_blocking_pids(pid)))"
            )
            (waits,) = cursor.fetchone()
    coming.join(120)
    assert waits
    assert Consensus.objects.get(asset=image).confidence == 0.1
    assert places() == {}


def test_places_that_are_wrong_are_said_in_one_line_and_mended(world, boxes):
    fair, awful = (scenes.image_at_review(world, boxes, seed=seed) for seed in ("fair", "awful"))
    ReviewPlace.objects.filter(asset=fair).delete()
    ReviewPlace.objects.bulk_create(ReviewPlace(asset_id=awful.pk + n, project_id=world.pk) for n in (1_000, 1_001))
    said = StringIO()
    with pytest.raises(CommandError, match="1 difference"):
        call_command("reconcile", stdout=said, stderr=StringIO())
    expected = "here 2 places of images that do not wait, there 1 images that wait without a place: the queue of review"
    assert said.getvalue() == f"queue     {expected}\n"
    call_command("reconcile", "--recount", stdout=StringIO())
    assert set(places()) == {fair.pk, awful.pk}
    call_command("reconcile", stdout=StringIO())


def test_the_queue_is_read_in_its_order_and_asks_for_no_result(world, image, rita):
    with CaptureQueriesContext(connection) as asked:
        reviews.next_images(project=world, user=rita, n=9, now=timezone.now())
    assert not [one["sql"] for one in asked if "curation_consensus" in one["sql"]]
