"""The quality page: what is measured, the images behind each figure, who may see it."""

import re
import uuid
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from curation.models import Asset, ConsensusBox, Decision, Project
from curation.services import assets, reviews
from curation.services.quality_facts.error_rate import error_rates, passed_images
from curation.services.quality_facts.verdicts import differences, judged
from curation.services.reviews import Decided
from curation.stages.review import ReviewSettings
from tests import scenes

pytestmark = pytest.mark.django_db
NEAR = {"label": "gesture", "x": 0.1, "y": 0.1, "w": 0.2, "h": 0.4}
FAR = {"label": "no gesture", "x": 0.6, "y": 0.5, "w": 0.2, "h": 0.4}


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


@pytest.fixture
def world() -> Project:
    return scenes.project(Rita="reviewer", Vera="viewer")


@pytest.fixture
def boxes(world):
    return scenes.batch(world, "boxes")


def arrived(world: Project, boxes, seed: str, reason: str, **more: Any) -> Asset:
    """An image that the review stage held for this reason, or passed for none."""
    image = scenes.image_at_review(world, boxes, seed=seed, **more)
    verdict = Decision.Verdict.HELD if reason else Decision.Verdict.PASSED
    Asset.objects.filter(pk=image.pk).update(state=Asset.State.WAITING, reason="")
    with transaction.atomic():
        fresh = assets.locked(image.pk)
        assets.decide(asset=fresh, verdict=verdict, reason=reason, by_kind=Decision.By.RULE, now=timezone.now())
    return image


def decide(world: Project, image: Asset, verdict: str, **more: Any) -> None:
    decided = Decided(key=uuid.uuid4(), asset=image.public_id, verdict=verdict, **more)
    saved = reviews.record(project=world, user=scenes.person("Rita"), decisions=[decided], now=timezone.now())
    assert saved.refused == []


def seen(image: Asset) -> list[dict]:
    rows = ConsensusBox.objects.filter(consensus__asset=image).order_by("seq")
    return list(rows.values("label", "x", "y", "w", "h"))


@pytest.fixture
def reviewed(world, boxes) -> Project:
    """Six passed unseen; of the sample one right, one wrong; of the doubtful one right, one wrong, one loose."""
    for n in range(6):
        arrived(world, boxes, f"unseen-{n}", "", confidence=0.98)
    sampled = [arrived(world, boxes, f"sample-{n}", "sample", confidence=0.97) for n in range(2)]
    doubtful = [arrived(world, boxes, f"doubtful-{n}", "unsure", confidence=0.6) for n in range(3)]
    decide(world, sampled[0], "accept", ms=1500)
    decide(world, sampled[1], "fix", boxes=seen(sampled[1])[:1], ms=2500)
    decide(world, doubtful[0], "accept")
    decide(world, doubtful[1], "reject", reason="wrong_label")
    first, second = seen(doubtful[2])
    decide(world, doubtful[2], "fix", boxes=[{**first, "w": first["w"] * 0.7}, second])
    return world


# --- what is measured -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("right", "kinds"),
    [
        ([NEAR, FAR], ()),
        ([FAR, {**NEAR, "x": 0.102}], ()),
        ([NEAR], ("extra_box",)),
        ([NEAR, FAR, {**FAR, "y": 0.05}], ("missing_box",)),
        ([{**NEAR, "label": "no gesture"}, FAR], ("wrong_label",)),
        ([{**NEAR, "x": 0.22}, FAR], ("misplaced",)),
        ([{**NEAR, "h": 0.25}, FAR], ("loose",)),
        ([], ("extra_box",)),
    ],
)
def test_a_fix_says_what_was_wrong(right, kinds):
    assert differences([NEAR, FAR], right) == kinds


def test_the_sample_speaks_for_what_nobody_saw_and_the_doubtful_for_themselves(reviewed):
    every, _, _ = error_rates(passed_images(reviewed), judged(reviewed))
    assert (every.sample.hits, every.sample.n) == (1, 2)
    assert (every.doubtful.hits, every.doubtful.n) == (1, 3)
    assert every.loose.hits == 1
    assert (every.unseen, every.delivered_images) == (6, 10)
    assert every.delivered.share == pytest.approx(6 / 10 * 1 / 2)
    assert every.without_review.share == pytest.approx(8 / 11 * 1 / 2 + 3 / 11 * 1 / 3)


def test_a_sampled_image_that_was_sent_back_was_wrong_whatever_the_crowd_made_of_it_later(world, boxes):
    image = arrived(world, boxes, "sampled", "sample", confidence=0.97)
    decide(world, image, "send_back")
    assert [(one.part, one.outcome, one.kinds) for one in judged(world)] == [("sample", "wrong", ("asked_again",))]
    stage = world.stages.get(kind="review")
    Asset.objects.filter(pk=image.pk).update(stage=stage, state=Asset.State.WAITING, reason="")
    with transaction.atomic():
        fresh = assets.locked(image.pk)
        held = Decision.Verdict.HELD
        assets.decide(asset=fresh, verdict=held, reason="sample", by_kind=Decision.By.RULE, now=timezone.now())
    decide(world, image, "accept")
    assert [(one.part, one.outcome) for one in judged(world)] == [("sample", "wrong")]


