"""The review screen's doors."""

import uuid

import pytest
from django.urls import reverse

from crowd.models import Skill, SkillValue
from curation.models import Asset, Consensus, Review
from curation.services.consensus.skills import name_of
from tests import scenes

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def world():
    return scenes.project(Rita="reviewer", Vera="viewer")


@pytest.fixture
def image(world) -> Asset:
    return scenes.image_at_review(world, scenes.batch(world, "boxes"))


def doors(world):
    return [reverse(name, args=[world.public_id]) for name in ("review", "review-next")]


def send(client, world, *decisions: object):
    return client.post(reverse("review-decisions", args=[world.public_id]), {"decisions": decisions}, content_type=JSON)


@pytest.mark.parametrize("name", ["Alice", "Rita"])
def test_lead_and_reviewer_may_review(client, world, name):
    client.force_login(scenes.person(name))
    assert [client.get(url).status_code for url in doors(world)] == [200, 200]


@pytest.mark.parametrize("name", ["Vera", "Charlie"])
def test_viewers_and_strangers_find_nothing(client, world, image, name):
    client.force_login(scenes.person(name))
    assert [client.get(url).status_code for url in doors(world)] == [404, 404]
    decision = {"key": str(uuid.uuid4()), "id": str(image.public_id), "verdict": "accept"}
    assert send(client, world, decision).status_code == 404
    assert not Review.objects.exists()


def test_nobody_reviews_without_signing_in(client, world):
    assert [client.get(url).status_code for url in doors(world)] == [302, 302]


def test_the_next_images_come_with_everybodys_boxes(client, world, image):
    client.force_login(scenes.person("Rita"))
    (item,) = client.get(reverse("review-next", args=[world.public_id])).json()["items"]
    assert item["id"] == str(image.public_id)
    assert [one["letter"] for one in item["variants"]] == ["A", "B", "C"]
    assert [one["used"] for one in item["variants"]] == [True, True, False]
    assert item["consensus"][0]["box"] == [0.6, 0.2, 0.09, 0.25]
    assert item["headline"] == "Soft aggregation agreed after dropping C"
    assert item["why"] == "3 annotators: 3 × 2 boxes. Lowest IoU 0.70. The confidence is under the limit."
    assert image.storage_key not in str(item)


def test_the_screen_says_what_was_changed_and_what_is_to_be_expected(client, world, image):
    steps = ["hard.count: no, 2 3 2 boxes (A w_111111 B w_222222 C w_333333)"]
    steps += ["soft.outliers: removed 1 box: gesture at 1.5,2 30x40 by B w_222222"]
    steps += ["soft.iou: yes, lowest pair 0.812, at least 0.7 needed"]
    Consensus.objects.filter(asset=image).update(trace=steps, expected_loss=0.42)
    client.force_login(scenes.person("Rita"))
    (item,) = client.get(reverse("review-next", args=[world.public_id])).json()["items"]
    assert "Removed 1 box that too few others see: gesture by B." in item["why"]
    assert item["why"].endswith("About 0.4 wrong or missing boxes are to be expected.")
    assert item["trace"][0] == "3 annotators: 2 × 2 boxes, 1 × 3 boxes."
    assert item["trace"][2] == "The two least alike boxes overlap by IoU 0.81, over the 0.70 asked for."


def test_an_image_for_which_the_method_wants_a_person_says_so(client, world, image):
    Consensus.objects.filter(asset=image).update(next_step="review")
    Asset.objects.filter(pk=image.pk).update(reason="in_doubt")
    client.force_login(scenes.person("Rita"))
    (item,) = client.get(reverse("review-next", args=[world.public_id])).json()["items"]
    assert "It is still in doubt. All answers that may be bought are in: a person decides." in item["why"]


def test_a_method_without_a_model_of_misses_tells_the_chance_of_a_fault(client, world, image):
    Consensus.objects.filter(asset=image).update(expected_loss=0.3)
    client.force_login(scenes.person("Rita"))
    (item,) = client.get(reverse("review-next", args=[world.public_id])).json()["items"]
    assert item["why"].endswith("Something is wrong here with a chance of about 30 %.")


