"""A rehearsal that draws no picture takes the same course as one that draws them all."""

from typing import Any

import pytest

from crowd.errors import CrowdError
from crowd.models import Evidence
from crowd.rehearsal.people import CrowdMix
from crowd.rehearsal.population import Population
from curation.engine import campaigns, wish
from curation.engine.rehearsal import rehearse
from curation.engine.wish import Wish
from curation.models import Asset, Decision, Project

pytestmark = pytest.mark.django_db(transaction=True)
SIZE = 40
SETTINGS: dict[str, dict[str, Any]] = {
    "validate": {"training_tasks": 3, "exam_tasks": 3},
    "review": {"sample": 0},  # drawn by the bytes of a picture, which are others here
}


@pytest.fixture
def many_cheats(monkeypatch):
    """More of each sort than in the usual crowd, so that a small rehearsal meets them all."""
    sorts = {"clickers": 0.04, "duplicates": 0.28, "templates": 0.28, "processed": 0.2, "synthetic": 0.0, "rings": 0.2}
    mix = CrowdMix(who=Population(careless=0.04, dishonest=0.4, **sorts))
    monkeypatch.setattr(CrowdMix, "from_json", classmethod(lambda _cls, _plain: mix))
    monkeypatch.setattr(campaigns, "CONTROL_STOCK", 6)


def rehearsed(**how: bool) -> tuple[dict[str, Any], list[Any], list[Any]]:
    """Return the document, every decision in its order, and all evidence."""
    document = rehearse(wish=Wish("gestures", 11, SIZE, SETTINGS, **how))
    document["time"].pop("wall_seconds")
    project = Project.objects.latest("id")
    decisions = Decision.objects.filter(project_id=project.pk).order_by("created_at", "asset_id", "id")
    first = Asset.objects.filter(project=project).order_by("id").values_list("id", flat=True)[0]
    made = [
        (one.asset_id - first, one.stage.name, one.verdict, one.reason, one.created_at)
        for one in decisions.select_related("stage")
    ]
    found = Evidence.objects.filter(project_id=project.pk).order_by("id")
    accused = [(one.worker.ext_id, one.kind, one.level, one.item_id - first) for one in found.select_related("worker")]
    return document, made, accused


@pytest.mark.usefixtures("many_cheats")
def test_without_pictures_the_funnel_the_cost_and_every_decision_are_those_of_the_drawn_campaign():
    drawn, decisions, accused = rehearsed()
    planted = rehearsed(pictures=False)
    assert planted[2] == accused
    assert planted[1] == decisions
    assert planted[0] == drawn
    assert len({level for _, _, level, _ in accused}) > 1
    assert drawn["quality"]["delivered"] > 0


@pytest.mark.usefixtures("many_cheats")
def test_photos_drawn_smaller_meet_the_verdicts_of_those_at_full_size(monkeypatch):
    halved = rehearsed()
    assert {(960, 540), (640, 360)} <= _sizes()
    full = rehearsed(full_size=True)
    assert {(1920, 1080), (1280, 720)} <= _sizes()
    assert full == halved
    monkeypatch.setattr(wish, "LARGE", SIZE - 1)
    assert rehearsed() == full
    assert {(480, 270), (320, 180)} <= _sizes()


def _sizes() -> set[tuple[int, int]]:
    sent = Asset.objects.filter(project=Project.objects.latest("id"), width__isnull=False)
    return set(sent.values_list("width", "height"))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"checks": {"min_sharpness": 5}}, "checks.min_sharpness needs pixels to look at: rehearse with pictures."),
        ({"checks": {"same_scene": "hold"}}, "checks.same_scene needs pixels to look at: rehearse with pictures."),
    ],
)
def test_a_setting_that_looks_at_pixels_is_refused_without_pictures(settings, sentence):
    with pytest.raises(CrowdError, match=sentence):
        rehearse(wish=Wish("gestures", 1, 6, settings, pictures=False))
    assert not Project.objects.exists()


def test_films_are_not_rehearsed_without_pictures():
    with pytest.raises(CrowdError, match="rehearse it with pictures"):
        rehearse(wish=Wish("feet-videos", 1, 6, {}, pictures=False))
