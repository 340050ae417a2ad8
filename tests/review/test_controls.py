"""Control images: one whose right answer is known, among the others; and what was decided lately."""

import uuid
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from crowd.clock import database_now
from curation.models import Asset, Consensus, Decision, LabelClass, Project, Review, ReviewControl, User
from curation.services import reviews
from curation.services.patience import in_time
from curation.services.reviews import controls, history
from curation.services.reviews.controls import agrees
from tests import scenes
from tests.review.deciding import decide

pytestmark = pytest.mark.django_db
HAND = {"label": "gesture", "x": 0.1, "y": 0.1, "w": 0.2, "h": 0.3}
NUDGED = {**HAND, "x": 0.11}
ELSEWHERE = {**HAND, "x": 0.7}


@pytest.fixture
def known(world, boxes, rita) -> Asset:
    """An image that Rita rejected an hour ago, in a project where every second image is a control."""
    world.stages.filter(kind="review").update(settings={"control_every": 2})
    asset = scenes.image_at_review(world, boxes, seed="known")
    Decision.objects.create(
        project_id=world.pk, asset=asset, stage=asset.stage, verdict="held", reason="unsure", by_kind="rule",
        created_at=timezone.now() - timedelta(hours=2),
    )  # fmt: skip
    decide(world, rita, asset, "reject", reason="misplaced")
    Review.objects.update(created_at=timezone.now() - timedelta(hours=1))
    for n in range(3):
        scenes.image_at_review(world, boxes, seed=f"new-{n}")
    asset.refresh_from_db()
    return asset


def queue(world: Project, user: User) -> list[Asset]:
    now = database_now()
    images = reviews.next_images(project=world, user=user, n=10, now=now)
    return reviews.with_control(images, project=world, user=user, now=now)[0]


def test_a_control_stands_in_its_place_among_the_others(world, rita, known):
    names = [asset.name for asset in queue(world, rita)]
    assert names.index("known.jpg") == 0  # one decision was made already, so it is the second
    assert [asset.name for asset in queue(world, rita)] == names
    assert ReviewControl.objects.count() == 1


def test_a_control_looks_like_any_other_image(client, world, rita, known):
    client.force_login(rita)
    items = client.get(reverse("review-next", args=[world.public_id])).json()["items"]
    control, other = items[0], items[1]
    assert control["id"] == str(known.public_id)
    assert control.keys() == other.keys()
    assert (control["why"], control["headline"]) == (other["why"], other["headline"])
    assert control["seen"] == Review.objects.get().consensus_id


@pytest.mark.parametrize(("reason", "right"), [("extra_box", True), (None, False)])
def test_an_answer_to_a_control_is_counted_and_changes_nothing_else(world, rita, known, reason, right):
    queue(world, rita)
    before = (Review.objects.count(), Decision.objects.count())
    verdict, more = ("reject", {"reason": reason}) if reason else ("accept", {})
    assert decide(world, rita, known, verdict, **more).refused == []
    assert ReviewControl.objects.get().is_right is right
    assert (Review.objects.count(), Decision.objects.count()) == before
    standing = reviews.standing(project=world, user=rita, now=timezone.now())
    assert (standing.controls, standing.agreed) == (1, int(right))
    assert "known.jpg" not in [asset.name for asset in queue(world, rita)]


@pytest.mark.parametrize(("verdict", "right"), [("hold", True), ("accept", False)])
def test_in_the_grid_a_control_of_the_class_is_marked_or_not(client, known, verdict, right):
    client.force_login(scenes.person("Rita"))
    answer = client.get(reverse("review-next", args=[known.project.public_id]), {"class": "peace"}).json()
    (shown,) = [item for item in answer["items"] if item["id"] == str(known.public_id)]
    said = {"key": str(uuid.uuid4()), "id": shown["id"], "seen": shown["seen"], "verdict": verdict, "in_grid": True}
    address = reverse("review-decisions", args=[known.project.public_id])
    answer = client.post(address, {"decisions": [said]}, "application/json").json()
    assert (answer["saved"], answer["refused"]) == ([said["key"]], [])
    assert ReviewControl.objects.get().is_right is right