def test_an_image_of_the_random_sample_does_not_say_so(client, world, image):
    Asset.objects.filter(pk=image.pk).update(reason="sample")
    client.force_login(scenes.person("Rita"))
    (item,) = client.get(reverse("review-next", args=[world.public_id])).json()["items"]
    assert "sample" not in str(item).lower()


def test_a_measured_skill_at_boxing_is_shown_before_that_of_the_gate(client, world, image):
    walt = scenes.worker("Walt")
    for source, value in ((world.stages.get(kind="boxes"), 61), (scenes.project().stages.get(kind="boxes"), 12)):
        skill = Skill.objects.create(account=walt.account, name=name_of(source))
        SkillValue.objects.create(worker=walt, skill=skill, value=value)
    client.force_login(scenes.person("Rita"))
    (item,) = client.get(reverse("review-next", args=[world.public_id])).json()["items"]
    assert [one["skill"] for one in item["variants"]] == [61, None, None]


def test_an_image_of_another_project_is_refused(client, world, image):
    other = scenes.project(Rita="reviewer")
    client.force_login(scenes.person("Rita"))
    decision = {"key": str(uuid.uuid4()), "id": str(image.public_id), "verdict": "accept", "seen": 0}
    (refusal,) = send(client, other, decision).json()["refused"]
    assert refusal["why"] == "This image is not in this project."


def test_a_decision_without_a_key_is_refused_and_the_rest_is_saved(client, world, image):
    client.force_login(scenes.person("Rita"))
    good = {"key": str(uuid.uuid4()), "id": str(image.public_id), "verdict": "accept", "ms": 1740}
    good["seen"] = Consensus.objects.get(asset=image).pk
    answer = send(client, world, {"id": str(image.public_id), "verdict": "accept"}, good, "nonsense").json()
    assert answer["saved"] == [good["key"]]
    assert [one["why"] for one in answer["refused"]] == [
        "None is no key: it must be a UUID.",
        "A decision must be an object.",
    ]
    assert answer["standing"]["done"] == 1
    assert Review.objects.get().duration_ms == 1740


def test_the_queue_reads_a_fixed_number_of_rows_whatever_its_length(client, world, django_assert_max_num_queries):
    boxes = scenes.batch(world, "boxes")
    for n in range(8):
        scenes.image_at_review(world, boxes, seed=f"image-{n}")
    client.force_login(scenes.person("Rita"))
    with django_assert_max_num_queries(30):
        client.get(reverse("review-next", args=[world.public_id]))


def test_a_decision_about_boxes_that_have_changed_meanwhile_is_refused(client, world, image):
    client.force_login(scenes.person("Rita"))
    (item,) = client.get(reverse("review-next", args=[world.public_id])).json()["items"]
    before = Consensus.objects.get(asset=image)
    Consensus.objects.filter(pk=before.pk).update(is_current=False)
    after = Consensus.objects.create(
        project_id=world.pk,
        asset=image,
        stage=before.stage,
        version=2,
        method="hard",
        status="hard",
        n_answers=3,
        confidence=0.5,
    )
    decision = {"key": str(uuid.uuid4()), "id": str(image.public_id), "verdict": "accept", "seen": item["seen"]}
    (refusal,) = send(client, world, decision).json()["refused"]
    assert refusal["why"] == "The boxes of this image have changed since they were shown; look at it again."
    assert refusal["stale"]
    assert not Review.objects.exists()
    (item,) = client.get(reverse("review-next", args=[world.public_id])).json()["items"]
    assert send(client, world, {**decision, "seen": item["seen"]}).json()["refused"] == []
    assert Review.objects.get().consensus == after


def test_a_decision_that_does_not_say_what_was_seen_is_refused(client, world, image):
    client.force_login(scenes.person("Rita"))
    decision = {"key": str(uuid.uuid4()), "id": str(image.public_id), "verdict": "accept"}
    (refusal,) = send(client, world, decision).json()["refused"]
    assert refusal["why"] == "A decision must say which boxes were seen; load the page again."
    assert not Review.objects.exists()