def test_without_a_judged_sample_the_delivered_rate_is_not_known(world, boxes):
    arrived(world, boxes, "unseen", "", confidence=0.98)
    decide(world, arrived(world, boxes, "doubtful", "unsure"), "accept")
    every, by_class, by_month = error_rates(passed_images(world), judged(world))
    assert every.delivered is None
    assert [(one.name, one.unseen) for one in by_class] == [("peace", 1)]
    assert [one.name for one in by_month] == [f"{timezone.now():%Y-%m}"]


def test_when_every_delivered_image_was_seen_none_is_wrong(world, boxes):
    decide(world, arrived(world, boxes, "doubtful", "unsure"), "fix", boxes=[NEAR])
    every, _, _ = error_rates(passed_images(world), judged(world))
    assert (every.delivered.share, every.delivered.high) == (0, 0)


def test_what_was_taken_back_is_not_counted(world, boxes):
    image = arrived(world, boxes, "doubtful", "unsure")
    key = uuid.uuid4()
    rita = scenes.person("Rita")
    for decided in (
        Decided(key=key, asset=image.public_id, verdict="reject", reason="misplaced"),
        Decided(key=uuid.uuid4(), asset=image.public_id, verdict="undo", undoes=key),
    ):
        reviews.record(project=world, user=rita, decisions=[decided], now=timezone.now())
    assert judged(world) == []
    decide(world, image, "accept")
    assert [(one.part, one.outcome) for one in judged(world)] == [("doubtful", "right")]


# --- the page ---------------------------------------------------------------------------------------------------------
def opened(client, world: Project, name: str = "Rita", query: str = "") -> str:
    client.force_login(scenes.person(name))
    answer = client.get(reverse("quality", args=[world.public_id]) + query)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def test_the_page_shows_rate_interval_and_counts(client, reviewed):
    page = opened(client, reviewed)
    assert "30.0 %" in page
    assert re.search(r'part=sample&amp;outcome=wrong">1</a>', page)
    assert "6</a> of 10 passed without a look" in page
    assert "3,000 an hour" not in page
    assert "1,800 an hour" in page


def test_without_a_setting_the_page_names_the_share_that_the_review_draws_by_itself(client, world):
    client.force_login(scenes.person("Rita"))
    found = client.get(reverse("quality", args=[world.public_id]))
    assert found.context["sample_setting"] == ReviewSettings().sample


FIGURES = {
    "": 5,
    "?part=sample": 2,
    "?part=sample&outcome=wrong": 1,
    "?part=doubtful&outcome=loose": 1,
    "?part=unseen": 6,
    "?kind=wrong_label": 1,
    "?status=soft": 11,
    "?by=Rita&class=peace": 5,
    "?class=call": 0,
    "?low=0.9&high=1": 2,
    "?part=unseen&month=1999-13": 0,
    "?part=nonsense&low=x&page=-3": 0,
}


def test_every_figure_leads_to_its_images(client, reviewed):
    client.force_login(scenes.person("Vera"))
    address = reverse("quality-images", args=[reviewed.public_id])
    pages = {query: client.get(address + query).content.decode() for query in FIGURES}
    assert {query: int(re.search(r"<h1>(\d+) image", page)[1]) for query, page in pages.items()} == FIGURES


def test_workers_are_sorted_by_the_column_asked_for(client, reviewed):
    page = opened(client, reviewed, query="?sort=-name")
    names = re.findall(r'name-cell mono" href="[^"]+">(w_[0-9a-f]{6})', page)
    assert names == sorted(names, reverse=True)
    assert len(names) == 3
    assert 'aria-sort="descending"' in page


def test_an_empty_project_says_when_figures_appear(client, world):
    assert "Nothing to measure yet" in opened(client, world, "Vera")


def test_a_stage_that_is_not_there_is_not_found(client, world):
    client.force_login(scenes.person("Rita"))
    assert client.get(reverse("quality", args=[world.public_id]) + "?stage=nothing").status_code == 404


@pytest.mark.parametrize("name", ["quality", "quality-images"])
def test_strangers_find_nothing(client, reviewed, name):
    client.force_login(scenes.person("Charlie"))
    assert client.get(reverse(name, args=[reviewed.public_id])).status_code == 404


def test_figures_are_computed_once_for_a_version(client, reviewed):
    opened(client, reviewed)
    with CaptureQueriesContext(connection) as again:
        page = client.get(reverse("quality", args=[reviewed.public_id]))
    assert page.status_code == 200
    assert len(again) <= 6  # session, person, project, stages, words beside them, keys