def test_an_answer_to_a_control_sent_twice_counts_once_and_can_be_taken_back(world, rita, known):
    queue(world, rita)
    key, undo = uuid.uuid4(), uuid.uuid4()
    for _ in range(2):
        assert decide(world, rita, known, "accept", key=key).saved == [key]
    for _ in range(2):
        assert decide(world, rita, known, "undo", key=undo, undoes=key).saved == [undo]
    assert ReviewControl.objects.get().answered_at is None
    assert "known.jpg" in [asset.name for asset in queue(world, rita)]
    decide(world, rita, known, "reject", reason="extra_box")
    assert ReviewControl.objects.get().is_right


def test_two_requests_at_once_draw_one_control(world, boxes, rita, known):
    other = scenes.image_at_review(world, boxes, seed="known too")
    decide(world, rita, other, "reject", reason="misplaced")
    Review.objects.update(created_at=timezone.now() - timedelta(hours=1))
    first, second = (controls._draw(world, rita, timezone.now()) for _ in range(2))
    assert first == second
    assert ReviewControl.objects.count() == 1


def test_a_control_of_another_class_left_a_day_ago_stops_no_other(world, boxes, rita, known):
    left = scenes.image_at_review(world, boxes, seed="left")
    decide(world, rita, left, "reject", reason="misplaced")
    truth = Review.objects.get(asset=left)
    Review.objects.update(created_at=timezone.now() - timedelta(hours=1))
    Asset.objects.filter(pk=left.pk).update(
        label_class=LabelClass.objects.create(project=world, name="another", index=99)
    )
    now, wanted = timezone.now(), known.label_class.name
    control = ReviewControl.objects.create(project_id=world.pk, user=rita, asset=left, truth=truth, shown_at=now)
    images = reviews.next_images(project=world, user=rita, n=10, now=now)
    assert known not in reviews.with_control(images, project=world, user=rita, now=now, label_class=wanted)[0]
    ReviewControl.objects.filter(pk=control.pk).update(shown_at=now - timedelta(days=2))
    assert known in reviews.with_control(images, project=world, user=rita, now=now, label_class=wanted)[0]
    assert ReviewControl.objects.get().asset == known


def test_an_open_control_that_returned_to_review_is_decided_on_as_any_other_image(world, rita, known):
    queue(world, rita)
    Asset.objects.filter(pk=known.pk).update(state="held", stage=world.stages.get(kind="review"))
    assert decide(world, rita, known, "reject", reason="extra_box").refused == []
    assert not ReviewControl.objects.exists()
    assert Review.objects.filter(asset=known).count() == 2


def test_without_a_setting_for_it_there_is_no_control(world, rita, known):
    world.stages.filter(kind="review").update(settings={"control_every": 0})
    assert "known.jpg" not in [asset.name for asset in queue(world, rita)]


def test_what_was_decided_a_moment_ago_is_no_control_yet(world, rita, known):
    Review.objects.update(created_at=timezone.now() - timedelta(minutes=5))
    assert "known.jpg" not in [asset.name for asset in queue(world, rita)]


@pytest.mark.parametrize(
    ("truth", "right", "verdict", "fixed", "expected"),
    [
        ("accept", [], "accept", [], True),
        ("accept", [], "fix", [NUDGED], True),
        ("accept", [], "fix", [ELSEWHERE], False),
        ("accept", [], "reject", [], False),
        ("fix", [NUDGED], "accept", [], True),
        ("fix", [ELSEWHERE], "accept", [], False),
        ("fix", [ELSEWHERE], "fix", [ELSEWHERE], True),
        ("fix", [ELSEWHERE], "fix", [], False),
        ("fix", [ELSEWHERE], "send_back", [], True),
        ("reject", [], "fix", [ELSEWHERE], True),
        ("reject", [], "fix", [NUDGED], False),
    ],
)
def test_two_verdicts_agree_when_both_find_a_fault_or_both_find_none(truth, right, verdict, fixed, expected):
    assert agrees(truth, seen=[HAND], right=right, verdict=verdict, fixed=fixed) is expected


# --- what was decided lately ------------------------------------------------------------------------------------------
def test_the_last_decisions_are_listed_and_one_is_shown_as_it_was_seen(client, world, image, rita):
    key, seen = uuid.uuid4(), Consensus.objects.get(asset=image).pk
    decide(world, rita, image, "fix", boxes=[HAND], key=key)
    client.force_login(rita)
    (line,) = client.get(reverse("review-recent", args=[world.public_id])).json()["decisions"]
    assert (line["key"], line["verdict"], line["class"]) == (str(key), "fix", "peace")
    found = client.get(reverse("review-decided", args=[world.public_id, key])).json()
    assert (found["item"]["seen"], len(found["item"]["consensus"])) == (seen, 2)
    decide(world, rita, image, "undo", undoes=key)
    assert client.get(reverse("review-recent", args=[world.public_id])).json()["decisions"] == []


def test_nobody_opens_the_decisions_of_somebody_else(client, world, image, rita):
    key = uuid.uuid4()
    decide(world, rita, image, "accept", key=key)
    client.force_login(scenes.person("Rob"))
    assert client.get(reverse("review-recent", args=[world.public_id])).json()["decisions"] == []
    assert client.get(reverse("review-decided", args=[world.public_id, key])).status_code == 404
    client.force_login(scenes.person("Charlie"))
    assert client.get(reverse("review-recent", args=[world.public_id])).status_code == 404
    assert client.get(reverse("review-similar", args=[world.public_id, image.public_id])).status_code == 404


def test_similar_images_look_alike_or_come_from_the_same_sender(client, world, boxes, image, rita):
    twin, other, sent = (scenes.image_at_review(world, boxes, seed=seed) for seed in ("twin", "other", "sent"))
    for asset, phash in ((image, 0b1111), (twin, 0b1110), (other, -1)):
        Asset.objects.filter(pk=asset.pk).update(phash=phash)
    Asset.objects.filter(pk__in=[image.pk, sent.pk]).update(worker_id=7)
    client.force_login(rita)
    found = client.get(reverse("review-similar", args=[world.public_id, image.public_id])).json()
    assert [(one["name"], one["bits"]) for one in found["near"]] == [("twin.jpg", 1)]
    assert [one["name"] for one in found["same_sender"]] == ["sent.jpg"]


@pytest.mark.parametrize(("look", "says"), [("_near", "too_many"), ("_same_sender", "too_many_sent")])
def test_a_search_for_similar_images_that_takes_too_long_says_so(look: str, says: str, client, image, monkeypatch):
    Asset.objects.filter(pk=image.pk).update(phash=0b1111)

    def endless(_asset: Asset) -> list[tuple[int, int]]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(60)")
        return []

    def hurried(asked: partial[Any], *, milliseconds: int) -> Any:  # the other search has all the time it needs
        return in_time(asked, milliseconds=20 if asked.func is endless else milliseconds)

    monkeypatch.setattr(history, look, endless)
    monkeypatch.setattr(history, "in_time", hurried)
    client.force_login(scenes.person("Rita"))
    found = client.get(reverse("review-similar", args=[image.project.public_id, image.public_id])).json()
    assert {name for name, is_so in found.items() if is_so} == {says}
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.1)")


# --- own keys ---------------------------------------------------------------------------------------------------------
def test_keys_are_kept_with_the_person_and_nonsense_is_refused(client, world, rita):
    client.force_login(rita)
    keys = {"off": True, "review": {"accept": "KeyG"}}
    assert client.post(reverse("own-keys"), keys, content_type="application/json").json() == keys
    page = client.get(reverse("review", args=[world.public_id]))
    assert page.context["start"]["keys"] == keys
    answer = client.post(reverse("own-keys"), {"review": {"accept": "K" * 50}}, content_type="application/json")
    assert answer.status_code == 400
    assert "longer than 40" in answer.json()["detail"]
